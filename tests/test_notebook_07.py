"""Notebook 07: what published verdicts know, from the shipped numbers and from the published files alike."""

import os

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

from cce import runner
from cce.analysis.elsewhere import DATA, load_judgments
from cce.analysis.elsewhere import crowd as crowds
from cce.analysis.elsewhere.mt_bench import people
from cce.analysis.elsewhere.ratings import (
    LEADS,
    Rated,
    accuracy_of,
    frontier_table,
    number_table,
    rated,
    stopping_table,
)
from cce.analysis.elsewhere.reasoning import POOLED, pooled, strategy_table
from cce.planning import plan_profile
from tests.test_profiles import run_here
from tests.test_project import ROOT

STEM = "07_what_the_crowd_knows"
published = pytest.mark.skipif("CCE_DATA" not in os.environ, reason="needs the published files, in CCE_DATA")


@pytest.fixture(scope="module")
def crowd() -> crowds.Crowd:
    return crowds.Crowd()


def test_the_figures_that_are_known_come_out(crowd):
    table = crowds.agreement_table(crowd).round(1).set_index("what")
    assert table.agreement.tolist() == [79.5, 79.8, 76.4, 81.2, 81.2]
    more = table.loc["the verdict, its ties by the crowd"]
    assert (more.more_than_verdict, more.more_than_verdict_low) == (1.8, 0.9)
    assert (table.votes == 2575).all()


def test_experts_agree_as_often_as_the_benchmarks_authors_say(crowd):
    # 388 of 479 in the first turn, and 388 of 474 in the second (Zheng et al. 2023, setup without ties).
    (row,) = crowds.people_table(crowd).query("what == 'one expert, with another'").to_dict("records")
    assert (row["votes"], round(row["agreement"] * row["votes"] / 100)) == (479 + 474, 388 + 388)


def test_a_vote_is_counted_by_hand(crowd):
    first = crowd.votes.iloc[0]
    verdict = {
        (row.model_a, row.model_b): {"model_a": 1, "model_b": -1}.get(row.winner, 0)
        for row in pd.read_csv(DATA / "mtbench_gpt4.csv.gz").itertuples()
        if (row.question_id, row.turn) == (first.question, first.turn)
    }
    a, b = crowds.MODELS[first.a], crowds.MODELS[first.b]

    def found(one: str, other: str) -> int:
        return verdict.get((one, other), -verdict.get((other, one), 0))

    others = [model for model in crowds.MODELS if model not in (a, b)]
    assert crowd.own[0] == found(a, b)
    assert crowd.net()[0] == sum(found(a, one) - found(b, one) for one in others)
    assert crowd.losses()[0] == sum((found(b, one) < 0) - (found(a, one) < 0) for one in others)


def test_what_the_members_carry_adds_up_to_what_the_crowd_knows(crowd):
    members = crowds.member_table(crowd)
    total = (members.shapley * members.votes).sum() / len(crowd.votes)
    assert total == pytest.approx(crowd.agrees(crowd.net()).mean() * 100 - 50)
    assert members.votes.sum() == 4 * len(crowd.votes)


def test_the_size_of_the_crowd_ends_at_none_and_at_all(crowd):
    sizes = crowds.size_table(crowd).round(1).set_index(["what", "size"]).agreement
    assert (sizes["crowd alone", 0], sizes["crowd alone", 4]) == (50.0, 79.8)
    assert sizes["verdict, its ties by the crowd", 0] == 79.5


def test_noise_of_a_half_leaves_a_coin(crowd):
    noise = crowds.noise_table(crowd, 0, shares=[0, 0.5]).set_index(["what", "share"])
    assert noise.agreement["crowd alone", 0] == pytest.approx(crowd.agrees(crowd.net()).mean() * 100)
    assert noise.agreement["crowd alone", 0.5] == pytest.approx(50, abs=0.5)


def test_strategies_gain_what_was_found_before():
    table = strategy_table(load_judgments("llmbar_judgments"), ["GPT-4", "PaLM2"], ["Reference", "CoT"])
    gains = table.set_index(["strategy", "judge"]).gain.round(1)
    assert gains["Reference", "GPT-4"] == 1.3 and gains["CoT", "GPT-4"] == -3.2 and gains["CoT", "PaLM2"] == -11.3
    own = table[table.judge != POOLED].groupby("strategy").gain.mean()
    assert table[table.judge == POOLED].set_index("strategy").gain.to_dict() == pytest.approx(own.to_dict())


def test_two_clusterings_at_once_by_hand():
    # Two judges on two pairs: the sums of the residuals by pair are 0 and 0, by judge 2 and -2, and each alone 1.
    values, pairs, judges = pd.Series([1.0, 1.0, -1.0, -1.0]), pd.Index([1, 2, 1, 2]), pd.Index(list("jjkk"))
    found = pooled(values, pairs, judges)
    # The variance by judge, 8 / 16, is more than 0 + 8 / 16 - 4 / 16.
    assert found.value == 0 and found.high == pytest.approx(12.706 * np.sqrt(0.5), rel=1e-3)


def test_pooled_intervals_cover_the_truth():
    drawn, covered = np.random.default_rng(1), 0
    pairs, judges = np.meshgrid(range(60), range(8))
    for _ in range(300):
        values = drawn.normal(0, 1, 60)[pairs] + drawn.normal(0, 1, 8)[judges] + drawn.normal(0, 1, pairs.shape)
        found = pooled(pd.Series(values.ravel()), pd.Index(pairs.ravel()), pd.Index(judges.ravel()))
        covered += found.low <= 0 <= found.high
    assert 0.91 <= covered / 300 <= 0.99


def test_an_item_counts_by_the_benchmarks_rule():
    means = np.array([[7, 6, 6, 5], [6, 6, 6, 5], [5, 6, 6, 5], [np.nan, 6, 6, 5]])
    assert accuracy_of(means).tolist() == [1, 1 / 3, 0, 0]


def test_a_rule_stops_where_the_lead_is_large_enough():
    # The first item leads by 2 at once; the second only in the end.
    ratings = np.array([[[8, 8, 8], [6, 6, 6]], [[5, 5, 9], [5, 6, 5]]], float)
    table = frontier_table([Rated("j", np.array(["x", "y"]), ratings)]).set_index("lead")
    assert table.ratings[2.0] == (1 + 3) / 2 and table.accuracy[2.0] == 100
    assert table.ratings[0.0] == 1 and table.accuracy[0.0] == 75
    assert table.ratings[LEADS[-1]] == 3


def test_a_rule_is_set_on_one_half_and_shown_on_the_other():
    judges = rated()
    table = stopping_table(judges, seed=0)
    assert (table["items"] == [len(one.items) - len(one.items) // 2 for one in judges]).all()
    other = stopping_table(judges, seed=1)
    assert not table.accuracy.equals(other.accuracy)
    numbers = number_table(judges[:1])
    assert numbers.accuracy.is_monotonic_increasing


@published
@pytest.mark.slow
def test_the_published_files_give_the_same_tables(tmp_path):
    given = {"judges": ["GPT-4", "ChatGPT"], "figures": str(tmp_path)}
    for name, more in (("shipped", {}), ("published", {"data_dir": os.environ["CCE_DATA"]})):
        run_here(ROOT / f"notebooks/{STEM}.ipynb", given | more | {"out": str(tmp_path / name)})
    tables = sorted(file.name for file in (tmp_path / "shipped").glob("*.csv"))
    assert len(tables) == 14
    for name in tables:
        assert (tmp_path / "shipped" / name).read_text() == (tmp_path / "published" / name).read_text()


def test_what_the_hub_has_is_read_by_its_schema_and_the_rest_from_what_ships(crowd, monkeypatch):
    talk = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]

    def hub(name, split, revision) -> Dataset:
        assert name == "lmsys/mt_bench_human_judgments"
        frame = pd.read_csv(DATA / {"gpt4_pair": "mtbench_gpt4.csv.gz", "human": "mtbench_human.csv.gz"}[split])
        frame = frame if "judge" in frame else frame.assign(judge="gpt4_pair")
        return Dataset.from_list([row | {f"conversation_{s}": talk for s in "ab"} for row in frame.to_dict("records")])

    monkeypatch.delenv("CCE_DATA", raising=False)
    monkeypatch.setattr("datasets.load_dataset", hub)
    pd.testing.assert_frame_equal(
        crowds.agreement_table(crowds.Crowd("hub")), crowds.agreement_table(crowd), check_dtype=False
    )
    pd.testing.assert_frame_equal(people("hub"), people(), check_dtype=False)
    assert len(load_judgments("llmbar_judgments", "hub")) == len(load_judgments("llmbar_judgments"))
    assert [one.judge for one in rated("hub")] == [one.judge for one in rated()]


def test_it_asks_nobody():
    ((_, needed, _, _),), failure = plan_profile("demo", [STEM])
    assert needed.empty and failure is None
    assert [name for name, _ in runner.checked("demo", [STEM])] == [STEM]
