"""What length knows: planted judges that follow it, wholly or in part, and what is left of them at equal length."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from cce import evaluate
from cce.analysis import by_length
from cce.analysis.accuracy import accuracy_table, scored
from cce.analysis.comparison import comparison_table
from cce.analysis.length import at_equal_length
from cce.benchmarks.pair import Pair
from tests.test_accuracy import judgments

# How often the longer answer is right: as on MT-Bench human, on JudgeBench, and on EvalBias.
SHARES = [0.68, 0.46, 0.03]


def planted(methods: dict, share: float, n: int = 2000, benchmark: str = "judgebench", seed: int = 0) -> pd.DataFrame:
    """Judgments by methods, each a chance of being right by how often the right answer's length doubles the other's."""
    draw, frames = np.random.default_rng(seed), []
    doublings = np.where(draw.random(n) < share, 1, -1) * np.abs(draw.normal(1, 0.6, n))
    lengths = {"length_a": (400 * 2**doublings).astype(int), "length_b": 400}
    for method, chance in methods.items():
        right = draw.random(n) < chance(doublings)
        verdicts = np.where(right, "A", "B")
        frames.append(judgments(verdicts, method=method, benchmark=benchmark, judge="gpt-4o", **lengths))
    return scored(pd.concat(frames))


def coin(doublings):
    return np.full(len(doublings), 0.5)


def shorter(doublings):
    return (doublings < 0).astype(float)


def leaning(doublings):
    return expit(-1.5 * doublings)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("follower", [shorter, leaning])
def test_a_judge_that_follows_length_alone_gains_nothing_at_equal_length(share, follower):
    scores = planted({"vanilla": coin, "cce@16": follower}, share)
    (row,) = comparison_table(scores).to_dict("records")
    if share == 0.03:
        assert row["difference"] > 25
        assert row["difference_low"] > 20
    assert row["equal_length_low"] < 0 < row["equal_length_high"]
    table = accuracy_table(scores).set_index("method")
    assert table.equal_length_low["cce@16"] < 50 < table.equal_length_high["cce@16"]
    assert table.follows_length_high["cce@16"] < -0.5 < table.follows_length_low["vanilla"]


@pytest.mark.parametrize("share", SHARES)
def test_what_a_judge_knows_beside_length_is_recovered(share):
    methods = {"vanilla": lambda d: expit(logit(0.7) - d), "cce@16": lambda d: expit(logit(0.85) + 0.5 * d)}
    scores = planted(methods, share, n=4000)
    table = accuracy_table(scores).set_index("method")
    for method, knows, follows in (("vanilla", 70, -1), ("cce@16", 85, 0.5)):
        row = table.loc[method]
        assert row.equal_length_low < knows < row.equal_length_high
        assert row.follows_length_low < follows < row.follows_length_high
    (gain,) = comparison_table(scores).to_dict("records")
    assert 0 < gain["equal_length_low"] < 15 < gain["equal_length_high"]


def test_the_interval_at_equal_length_covers_what_was_planted():
    covered = 0
    for seed in range(200):
        found, _ = at_equal_length(planted({"vanilla": lambda d: expit(logit(0.8) - 0.7 * d)}, 0.2, 300, seed=seed))
        covered += found.low <= 0.8 <= found.high
    assert 180 <= covered <= 198  # of 95% of 200, three standard errors either way


def test_repeated_instructions_widen_the_interval_at_equal_length():
    alone = planted({"vanilla": coin}, 0.5, 400)
    order = np.argsort(alone.score.to_numpy(), kind="stable")  # alike within each instruction
    together = alone.iloc[order].assign(cluster=np.arange(400) // 10)
    widths = [found.high - found.low for found, _ in map(at_equal_length, (alone, together))]
    assert widths[1] > 2 * widths[0]


@pytest.mark.parametrize("share", [0, 1])
def test_where_length_never_speaks_for_one_side_nothing_is_told(share):
    row = accuracy_table(planted({"vanilla": coin}, share, 100)).iloc[0]
    assert np.isnan([row.equal_length, row.follows_length]).all()


def test_lengths_that_are_not_known_leave_the_accuracy_alone():
    frame = judgments(["A", "B"] * 20).assign(length_a=np.nan, length_b=np.nan)
    row = accuracy_table(scored(frame)).iloc[0]
    assert row.accuracy == 50
    assert np.isnan(row.equal_length)


def test_each_benchmark_falls_into_parts_by_what_length_knows():
    lengths = {"length_a": [100, 110, 200, 50, 0, 400], "length_b": [100, 100, 100, 100, 90, 100]}
    parts = by_length(scored(judgments(["A", "A", "B", "A", "A", "B"], **lengths)))
    told = accuracy_table(parts).set_index("benchmark")
    assert told.pairs.to_dict() == {
        "judgebench: similar lengths": 2,
        "judgebench: the longer is right": 3,
        "judgebench: the shorter is right": 2,
    }
    assert told.accuracy.tolist() == [100, 33.3, 100]


def test_the_parts_have_their_differences_and_no_average():
    scores = pd.concat(
        [planted({"vanilla": coin, "cce@16": shorter}, 0.5, 400, name) for name in ("evalbias", "pocket")]
    )
    scores = scored(scores[scores.benchmark.isin(["evalbias", "pocket"])])
    table = comparison_table(by_length(scores)).set_index("benchmark")
    assert len(table) == 6
    assert table.difference["pocket: the shorter is right"] > 40
    assert table.difference["pocket: the longer is right"] < -40


def test_an_average_at_equal_length_is_the_mean_of_its_benchmarks():
    names = ("evalbias", "judgebench")
    every = [planted({"vanilla": lambda d: expit(1 - d)}, 0.3, 500, name, seed) for seed, name in enumerate(names)]
    table = accuracy_table(scored(pd.concat(every))).set_index("benchmark")
    average = table.loc["average of these"]
    assert average.equal_length == pytest.approx(table.equal_length[list(names)].mean(), abs=0.06)
    widths = table.equal_length_high - table.equal_length_low
    assert average.equal_length_high - average.equal_length_low == pytest.approx(
        np.sqrt((widths[list(names)] ** 2).sum()) / 2, abs=0.1
    )


@pytest.mark.parametrize(("a", "b", "longer"), [("four", "two", "A"), ("two", "four", "B"), ("same", "four", "tie")])
def test_the_floors_take_the_longer_and_the_shorter_answer_over_all_turns(a, b, longer):
    pair = Pair(id="1", instruction="?", answer_a=a, answer_b=b, label="A", benchmark="mine")
    frame = evaluate([pair], ["longer", "shorter"]).set_index("method").verdict
    assert frame["longer"] == longer
    assert frame["shorter"] == {"A": "B", "B": "A"}.get(longer, "tie")


def test_the_floor_of_a_benchmark_is_the_better_of_the_two():
    pairs = [
        Pair(id=str(n), instruction=f"{n}?", answer_a="long" * (1 + n % 4), answer_b="so", label="B", benchmark="mine")
        for n in range(8)
    ]
    table = accuracy_table(scored(evaluate(pairs, ["longer", "shorter"]))).set_index("method")
    assert table.accuracy.tolist() == [0, 100]
    assert table.floor.tolist() == [100, 100]
