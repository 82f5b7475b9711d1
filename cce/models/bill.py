"""The bill of a run: what it has asked for so far, and what that has cost."""

from dataclasses import astuple, dataclass

from cce.models.store import Completion


@dataclass
class Bill:
    """What a run has asked for so far: requests sent, completions found in the store, tokens of both.

    `again` counts the requests that had to be made again, and `dollars` what those sent have cost, by the known prices.
    """

    sent: int = 0
    stored: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    again: int = 0
    dollars: float = 0.0

    def add(self, completion: Completion) -> None:
        """Count a completion's tokens."""
        self.prompt_tokens += completion.prompt_tokens
        self.completion_tokens += completion.completion_tokens

    def __add__(self, other: "Bill") -> "Bill":
        return Bill(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def __str__(self) -> str:
        tokens = self.prompt_tokens + self.completion_tokens
        asked = f"{self.sent:,} requests sent, {self.stored:,} from the store, {tokens:,} tokens"
        again, dollars = f", {self.again:,} made again", f", ${self.dollars:,.2f}"
        return asked + again * bool(self.again) + dollars * bool(self.dollars)
