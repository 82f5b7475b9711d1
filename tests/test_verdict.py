"""Reading verdicts from text and from distributions, and combining them."""

import math

import pytest

from cce.crowd.marks import read_text
from cce.crowd.verdict import Judgment, Reading, combine, majority, read_distribution


@pytest.mark.parametrize(
    ("text", "p_first"),
    [
        ("A is clearer. [[A]]", 1.0),
        ("[[B]]", 0.0),
        ("At first [[A]], but on reflection\n**[[B]]**", 0.0),
        ("Assistant A is better.", None),
        ("[A] or [[D]]", None),
        ("Neither is better. [[C]]", 0.5),
        ("[[A]] at first, but then [[Tie]]", 0.5),
        ("", None),
    ],
)
def test_text_verdict_is_the_last_mark(text, p_first):
    assert read_text(text) == p_first


def test_distribution_is_the_share_of_a_among_both_letters():
    first = {"A": math.log(0.3), " A": math.log(0.1), "B": math.log(0.1), "The": math.log(0.4)}
    assert read_distribution(first) == pytest.approx(0.8)


@pytest.mark.parametrize("a", ["A", " A", "\u2581A", "\u0120A", "\nA", "<0x41>", "**A", "(A", "A.", "'A'"])
def test_a_letter_is_known_in_the_spellings_of_tokenisers(a):
    assert read_distribution({a: math.log(0.6), "B": math.log(0.2)}) == pytest.approx(0.75)


@pytest.mark.parametrize("token", ["a", "An", "AA", "Assistant A", "AB"])
def test_a_token_that_is_no_letter_counts_for_none(token):
    assert read_distribution({token: math.log(0.6), "B": math.log(0.2)}) == pytest.approx(0.5)


@pytest.mark.parametrize(("both", "read"), [(0.009, False), (0.011, True)])
def test_a_verdict_takes_a_share_of_the_probability(both, read):
    first = {"The": math.log(1 - both), "A": math.log(0.7 * both), "B": math.log(0.3 * both)}
    assert (read_distribution(first) is not None) == read


def test_an_unlisted_letter_has_the_least_listed_probability():
    assert read_distribution({"A": math.log(0.6), "The": math.log(0.2)}) == pytest.approx(0.75)
    assert read_distribution({"The": -0.1}) is None
    assert read_distribution(None) is None


@pytest.mark.parametrize(
    ("given", "swapped", "verdict"),
    [
        (1.0, 0.0, "A"),
        (0.0, 1.0, "B"),
        (1.0, 1.0, "tie"),
        (0.9, 0.8, "A"),
        (0.9, 0.95, "B"),
        (None, 0.0, None),
        (1.0, None, None),
    ],
)
def test_two_orders_average_the_probability_of_a(given, swapped, verdict):
    assert combine([Reading("", given), Reading("", swapped)]).verdict == verdict


def vote(p_a, text=""):
    return Judgment((Reading(text, p_a),), p_a)


def test_majority_counts_readable_votes_only():
    assert majority([vote(None), vote(0.9), vote(None)]).verdict == "A"
    assert majority([vote(0.1), vote(0.9), vote(0.2)]).verdict == "B"
    assert majority([vote(0.5), vote(0.1)]).verdict == "B"
    assert majority([vote(None)]).verdict is None
    assert majority([vote(None), vote(0.5)]).verdict == "tie"


def test_a_balanced_majority_follows_its_first_vote():
    assert majority([vote(0.1), vote(0.9)]).verdict == "B"
    assert majority([vote(None), vote(0.9), vote(0.1)]).verdict == "A"


def test_majority_speaks_with_the_first_vote_of_the_winner():
    assert majority([vote(1.0, "loser"), vote(0.0, "winner"), vote(0.0, "second")]).readings[0].text == "winner"
