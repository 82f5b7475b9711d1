"""A judge's verdict: read from its text, or from the probabilities of A and B at the verdict's place.

Both readings become one number, the probability that the first answer is the better one: 1 or 0 for a verdict in words,
anything between for a distribution, None where nothing can be read. Orders and samples combine as means of that number.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import exp, log
from typing import Literal

from cce.crowd.marks import own_form, read_alone, read_own, read_text
from cce.models.wire import FirstToken, Form

Verdict = Literal["A", "B", "tie"] | None
# Of a distribution: below this share of the probability the model answered something else, and what is left for A and B
# says nothing of the two. The untrained embedded model gives them 2 to 44%, half of the time less than 9%.
LEAST_SHARE = 0.01
# How tokenisers spell white space, and the signs that models put around a letter.
BYTE = re.compile("<0x([0-9A-F]{2})>")
AROUND = " \t\r\n\u2581\u0120\u010a*_`'\"()[]{}.:"


@dataclass(frozen=True)
class Reading:
    """One judgment in one order: the rationale as written, and the probability that the first answer is the better one.

    Where no model was asked the text is empty. `why` says why no verdict could be read. `key` is the completion's in
    the store; a dry run's is `supposed`.
    """

    text: str
    p_first: float | None
    tokens: int = 0
    key: str = ""
    supposed: bool = False
    why: str = ""


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
    def supposed(self) -> bool:
        """Whether nobody has judged yet, as in a dry run."""
        return any(reading.supposed for reading in self.readings)

    @property
    def unreadable(self) -> str | None:
        """Why it has no verdict, in the first order without one; None where it has one, or nobody was asked."""
        return None if self.p_a is not None else next((one.why for one in self.readings if one.why), None)

    @property
    def p_in(self) -> list[float | None]:
        """The probability of A in each order that was asked (0 given, 1 swapped); None where it is unreadable."""
        given, *swapped = (reading.p_first for reading in self.readings)
        return [given, *(None if p_first is None else 1 - p_first for p_first in swapped)]


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


def read_distribution(first_token: FirstToken | None) -> float | None:
    """The share of A in the probability of the tokens A and B; None where both together hold less than LEAST_SHARE."""
    weights = probabilities(first_token, "AB")
    return weights[0] / sum(weights) if weights else None


def probabilities(first_token: FirstToken | None, answers: Iterable[str]) -> list[float]:
    """The probability of each of these answers of one token; an empty list where all hold less than LEAST_SHARE.

    `first_token` maps tokens to natural log-probabilities; tokens count with or without what stands AROUND. An answer
    that is not listed counts with the probability of the least likely listed token, the most it can have.
    """
    likeliest = {token: exp(logprob) for token, logprob in (first_token or {}).items()}
    listed = [sum(p for token, p in likeliest.items() if letter(token) == answer) for answer in answers]
    return [p or min(likeliest.values()) for p in listed] if sum(listed) >= LEAST_SHARE else []


def letter(token: str) -> str:
    """A token without what tokenisers and models put around a letter or a digit."""
    spelt = BYTE.fullmatch(token)
    return chr(int(spelt[1], 16)) if spelt else token.strip(AROUND)


def form_in_words(
    read: Callable[[str], float | None], first: str, second: str, tie: str | None = None, *, opens: bool = False
) -> Form:
    """The form of a judge that ends, or opens, with these words for the first or the second answer, or for a tie."""

    def write(p_first: float, rationale: str) -> str:
        words = tie if tie and p_first == 0.5 else first if p_first > 0.5 else second
        return f"{words}\n{rationale}" if opens else f"{rationale}\n{words}"

    return Form(read, write)


# The two forms of the kit's own prompts.
MARKS = replace(form_in_words(read_text, "[[A]]", "[[B]]", "[[C]]"), read_cut_off=read_alone)
LETTERS = Form(read_distribution, lambda p_a, _: {"A": log(p_a), "B": log(1 - p_a)}, of="first_token")


@cache
def marks_of(prompts: str | None) -> Form:
    """MARKS, or where the user's folder of prompts has a form of its own, that first."""
    if (own := own_form(prompts)) is None:
        return MARKS

    def first_by(usual: Callable[[str], float | None]) -> Callable[[str], float | None]:
        return lambda text: usual(text) if (found := read_own(own, text)) is None else found

    return replace(MARKS, read=first_by(read_text), read_cut_off=first_by(read_alone))


def combine(readings: Sequence[Reading]) -> Judgment:
    """One judgment from the readings in the given and, if asked, the swapped order.

    In words, two orders that disagree make a tie. One unreadable order makes the judgment unreadable: half
    of a swap does not show whether position decided.
    """
    judgment = Judgment(tuple(readings), None)
    p_in = judgment.p_in
    return judgment if None in p_in else replace(judgment, p_a=sum(p_in) / len(p_in))


def unwritten(p_a: float, orders: int) -> Judgment:
    """A judgment in so many orders that nobody has written."""
    return Judgment(tuple(Reading("", p) for p in (p_a, 1 - p_a)[:orders]), p_a)


def majority(votes: Sequence[Judgment]) -> Judgment:
    """The verdict of most votes, with the rationale of the first vote that says so.

    Unreadable votes and ties are no votes. A balanced vote, which an even budget allows, is its first vote's, so
    that like the paper's it decides. Otherwise the probability in each order is the share of that order's votes.
    """
    cast = [vote for vote in votes if vote.verdict in ("A", "B")]
    p_a = _share(vote.p_a for vote in votes)
    if p_a in (None, 0.5):
        return next((vote for vote in cast or votes if vote.verdict), votes[0])
    spokesman = next(vote for vote in cast if vote.verdict == verdict_of(p_a))
    shares = (_share(vote.readings[order].p_first for vote in votes) for order in range(len(spokesman.readings)))
    readings = (replace(one, p_first=share) for one, share in zip(spokesman.readings, shares, strict=True))
    return Judgment(tuple(readings), p_a)


def _share(votes: Iterable[float | None]) -> float | None:
    cast = [p > 0.5 for p in votes if p not in (None, 0.5)]
    return sum(cast) / len(cast) if cast else None
