"""Outcome removal by rule: outcomes go, observations stay."""

import pytest

from cce.crowd.phrasings import cut_outcome, states_outcome

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
    "Therefore, Assistant B better fulfills the user's needs.",
    "This gives Assistant B the edge.",
    "So it is a tie between the two.",
    "Overall, Assistant A's answer is closer to the correct one.",
    "Therefore, Assistant B provided a more engaging and detailed response.",
    "Hence, Assistant A's response is more accurate.",
    "In conclusion, while both are right, Assistant A was more thorough.",
    "This makes Assistant A's response superior, making Assistant B's response worse.",
    "Both answers are equally good.",
    "Therefore, neither Assistant A nor Assistant B provided a better answer.",
    "There is no significant difference in the quality of their responses.",
    "So [[C]].",
    "Verdict: tie.",
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
    "Assistant A gives three examples, B none.",
    "Assistant A's response was more detailed.",
    "Overall, Assistant A names the source while B does not.",
    "So the loop of Assistant A runs once more than it should.",
    "Therefore, Assistant A lists more examples than Assistant B.",
    "The game ends in a tie in Assistant A's story.",
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


HEADED = "**Assistant A's Response:**\n- Names three causes.\n\n**Assistant B**\n- Names one.\n\nA:\n- Is short."


@pytest.mark.parametrize("verdict", ["", "\n\n**Assistant A**", "\n\nAssistant B\n", "\nSo: A"])
def test_a_heading_stays_and_a_name_alone_at_the_end_is_a_verdict(verdict):
    assert cut_outcome(HEADED + verdict) == HEADED


def test_a_wrapped_sentence_is_one_sentence():
    wrapped = "Assistant A cites the WHO. Assistant B is\nbetter.\nAssistant B also gives a date, e.g. the first one."
    assert cut_outcome(wrapped) == "Assistant A cites the WHO.\nAssistant B also gives a date, e.g. the first one."
