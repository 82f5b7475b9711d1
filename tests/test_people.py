"""A judge beside people: agreement, whether it may stand in for one, few votes with many verdicts."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from cce import cli
from cce.analysis.elsewhere.crowd import Crowd
from cce.analysis.elsewhere.mt_bench import people
from cce.analysis.elsewhere.people import agreement_with_people, alpha, alternative_annotator_test, powered, win_rate
from cce.errors import BadInput


def votes_of(given: dict[str, dict[str, str]]) -> pd.DataFrame:
    """Votes by pair and rater."""
    rows = [(pair, rater, vote) for pair, of in given.items() for rater, vote in of.items()]
    return pd.DataFrame(rows, columns=["id", "rater", "vote"])


def verdicts_of(said: dict[str, str | None]) -> pd.DataFrame:
    p_a = {"A": 1.0, "B": 0.0, "tie": 0.5}
    return pd.DataFrame({"id": list(said), "verdict": said.values(), "p_a": [p_a.get(one) for one in said.values()]})


def test_krippendorffs_alpha_is_that_of_his_own_example():
    # Krippendorff 2011: four observers, twelve units, nominal data; alpha is 0.743.
    observers = ["123321412...", "1233224125.3", ".33323422 51.".replace(" ", ""), "1233244125 1.".replace(" ", "")]
    rows = [
        (unit, observer, value)
        for observer, given in enumerate(observers)
        for unit, value in enumerate(given)
        if value != "."
    ]
    assert alpha(pd.DataFrame(rows, columns=["id", "rater", "vote"])) == pytest.approx(0.743, abs=5e-4)


def test_people_who_always_agree_and_people_who_toss_a_coin():
    alike = votes_of({f"{n}": dict.fromkeys("xy", "AB"[n % 2]) for n in range(20)})
    assert alpha(alike) == 1
    drawn = np.random.default_rng(0)
    tossed = votes_of({f"{n}": {rater: drawn.choice(["A", "B"]) for rater in "xyz"} for n in range(2000)})
    assert alpha(tossed) == pytest.approx(0, abs=0.03)


def test_agreement_by_hand():
    votes = votes_of({"1": {"x": "A", "y": "A", "z": "B"}, "2": {"x": "B", "y": "tie"}})
    table = agreement_with_people(votes, verdicts_of({"1": "A", "2": None})).set_index("who")
    assert table.agreement.tolist() == pytest.approx([100 * 2 / 5, 100 * 1 / 4])
    assert table.pairs_of_votes.tolist() == [5, 4]


def test_gpt_4_agrees_with_people_as_often_as_its_publishers_say():
    # 886 of 1,343 and 871 of 1,325 of the votes on pairs of which (Zheng et al. 2023, ties among them) 66%.
    table = agreement_with_people(people(), Crowd().as_judges()["GPT-4's verdict"]).set_index("who")
    assert table.agreement.round()["the judge, with a person"] == 66


class TestAlternativeAnnotator:
    """Calderon et al. 2025: may the judge stand in for a person?"""

    def test_by_hand(self):
        # Ten pairs with three raters: x always says A, y and z say what the truth is.
        truth = ["A"] * 6 + ["B"] * 4
        votes = votes_of({f"{n}": {"x": "A", "y": said, "z": said} for n, said in enumerate(truth)})
        found = alternative_annotator_test(votes, verdicts_of({f"{n}": said for n, said in enumerate(truth)}))
        of = found.annotators.set_index("annotator")
        # Beside y and z the judge is right where x is not; beside x and z it is as good as y.
        assert of.judge_as_good["x"] == 1 and of.person_as_good["x"] == 0.6
        assert of.judge_as_good["y"] == of.person_as_good["y"] == 1
        assert found.advantage == pytest.approx(1)
        assert found.passes

    def test_with_many_pairs_the_test_is_students(self):
        drawn = np.random.default_rng(0)
        given = {f"{n}": {rater: drawn.choice(["A", "B"]) for rater in "xyz"} for n in range(60)}
        said = {pair: drawn.choice(["A", "B"]) for pair in given}
        found = alternative_annotator_test(votes_of(given), verdicts_of(said), epsilon=0.2)
        differences = []
        for pair, of in given.items():
            others = [of["y"], of["z"]]
            judge, person = (np.mean([one == other for other in others]) for one in (said[pair], of["x"]))
            differences.append(float(person >= judge) - float(judge >= person))
        expected = ttest_1samp(differences, 0.2, alternative="less").pvalue
        assert found.annotators.set_index("annotator").p["x"] == pytest.approx(expected)

    def test_a_judge_that_tosses_coins_may_not(self):
        drawn = np.random.default_rng(0)
        given = {f"{n}": dict.fromkeys("xyz", drawn.choice(["A", "B"])) for n in range(80)}
        said = {pair: drawn.choice(["A", "B"]) for pair in given}
        assert not alternative_annotator_test(votes_of(given), verdicts_of(said)).passes

    def test_votes_too_few_are_refused(self):
        with pytest.raises(BadInput, match="no annotator has 10 pairs"):
            alternative_annotator_test(votes_of({"1": {"x": "A", "y": "A"}}), verdicts_of({"1": "A"}))


class TestFewVotesAndManyVerdicts:
    """Prediction-powered inference: the interval keeps its word, and verdicts do no harm."""

    @pytest.mark.parametrize("right", [0.5, 0.8, 0.95])
    def test_the_interval_covers_and_is_not_wider_than_that_of_the_votes(self, right):
        drawn, covered, widths = np.random.default_rng(1), 0, []
        for _ in range(600):
            truth = (drawn.random(1100) < 0.6).astype(float)
            # A judge that errs towards A: its own mean is no estimate.
            judged = np.where(drawn.random(1100) < right, truth, (drawn.random(1100) < 0.8).astype(float))
            own, more = slice(0, 100), slice(100, None)
            found = powered(truth[own], judged[own], judged[more])
            covered += found.low <= 0.6 <= found.high
            alone = 2 * 1.96 * truth[own].std(ddof=1) / 10
            widths.append((found.high - found.low) / alone)
        assert 0.925 <= covered / 600 <= 0.975
        assert np.mean(widths) <= 1.05
        if right > 0.9:
            assert np.mean(widths) < 0.6

    def test_the_table_says_what_each_part_is_worth(self):
        given = {f"{n}": {"x": "A" if n % 4 else "B"} for n in range(40)}
        said = {f"{n}": "A" if n % 4 else "B" for n in range(400)}
        table = win_rate(votes_of(given), verdicts_of(said)).set_index("by")
        assert table.win_rate.tolist() == pytest.approx([75, 75, 75])
        assert table.pairs.tolist() == [40, 400, 400]
        width = table.win_rate_high - table.win_rate_low
        assert width["the votes, with the verdicts"] < 0.5 * width["the votes alone"]


@pytest.mark.parametrize(
    ("votes", "said"),
    [
        (pd.DataFrame({"id": [1], "vote": ["A"]}), "votes: there is no column 'rater'; there are: id, vote"),
        (pd.DataFrame({"id": [1], "rater": ["x"], "vote": ["first"]}), "votes: vote 'first': A, B or tie is wanted"),
        (pd.DataFrame({"id": [7], "rater": ["x"], "vote": ["A"]}), "votes: at least two on one pair"),
    ],
)
def test_votes_that_are_none_are_one_clear_error(votes, said):
    with pytest.raises(BadInput, match=said):
        agreement_with_people(votes, verdicts_of({"1": "A"}))


def test_the_command_takes_votes(tmp_path, monkeypatch, capsys):
    people().to_csv(tmp_path / "votes.csv", index=False)
    monkeypatch.setattr("sys.argv", ["cce", "score", "mtbench_gpt4", "--votes", str(tmp_path / "votes.csv")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = " ".join(capsys.readouterr().out.split())
    assert not ended.value.code and "gpt-4 vanilla 3355 66.2 [64.2, 68.2] 65.5 [62.7, 68.4]" in said
    assert "2,400 pairs; 0 labelled a tie: left out; 2,400 without a label: left out" in said
