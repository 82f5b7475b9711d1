"""A judge's verdict: read from its text, or from the probabilities of A and B at the verdict's place.

Both readings become one number, the probability that the first answer is the better one: 1 or 0 for a
verdict in words, anything between for a distribution, None where nothing can be read. Orders and samples
combine as means of that number.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Literal

from cce.display import Section, Shown

Verdict = Literal["A", "B", "tie"] | None
MARK = re.compile(r"\[\[([AB])\]\]")


@dataclass(frozen=True)
class Reading:
    """One judgment in one order: the rationale as written, the probability that the first answer wins, the rationale's
    length, and the prompt that it answers.

    Where no model was asked the texts are empty and have no tokens.
    """

    text: str
    p_first: float | None
    tokens: int = 0
    prompt: str = ""


@dataclass(frozen=True)
class Judgment(Shown):
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

    def p_in(self, order: int) -> float | None:
        """The probability of A in one order (0 given, 1 swapped); None where it is unreadable or was not asked."""
        if order >= len(self.readings):
            return None
        p_first = self.readings[order].p_first
        return p_first if order == 0 else _other_side(p_first)

    def section(self) -> Section:
        """The verdict, and below it the rationale in each order, with what that order found by itself."""
        orders = ["Rationale"]
        if len(self.readings) > 1:
            found = [in_words(self.p_in(order)) for order in range(2)]
            orders = [
                f"Rationale in the order given: {found[0]}",
                f"Rationale in the swapped order, where A is called B: {found[1]}",
            ]
        rationales = zip(orders, self.readings, strict=True)
        parts = tuple(Section(title, reading.text) for title, reading in rationales if reading.text)
        return Section(f"Verdict: {in_words(self.p_a)}", parts=parts, beside=True)


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


def read_distribution(first_token: dict[str, float] | None) -> float | None:
    """The share of A in the probability of the tokens A and B, None where neither is among the likeliest.

    `first_token` maps tokens to natural log-probabilities; tokens count with or without white space. A letter
    that is not listed counts with the probability of the least likely listed token, the most it can have.
    """
    likeliest = {token: exp(logprob) for token, logprob in (first_token or {}).items()}
    a, b = (sum(p for token, p in likeliest.items() if token.strip() == letter) for letter in "AB")
    if not a + b:
        return None
    least = min(likeliest.values())
    return (a or least) / ((a or least) + (b or least))


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
