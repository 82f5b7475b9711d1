"""Whether probabilities mean what they say: by hand, against a simulated judge, and of published ratings."""

import numpy as np
import pandas as pd
import pytest

from cce.analysis.calibration import SHARES, calibration_table, gives_probabilities, kept_table, reliability_table
from cce.analysis.elsewhere.ratings import Rated, as_judgments, rated
from cce.errors import BadInput


def judged(labels, p_a, **more) -> pd.DataFrame:
    frame = pd.DataFrame({"label": list(labels), "p_a": p_a, "judge": "j", "method": "vanilla"})
    return frame.assign(**{"cluster": frame.index.astype(str)} | more)


def test_calibration_by_hand():
    four = judged(["A", "A", "B", "B", "tie"], [0.9, 0.6, 0.4, 0.9, 0.5])
    (row,) = calibration_table(four).to_dict("records")
    assert row["pairs"] == 4
    assert row["brier"] == pytest.approx((0.01 + 0.16 + 0.16 + 0.81) / 4)
    assert row["ece"] == pytest.approx((1 * 0.4 + 1 * 0.4 + 2 * 0.4) / 4)
    curve = reliability_table(four)
    assert curve.said.tolist() == pytest.approx([40, 60, 90]) and curve.found.tolist() == [0, 100, 50]
    assert curve.pairs.tolist() == [1, 1, 2]
    # The two of 0.9 come first.
    kept = kept_table(four).set_index("kept").accuracy
    assert [kept[share] for share in (25, 50, 75, 100)] == pytest.approx([100, 50, 200 / 3, 75])
    assert (row["surer_half"], row["all"]) == (50, 75)


@pytest.mark.parametrize(("stretch", "calibrated"), [(1.0, True), (3.0, False)])
def test_a_simulated_judge_is_found_out(stretch, calibrated):
    drawn = np.random.default_rng(0)
    true = drawn.random(4000)
    said = 1 / (1 + ((1 - true) / true) ** stretch)
    curve = reliability_table(judged(np.where(drawn.random(4000) < true, "A", "B"), said))
    covered = ((curve.found_low <= curve.said) & (curve.said <= curve.found_high)).mean()
    assert (covered >= 0.8) == calibrated


def test_pairs_on_one_instruction_widen_the_interval():
    labels, p_a = ["A"] * 20 + ["B"] * 20, [0.8] * 40
    (alone,), (together,) = (
        reliability_table(judged(labels, p_a, cluster=cluster)).to_dict("records")
        for cluster in ([str(n) for n in range(40)], [str(n // 4) for n in range(40)])
    )
    width = [row["found_high"] - row["found_low"] for row in (alone, together)]
    assert width[1] > 1.5 * width[0]


def test_each_judge_and_method_stands_apart():
    two = pd.concat([judged("AB", [0.9, 0.2]), judged("AB", [0.4, 0.7], judge="k")])
    assert calibration_table(two)[["judge", "all"]].values.tolist() == [["j", 100], ["k", 0]]
    assert len(kept_table(two)) == 2 * len(SHARES)


def test_words_alone_are_no_probabilities():
    assert not gives_probabilities(judged("AB", [1.0, 0.5]))
    assert not gives_probabilities(judged([None, None], [0.3, 0.5]))
    assert gives_probabilities(judged("AB", [1.0, 0.6]))
    with pytest.raises(BadInput, match="calibration: no judge gives probabilities"):
        calibration_table(judged([None], [0.3]))


def test_ratings_become_a_probability_by_hand():
    # The good response is rated 8 and 6; one other 7 and once not, the second 6 and 6, the third never.
    ratings = np.array([[[8, 6], [7, np.nan], [6, 6], [np.nan, np.nan]]], float)
    frame = as_judgments([Rated("j", np.array(["Math-1"]), ratings)], seed=0)
    right = frame.p_a.where(frame.label == "A", 1 - frame.p_a)
    assert right.tolist() == [0.5, (1 + 1 + 0.5 + 0.5) / 4]
    assert frame.id.is_unique and set(frame.cluster) == {"Math-1"}


def test_the_side_of_the_good_response_tells_nothing():
    frame = as_judgments(rated()[:1], seed=0)
    assert 0.45 < (frame.label == "A").mean() < 0.55
    assert not frame.equals(as_judgments(rated()[:1], seed=1))
