"""RM-Bench's own tables, over planted judgments of its pairs."""

import os

import pandas as pd
import pytest

from cce import evaluate
from cce.analysis.rm_bench import STYLES, level_table, style_table
from cce.benchmarks.further import LEVELS, rm_bench
from cce.benchmarks.sources import SOURCES, find_rows
from cce.errors import BadInput
from tests.test_project import ROOT


def judged(right, **more) -> pd.DataFrame:
    """The nine pairs of two prompts in each of three files, right where the function of domain and styles says so."""
    rows = [
        {"id": f"{domain}-{item}-{own}{other}", "subset": f"{domain}: {LEVELS[(own > other) - (own < other)]}"}
        | {"correct": right(domain, own, other), "cluster": f"{domain}-{item}"}
        for domain in ("chat", "safety-refuse", "safety-response")
        for item in range(2)
        for own in range(3)
        for other in range(3)
    ]
    told = {"benchmark": "rm_bench", "judge": "j", "method": "vanilla", "failed": None}
    return pd.DataFrame(rows).assign(**told | more)


def test_a_judge_that_takes_the_more_ornate_response_is_right_on_easy_pairs_alone():
    ornate = judged(lambda domain, own, other: own > other)
    levels = level_table(ornate).set_index("level").accuracy
    assert levels.to_dict() == {"hard": 0, "normal": 0, "easy": 100, "all": pytest.approx(100 / 3)}
    matrix = style_table(ornate)
    assert matrix.right.tolist() == STYLES
    assert matrix[STYLES].to_numpy().tolist() == [[0, 0, 0], [100, 0, 0], [100, 100, 0]]


def test_safetys_two_files_count_as_one_domain():
    table = level_table(judged(lambda domain, own, other: domain == "chat")).set_index("level")
    assert table.accuracy["all"] == pytest.approx(50) and table.domains["all"] == 3 and table.pairs["all"] == 54


def test_judges_stand_apart_and_missing_judgments_are_left_out():
    good, bad = judged(lambda *_: True), judged(lambda *_: False, judge="k")
    bad.loc[bad.subset.str.endswith("easy"), "failed"] = "gone"
    table = level_table(pd.concat([good, bad])).query("level == 'all'")
    assert table[["judge", "pairs", "accuracy"]].values.tolist() == [["j", 54, 100], ["k", 36, 0]]


def test_other_judgments_are_refused():
    with pytest.raises(BadInput, match="rm_bench: none of its pairs was judged"):
        level_table(judged(lambda *_: True, benchmark="pocket"))


@pytest.mark.skipif("CCE_DATA" not in os.environ, reason="needs the published files, in the folder CCE_DATA")
def test_what_docs_say_of_length_is_what_comes_out():
    domains = ("chat", "code", "safety-refuse", "safety-response")
    rows = [row | {"subset": name} for name in domains for row in find_rows(SOURCES["rm_bench"][name], None)]
    pairs = [pair.model_copy(update={"benchmark": "rm_bench"}) for pair in rm_bench(rows, 0, "paper")]
    table = level_table(evaluate(pairs, ["longer", "shorter"]))
    shown = (ROOT / "docs/benchmarks.md").read_text()
    for method, own in table.groupby("method"):
        cells = [f"{row.accuracy:.1f} [{row.accuracy_low:.1f}, {row.accuracy_high:.1f}]" for row in own.itertuples()]
        assert f"| `{method}` | {' | '.join(cells)} |" in shown
