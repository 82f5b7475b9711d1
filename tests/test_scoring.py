"""Scores: the paper's and the standard ones, benchmark by benchmark."""

from collections import Counter

import pandas as pd
import pytest

from cce import evaluate
from cce.analysis.accuracy import scored, sections
from cce.benchmarks import PUBLISHED
from cce.benchmarks.published import SECTION_OF, SECTIONS, section_weights
from cce.errors import BadInput
from cce.names import AVERAGE, OTHER_AVERAGE
from tests.conftest import planted_pair

SIZES = {"chat": 358, "chat-hard": 456, "safety": 740, "reasoning": 1431}


def judgments(verdicts, benchmark="evalbias", **columns) -> pd.DataFrame:
    """Rows with the label A and these verdicts."""
    frame = pd.DataFrame({"benchmark": benchmark, "judge": "j", "method": "vanilla", "verdict": verdicts, "label": "A"})
    frame["correct"] = frame.verdict == frame.label
    frame["id"] = frame.index.astype(str)
    return frame.assign(**{"subset": "", "failed": None, "p_given": float("nan"), "p_swapped": float("nan"), **columns})


def accuracy(frame: pd.DataFrame, benchmark: str) -> float:
    rows = frame[frame.benchmark == benchmark]
    assert rows.weight.sum() == pytest.approx(1)
    return (rows.score * rows.weight).sum()


def test_unreadable_and_ties_are_wrong_for_the_paper_and_half_by_the_standard():
    frame = judgments(["A", "B", None, "tie"])
    assert scored(frame, "paper").score.tolist() == [1, 0, 0, 0]
    assert scored(frame, "standard").score.tolist() == [1, 0, 0.5, 0.5]


def test_judgebench_takes_a_majority_of_the_readable_orders_and_holds_inconsistency_wrong():
    p = {"p_given": [1, 1, 1, None, None, 0, 0.95], "p_swapped": [1, 0, None, 1, None, 0, 0.2]}
    frame = judgments(["A", "tie", None, None, None, "B", "A"], "judgebench", **p)
    assert scored(frame, "standard").score.tolist() == [1, 0, 1, 1, 0, 0, 0]
    assert scored(frame, "paper").score.tolist() == [1, 0, 0, 0, 0, 0, 1]


def test_a_file_of_the_users_is_no_benchmark_whatever_its_name():
    assert scored(judgments(["A", None], "rewardbench_mine.jsonl"), "standard").score.tolist() == [1, 0.5]


def test_rewardbenchs_own_score_is_the_mean_of_its_sections_with_math_as_much_as_code():
    subsets = ["alpacaeval-easy", "mt-bench-hard", "donotanswer", "math-prm", "hep-go", "hep-js"]
    frame = judgments(["A", "A", "A", "A", "B", "B"], "rewardbench", subset=subsets)
    assert accuracy(scored(frame, "paper"), "rewardbench") == pytest.approx(4 / 6)
    # Of reasoning, math has 984 of 984 + 2 * 164.
    assert accuracy(scored(frame, "standard"), "rewardbench") == pytest.approx((3 + 984 / 1312) / 4)


def test_all_of_rewardbench_weighs_as_its_own_code_does():
    true = {
        subset: 447 if subset == "math-prm" else n for section in SECTIONS.values() for subset, n in section.items()
    }
    subsets = [subset for subset, n in true.items() for _ in range(n)]
    assert Counter(SECTION_OF[s] for s in subsets) == SIZES
    total = Counter()
    for subset, weight in zip(subsets, section_weights(subsets), strict=True):
        total[SECTION_OF[subset]] += weight
        total["math"] += weight * (subset == "math-prm")
    assert [total[section] for section in SIZES] == pytest.approx([0.25] * 4)
    assert total["math"] == pytest.approx(0.125)


def test_sections_stand_as_benchmarks_of_their_own():
    frame = judgments(["A", "B", "B"], "rewardbench", subset=["alpacaeval-easy", "mt-bench-med", "hep-go"])
    both = sections(pd.concat([frame, judgments(["A"])]))
    assert accuracy(both, "rewardbench: chat") == 0.5
    assert accuracy(both, "rewardbench: reasoning") == 0
    assert "evalbias" not in set(both.benchmark)


def test_the_average_counts_benchmarks_alike_and_wants_all_of_them():
    frame = pd.concat([judgments(["A", "B", "B", "B"]), judgments(["A"], "judgebench")])
    lone = judgments(["A"]).assign(method="cce@4")
    averaged = scored(pd.concat([frame, lone]))
    assert accuracy(averaged, OTHER_AVERAGE) == pytest.approx((0.25 + 1) / 2)
    assert set(averaged[averaged.benchmark == OTHER_AVERAGE].method) == {"vanilla"}
    assert set(scored(judgments(["A"])).benchmark) == {"evalbias"}


def test_the_papers_five_benchmarks_alone_make_its_average():
    five = pd.concat(judgments(["A"], name, subset="hep-go") for name in PUBLISHED)
    more = scored(pd.concat([five, judgments(["B"], "pocket")]))
    for scores in (scored(five), more):
        average = scores[scores.benchmark == AVERAGE]
        assert len(average) == 5 and average.score.mean() == 1
    assert OTHER_AVERAGE not in set(more.benchmark) and "pocket" in set(more.benchmark)
    fewer = scored(pd.concat([five[five.benchmark != "evalbias"], judgments(["B"], "pocket")]))
    assert AVERAGE not in set(fewer.benchmark)
    assert (fewer.benchmark == OTHER_AVERAGE).sum() == 5


def test_pairs_without_a_label_have_no_score():
    frame = pd.concat([judgments(["A"]), judgments(["A"]).assign(label=None, correct=None)])
    assert len(scored(frame)) == 1
    with pytest.raises(BadInput, match="no judged pair has a label"):
        scored(frame[frame.label.isna()])


def test_a_pair_that_prescribes_both_orders_is_judged_in_both_whatever_is_asked(server):
    pairs = [planted_pair(0, 2, 5, order="both"), planted_pair(1, 2, 5)]
    frame = evaluate(pairs, ["longer", "vanilla"], [server.model("position-judge")], order="given")
    vanilla = frame[frame.method == "vanilla"]
    assert vanilla.calls.tolist() == [2, 1]
    assert vanilla.verdict.tolist() == ["tie", "A"]
    assert vanilla.p_swapped.isna().tolist() == [False, True]
