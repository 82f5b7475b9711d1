"""Outcome removal by rule, measured on judgments of GPT-4 and ChatGPT, with marks of our own: docs/outcomes.md.

outcome_marks.jsonl has one line per judgment: where it stands in the published files, how many sentences it has, and
the numbers, from 1, of those that state an outcome, of those that make a point as well (mixed), and of those that do
neither. All others are observations. The texts are in the folder CCE_DATA.
"""

import gzip
import json
import os
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from cce.crowd.phrasings import states_outcome

MARKS = [json.loads(line) for line in Path(__file__).with_name("outcome_marks.jsonl").read_text().splitlines()]
# The sentences that were numbered; the rule may divide a text in another way one day.
SENTENCE_END = re.compile(r"(?<=[.!?])(?=\s+[^\sa-z])|(?<=\n)(?![a-z])")


@cache
def published(name: str) -> list:
    """The rows of judge_texts, or of LLMBar's chain of thought by subset and judge."""
    if name == "judge_texts":
        (file,) = Path(os.environ["CCE_DATA"]).rglob("gpt-4_pair.jsonl.gz")
        return [json.loads(line) for line in gzip.open(file, "rt")]
    subset, judge = name.rsplit("/", 1)
    (file,) = Path(os.environ["CCE_DATA"]).rglob(f"LLMBar/{subset}/evaluators/{judge}/CoT/result.json.gz")
    return json.load(gzip.open(file))


def sentences_of(mark: dict) -> list[str]:
    row = published(mark["set"])[mark["row"]]
    if mark["set"] == "judge_texts":
        text = row["g1_judgment" if mark["order"] == "given" else "g2_judgment"]
    else:
        text = row["results"][-1][f"swap = {mark['order'] == 'swapped'}"]["completion"][0]
        # LLMBar's prompt calls them so; ours calls them Assistant A and B.
        text = re.sub(r"\bOutput \(([ab])\)", lambda found: f"Assistant {found[1].upper()}", text)
    return [sentence for sentence in SENTENCE_END.split(text) if sentence.strip()]


def half_of(mark: dict) -> str:
    """The rule was tuned on one half of the questions; the other half says how good it is."""
    if mark["set"] == "judge_texts":
        return "held" if published("judge_texts")[mark["row"]]["question_id"] % 2 else "tuned"
    return "held" if mark["row"] // 8 % 2 else "tuned"


def counts(half: str) -> Counter:
    """How many outcomes and observations there are in this half, and how many of each the rule cuts."""
    found = Counter()
    for mark in (mark for mark in MARKS if half_of(mark) == half):
        sentences = sentences_of(mark)
        assert len(sentences) == mark["sentences"]
        outcomes, neither = {*mark.get("outcome", []), *mark.get("mixed", [])}, mark.get("neither", [])
        for number, sentence in enumerate(sentences, start=1):
            kind = "outcome" if number in outcomes else "neither" if number in neither else "observation"
            found.update([kind, f"{kind}, cut"] if states_outcome(sentence) else [kind])
    return found


@pytest.mark.skipif("CCE_DATA" not in os.environ, reason="needs published judgments, in the folder CCE_DATA")
@pytest.mark.parametrize("half", ["tuned", "held"])
def test_the_rule_cuts_95_of_100_outcomes_and_loses_2_of_100_observations_at_most(half):
    found = counts(half)
    assert (found["outcome"], found["observation"]) == {"tuned": (226, 550), "held": (205, 525)}[half]
    assert found["outcome, cut"] >= 0.95 * found["outcome"]
    assert found["observation, cut"] <= 0.02 * found["observation"]


def test_no_judgment_is_marked_twice_and_no_sentence_is_of_two_kinds():
    assert len({(mark["set"], mark["row"], mark["order"]) for mark in MARKS}) == len(MARKS) >= 150
    for mark in MARKS:
        numbers = [number for kind in ("outcome", "mixed", "neither") for number in mark.get(kind, [])]
        assert len(set(numbers)) == len(numbers)
        assert set(numbers) <= set(range(1, mark["sentences"] + 1))
