"""Outcome removal by rule: outcomes go, observations stay."""

import pytest

from cce.crowd.notes import cut_outcome, states_outcome

OUTCOMES = [
    "So [[A]].",
    "So [ [B] ].",
    "Verdict: [[A>B]].",
    "Therefore my final verdict is clear.",
    "Assistant A is better.",
    "It is clear that **Assistant A** is better.",
    "Overall, Assistant B is the better choice.",
    "Assistant B is, overall, better.",
    "The response of Assistant A is superior overall.",
    "Assistant A is superior in every respect.",
    "Assistant B's answer is slightly better than Assistant A's answer.",
    "I prefer Assistant B.",
    "I lean towards Assistant A.",
    "My preference is for Assistant A.",
    "I would choose answer A because it is complete.",
    "B is the winner.",
    "Assistant A wins.",
    "Assistant A deserves the win.",
    "Assistant B should be chosen.",
    "So A is much better.",
    "Overall, A is more helpful and complete than B.",
    "The winner is Assistant B.",
    "Assistant B outperforms Assistant A.",
    "Assistant B narrowly edges out Assistant A.",
    "Assistant B falls short of Assistant A.",
    "Assistant B is less helpful than Assistant A.",
    "Assistant A better serves the user.",
    "Assistant A does a better job.",
    "Assistant A answers the question better than Assistant B.",
    "Assistant A provides the better answer.",
    "Assistant A provides a better and more complete response.",
    "Assistant B is clearly inferior.",
    "This makes Assistant A better.",
    "I find A better than B.",
    "The former is better.",
    "The better of the two is A.",
    "My choice is A.",
    "Assistant A: 8/10, Assistant B: 5/10.",
]
LINES = [
    "Final decision: A",
    "Answer: B",
    "**A**",
    "[A]",
    "My judgment: Assistant B.",
    r"\boxed{A}",
    "A > B",
    "The answer is: A.",
]
OBSERVATIONS = [
    "Assistant A names three causes, Assistant B only one.",
    "Assistant A is better organised, with a heading for each step.",
    "Assistant A is better at explaining the reason.",
    "Assistant B overlooks the second part of the question.",
    "The answer explains why prices rise.",
    "Assistant A gives an example, which makes the rule easier to follow.",
    "Assistant A is wrong about the date.",
    "A better way to sort the list would be a heap.",
    "The user asks which model is better for classification.",
    "The user would prefer a list.",
    "It lets the user choose the option that fits.",
    "Assistant B uses arr[[i]] in R.",
    "The jury reached a guilty verdict.",
    "The model loses accuracy on long inputs.",
    "A better response would have named the source.",
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


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_only_states_the_outcome_is_cut(line):
    assert cut_outcome(f"Assistant A cites a source.\n\n{line}") == "Assistant A cites a source."


def test_a_wrapped_sentence_is_one_sentence():
    wrapped = "Assistant A cites the WHO. Assistant B is\nbetter.\nAssistant B also gives a date, e.g. the first one."
    assert cut_outcome(wrapped) == "Assistant A cites the WHO.\nAssistant B also gives a date, e.g. the first one."
