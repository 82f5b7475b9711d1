"""The progress bar: cases judged, time left, and what the run has cost so far in calls and tokens."""

import os
import sys

from tqdm import tqdm

from cce.models.client import Bill


def bar_wanted() -> bool:
    """A bar is for eyes: on a terminal, in JupyterLab, or where `cce run` passes it on to a terminal."""
    return sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ or "CCE_PROGRESS" in os.environ


class Progress:
    """A bar over the cases of one evaluation, and a closing line with the bill, on standard error."""

    def __init__(self, cases: int, bills: list[Bill]):
        self.bills = bills
        self.bar = tqdm(
            total=cases, desc="judging", unit="case", disable=not bar_wanted(), mininterval=0.5, dynamic_ncols=True
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        self.bar.close()
        print(self.summary(), file=sys.stderr)

    def advance(self) -> None:
        """One more case is judged."""
        self.bar.set_postfix_str(self.summary(), refresh=False)
        self.bar.update()

    def summary(self) -> str:
        """Requests sent, completions taken from the store, tokens of both."""
        sent, stored = sum(bill.sent for bill in self.bills), sum(bill.stored for bill in self.bills)
        tokens = sum(bill.prompt_tokens + bill.completion_tokens for bill in self.bills)
        return f"{sent:,} requests sent, {stored:,} from the store, {tokens:,} tokens"
