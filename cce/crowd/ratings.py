"""Ratings of one answer: read from a judge's text or from its next token, and broken up in the texts it judges."""

import re
from math import log
from statistics import fmean

from cce.crowd.verdict import probabilities
from cce.models.wire import FirstToken, Form

NUMBER = r"(\d+\.?\d*)"
# A judge that forgets one pair of brackets is read all the same, a broken mark that it quotes is not.
MARKS = (re.compile(rf"\[\[{NUMBER}\]\]"), re.compile(rf"(?<!\[ )\[{NUMBER}\]"))
# "[[10]]" in an answer must never come back in an explanation as if it were the judge's rating.
QUOTED = re.compile(rf"\[\[\s*{NUMBER}\s*\]\]")
SCALE = range(1, 10)


def without_ratings(text: str) -> str:
    """The text with every rating in it broken up."""
    return QUOTED.sub(r"[ [\1] ]", text)


def read_rating(text: str) -> float | None:
    """The first number in double brackets, else the first in single ones; None without one from 1 to 10.

    Source: MT-Bench's own code, which however takes a number outside the scale for a rating as well.
    """
    found = next(filter(None, (mark.search(text) for mark in MARKS)), None)
    return float(found[1]) if found and 1 <= float(found[1]) <= 10 else None


def read_digits(first_token: FirstToken | None) -> float | None:
    """The mean of the digits 1 to 9, weighted with their probabilities; None where none is among the likeliest."""
    weights = probabilities(first_token, map(str, SCALE))
    return fmean(SCALE, weights) if weights else None


def read_rating_alone(text: str) -> float | None:
    """The rating of the last line, where nothing but words such as "Rating:" stands beside it: all that can be trusted
    of a text that was cut off.
    """
    last = re.search(rf"^\W*(?:(?:my|the|final|overall|rating|score|is)\W+)*\[\[{NUMBER}\]\]\W*\Z", text, re.I | re.M)
    return read_rating(last[0]) if last else None


RATINGS = Form(read_rating, lambda rating, why: f"{why}\nRating: [[{rating}]]", 1, 10, read_cut_off=read_rating_alone)
# The digits beside the rating are weighted so that it is their mean; the others get next to nothing.
DIGITS = Form(read_digits, lambda r, _: {str(n): log(max(1 - abs(n - r), 1e-9)) for n in SCALE}, 1, 9, "first_token")
