"""Outcome removal by rule: outcomes go, observations stay."""

import pytest

from cce.crowd.outcome import cut_outcome, states_outcome

OUTCOMES = [
    "So [[A]].",
    "Therefore my final verdict is clear.",
    "Assistant A is better.",
    "Overall, Assistant B is the better choice.",
    "The response of Assistant A is superior overall.",
    "Assistant C's answer is slightly better than Assistant A's answer.",
    "I prefer Assistant B.",
    "I would choose answer A because it is complete.",
    "B is the winner.",
    "Assistant A wins.",
    "So A is much better.",
    "The winner is Assistant D.",
    "Assistant B outperforms Assistant A.",
    "Assistant A provides the better answer.",
    "Assistant B is clearly inferior.",
]
OBSERVATIONS = [
    "Assistant A names three causes, Assistant B only one.",
    "Assistant A is better organised, with a heading for each step.",
    "Assistant B overlooks the second part of the question.",
    "The answer explains why prices rise.",
    "Assistant C gives an example, which makes the rule easier to follow.",
    "Assistant A is wrong about the date.",
    "A better way to sort the list would be a heap.",
]


@pytest.mark.parametrize("sentence", OUTCOMES)
def test_a_sentence_with_an_outcome_is_cut(sentence):
    assert states_outcome(sentence)
    assert cut_outcome(f"A cites a source. {sentence} B does not.") == "A cites a source. B does not."


@pytest.mark.parametrize("sentence", OBSERVATIONS)
def test_an_observation_stays(sentence):
    assert cut_outcome(sentence) == sentence


def test_nothing_is_left_where_all_is_outcome():
    assert cut_outcome("Assistant A is better.\n\n[[A]]") == ""


def test_line_structure_stays():
    assert cut_outcome("- A is short.\n- B is long.\n\n[[B]]") == "- A is short.\n- B is long."
