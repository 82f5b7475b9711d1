"""Renaming the crowd's answer, and nothing else."""

import pytest

from cce.crowd.phrasings import rename

TO_C = [
    ("Assistant B is vague.", "Assistant C is vague."),
    ("Assistant A is clearer than Assistant B.", "Assistant A is clearer than Assistant C."),
    ("assistant B's answer, Response B and **Answer B**", "assistant C's answer, Response C and **Answer C**"),
    ("Assistants A and B both err.", "Assistants A and C both err."),
    ("A is concise; B's answer rambles.", "A is concise; C's answer rambles."),
    ("B misses the point.", "C misses the point."),
    ("It names vitamin B and plan B.", "It names vitamin B and plan B."),
    (
        "Assistant B picks option B, while Assistant A chose choice (B).",
        "Assistant C picks option B, while Assistant A chose choice (B).",
    ),
    ("It computes P(A|B).", "It computes P(A|B)."),
    ("Bob and ABBA are not B-movies.", "Bob and ABBA are not B-movies."),
]
FROM_A = [
    ("Assistant A is vague.", "Assistant D is vague."),
    ("A good answer names both. A's does.", "A good answer names both. D's does."),
    ("Both A and B err.", "Both D and B err."),
    ("So the verdict is:\n[[A]]", "So the verdict is:\n[[D]]"),
    ("A and B err.", "D and B err."),
    ("A is short, and I see that A lacks a source.", "D is short, and I see that D lacks a source."),
    ("- A lists five steps.\n- A clearly misses one.", "- D lists five steps.\n- D clearly misses one."),
    (
        "A, on the other hand, errs. A: no source. **A** gives one. A/B err.",
        "D, on the other hand, errs. D: no source. **D** gives one. D/B err.",
    ),
    (
        "The assistant a user would like; the response a teacher wants.",
        "The assistant a user would like; the response a teacher wants.",
    ),
    ("A can of soup. It says, A man walks. P(A|B)", "A can of soup. It says, A man walks. P(A|B)"),
    ("It quotes A Clockwork Orange.", "It quotes A Clockwork Orange."),
    ("A source is missing.\nA table would help.", "A source is missing.\nA table would help."),
]


@pytest.mark.parametrize(("text", "renamed"), TO_C)
def test_the_crowd_answer_in_bs_place_is_renamed(text, renamed):
    assert rename(text, {"B": "C"}) == renamed


@pytest.mark.parametrize(("text", "renamed"), FROM_A)
def test_the_crowd_answer_in_as_place_is_renamed_but_not_the_article(text, renamed):
    assert rename(text, {"A": "D"}) == renamed


# As judges state an outcome; {} stands for the winner, which is one or the other.
OUTCOMES = [
    "Verdict: {}",
    "**Verdict:** {}",
    "**Verdict: {}**",
    "Winner: {}",
    "My choice: {}.",
    "[{}]",
    "[[{}]]",
    "{}",
    "({})",
    "\\boxed{{{}}}",
    "Therefore, {}.",
    "{} wins.",
    "{} is better.",
    "{} remains the stronger one.",
    "{}, because it is complete",
    "{}=8",
    "I prefer {} overall.",
    "Assistant {} wins.",
    "The better one:\n{}\nDone.",
]


@pytest.mark.parametrize("text", OUTCOMES)
@pytest.mark.parametrize("winner", "AB")
@pytest.mark.parametrize(
    "names", [{"A": "A", "B": "C"}, {"A": "C", "B": "B"}, {"A": "B", "B": "C"}, {"A": "C", "B": "A"}]
)
def test_a_stated_outcome_keeps_its_winner_under_the_new_names(text, winner, names):
    assert rename(text.format(winner), names) == text.format(names[winner])


@pytest.mark.parametrize(
    "text", ["{} beats {}.", "{} outperforms {}.", "{} > {}", "| {} | {} |", "{} over {}", "{} and {} err"]
)
@pytest.mark.parametrize(
    "names", [{"A": "A", "B": "C"}, {"A": "C", "B": "B"}, {"A": "B", "B": "C"}, {"A": "C", "B": "A"}]
)
def test_two_names_never_merge(text, names):
    for one, other in ("AB", "BA"):
        assert rename(text.format(one, other), names) == text.format(names[one], names[other])
