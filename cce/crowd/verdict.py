"""A judge's verdict: read from its text, or from the probabilities of A and B at the verdict's place.

Both readings become one number, the probability that the first answer is the better one: 1 or 0 for a
verdict in words, anything between for a distribution, None where nothing can be read. Orders and samples
combine as means of that number.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import Literal

from cce.models.wire import FirstToken, Form

Verdict = Literal["A", "B", "tie"] | None
MARK = re.compile(r"\[\[([AB])\]\]")


@dataclass(frozen=True)
class Reading:
    """One judgment in one order: the rationale as written, the probability that the first answer wins, the length of
    the rationale in tokens, and the key of its completion in the store.

    Where no model was asked the text is empty and has no tokens. A dry run's reading is `supposed`.
    """

    text: str
    p_first: float | None
    tokens: int = 0
    key: str = ""
    supposed: bool = False


@dataclass(frozen=True)
class Judgment:
    """A comparison in the order given, and perhaps in the swapped one; `p_a` is None where it is unreadable."""

    readings: tuple[Reading, ...]
    p_a: float | None

    @property
    def verdict(self) -> Verdict:
        """A, B, tie (the two orders balance exactly), or None for unreadable."""
        return verdict_of(self.p_a)

    @property
    def text(self) -> str:
        """The rationale in the order given."""
        return self.readings[0].text

    @property
    def supposed(self) -> bool:
        """Whether nobody has judged yet, as in a dry run."""
        return any(reading.supposed for reading in self.readings)

    def p_in(self, order: int) -> float | None:
        """The probability of A in one order (0 given, 1 swapped); None where it is unreadable or was not asked."""
        if order >= len(self.readings):
            return None
        p_first = self.readings[order].p_first
        return p_first if order == 0 else _other_side(p_first)


# Stands where calls failed for good: the judgment is missing, which is not the same as unreadable.
UNJUDGED = Judgment((Reading("", None),), None)


def verdict_of(p_a: float | None) -> Verdict:
    """The verdict that this probability of A comes to."""
    if p_a is None:
        return None
    return "tie" if p_a == 0.5 else "A" if p_a > 0.5 else "B"


def in_words(p_a: float | None) -> str:
    """The verdict for readers, with the probability of A where that says more."""
    verdict = verdict_of(p_a) or "unreadable"
    return verdict if p_a in (None, 0, 0.5, 1) else f"{verdict} (probability of A {p_a:.2f})"


def read_text(text: str) -> float | None:
    """1.0 where the last mark that the judge wrote is [[A]], 0.0 where it is [[B]], None without a mark."""
    marks = MARK.findall(text)
    return float(marks[-1] == "A") if marks else None


def read_distribution(first_token: FirstToken | None) -> float | None:
    """The share of A in the probability of the tokens A and B, None where neither is among the likeliest."""
    weights = probabilities(first_token, "AB")
    return weights[0] / sum(weights) if weights else None


def probabilities(first_token: FirstToken | None, answers: Iterable[str]) -> list[float]:
    """The probability of each of these answers of one token; an empty list where none is among the likeliest.

    `first_token` maps tokens to natural log-probabilities; tokens count with or without white space. An answer
    that is not listed counts with the probability of the least likely listed token, the most it can have.
    """
    likeliest = {token: exp(logprob) for token, logprob in (first_token or {}).items()}
    listed = [sum(p for token, p in likeliest.items() if token.strip() == answer) for answer in answers]
    return [p or min(likeliest.values()) for p in listed] if any(listed) else []


def closing_form(read, first: str, second: str, tie: str | None = None) -> Form:
    """The form of a judge that ends with these words for the first or the second answer, or for a tie."""

    def write(p_first: float, rationale: str) -> str:
        return f"{rationale}\n{worded(p_first, first, second, tie)}"

    return Form(read, write)


def worded(p_first: float, first: str, second: str, tie: str | None = None) -> str:
    """The words for the answer that this probability prefers; without any for a tie the second's."""
    return tie if tie and p_first == 0.5 else first if p_first > 0.5 else second


# The two forms of the kit's own prompts.
MARKS = closing_form(read_text, "[[A]]", "[[B]]")
LETTERS = Form(read_distribution, lambda p_a, _: {"A": log(p_a), "B": log(1 - p_a)}, of="first_token")


def combine(readings: Sequence[Reading]) -> Judgment:
    """One judgment from the readings in the given and, if asked, the swapped order.

    In words, two orders that disagree make a tie. One unreadable order makes the judgment unreadable: half
    of a swap does not show whether position decided.
    """
    judgment = Judgment(tuple(readings), None)
    seen = [judgment.p_in(order) for order in range(len(readings))]
    return judgment if None in seen else replace(judgment, p_a=sum(seen) / len(seen))


def majority(votes: Sequence[Judgment]) -> Judgment:
    """The verdict of most votes, with the rationale of the first vote that says so.

    Unreadable votes and ties are no votes. A balanced vote, which an even budget allows, is its first vote's, so
    that like the paper's it decides. Otherwise the probability in each order is the share of that order's votes.
    """
    cast = [vote for vote in votes if vote.verdict in ("A", "B")]
    if not cast:
        return next((vote for vote in votes if vote.verdict), votes[0])
    share = sum(vote.verdict == "A" for vote in cast) / len(cast)
    if share == 0.5:
        return cast[0]
    spokesman = next(vote for vote in cast if (vote.verdict == "A") == (share > 0.5))
    readings = (replace(reading, p_first=_share_of_first(votes, k)) for k, reading in enumerate(spokesman.readings))
    return Judgment(tuple(readings), share)


def _share_of_first(votes: Sequence[Judgment], order: int) -> float | None:
    seen = [vote.readings[order].p_first for vote in votes]
    cast = [p_first > 0.5 for p_first in seen if p_first not in (None, 0.5)]
    return sum(cast) / len(cast) if cast else None


def _other_side(p_first: float | None) -> float | None:
    return None if p_first is None else 1 - p_first
