"""What stands behind notebook 08: members' values, likeness, noise, biases and costs, on planted truth."""

import json
from itertools import permutations
from math import inf

import numpy as np
import pandas as pd
import pytest

from cce import Records, evaluate
from cce.analysis.accuracy import scored
from cce.analysis.biases import bias_table
from cce.analysis.coalitions import coalitions, sampled_shapley, shapley
from cce.analysis.comparison import crowd_comparisons, round_comparisons
from cce.analysis.costs import cost_table, rival_table, unbeaten
from cce.analysis.members import Votes, contribution_table, crowd_votes, family_of, less_one, likeness_table
from cce.analysis.noise import crossing, noise_crossings, noise_levels
from cce.analysis.statistics import interval_of, resampled_means
from cce.benchmarks.biases import BIASES, planted
from cce.benchmarks.pair import Pair
from cce.errors import BadInput
from tests.conftest import planted_pair
from tests.test_accuracy import judgments, mixed

PLACE = {"benchmark": "planted", "judge": "j"}


def voted(votes, vanilla=None, models=None) -> Votes:
    """Votes on pairs of which A is right, each of an instruction of its own; vanilla is wrong unless told."""
    votes = np.asarray(votes)
    pairs = votes.shape[1]
    models = models or [f"model{letter}" for letter in "xyzuvwstrq"]
    members = dict(zip("CDEFGHIJKL"[: len(votes)], models, strict=False))
    vanilla = np.zeros(pairs, bool) if vanilla is None else vanilla
    return Votes(PLACE, members, votes, np.ones(pairs), vanilla, np.arange(pairs))


def drawn_votes(members: int, pairs: int, strengths, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed)
    right = drawn.random((members, pairs)) < np.reshape(strengths, (-1, 1))
    return np.where(drawn.random((members, pairs)) < 0.2, 0, np.where(right, 1, -1))


def by_brute_force(votes: Votes) -> np.ndarray:
    """By member, the mean of what it adds over all orders, one after another."""
    members, added = len(votes.votes), []
    for order in permutations(range(members)):
        gains, chosen = np.zeros(members), np.zeros(members, bool)
        for one in order:
            before = votes.value(chosen[None])[0].mean()
            chosen[one] = True
            gains[one] = votes.value(chosen[None])[0].mean() - before
        added.append(gains)
    return np.mean(added, axis=0)


def test_shapley_values_are_the_mean_over_all_orders_and_add_up():
    votes = voted(drawn_votes(4, 60, [0.9, 0.7, 0.6, 0.5]), vanilla=np.arange(60) % 3 == 0)
    table = contribution_table([votes])
    assert table.shapley.tolist() == pytest.approx(by_brute_force(votes).tolist())
    value = votes.value(coalitions(4)).mean(axis=1)
    assert table.shapley.sum() == pytest.approx(value[-1] - value[0])
    assert (table.shapley_low < table.shapley).all() and (table.shapley < table.shapley_high).all()


def test_members_that_vote_alike_carry_alike_and_one_that_never_votes_carries_nothing():
    (one,) = drawn_votes(1, 50, [0.8])
    table = contribution_table([voted([one, one, np.zeros(50), drawn_votes(1, 50, [0.6], 1)[0]])])
    assert table.shapley[0] == pytest.approx(table.shapley[1])
    assert table.shapley[2] == table.left_out[2] == table.alone[2] == 0
    assert table.strength[2] == 50 and table.disagreement[0] < table.disagreement[2]


def test_alone_and_left_out_are_the_count_with_and_without_it():
    # A right vote; a wrong one; both balance, and vanilla decides, which is right on the second pair alone.
    votes = voted([[1, 1], [-1, -1]], vanilla=np.array([False, True]))
    table = contribution_table([votes])
    assert table.alone.tolist() == [50, -50]
    assert table.left_out.tolist() == [50, -50]


def test_more_members_than_eight_are_drawn_and_the_error_of_that_is_told():
    votes = voted(drawn_votes(9, 80, np.linspace(0.5, 0.95, 9)))
    table = contribution_table([votes], seed=1)
    exact = shapley(votes.value(coalitions(9))).mean(axis=1)
    assert (table.orders == 2000).all() and (table.drawing_error > 0).all()
    assert (np.abs(table.shapley - exact) < 4 * table.drawing_error).all()
    value = votes.value(coalitions(9)).mean(axis=1)
    assert table.shapley.sum() == pytest.approx(value[-1] - value[0])


def test_the_error_of_drawing_is_what_repeated_drawings_show():
    votes = voted(drawn_votes(5, 40, [0.6, 0.7, 0.8, 0.9, 0.5]))
    runs = [sampled_shapley(votes.value, 5, 100, seed) for seed in range(60)]
    spread = np.std([found.mean(axis=1) for found, _ in runs], axis=0, ddof=1)
    assert spread / np.mean([error for _, error in runs], axis=0) == pytest.approx(np.ones(5), rel=0.35)


def correlated(members: int, pairs: int, shared: float, seed: int = 0) -> np.ndarray:
    """Votes that are each pair's own common one with this probability, and else drawn alone: 70% right."""
    drawn = np.random.default_rng(seed)
    common, alone = (drawn.random((size, pairs)) < 0.7 for size in (1, members))
    taken = drawn.random((members, pairs)) < np.sqrt(shared)
    return np.where(np.where(taken, common, alone), 1, -1)


@pytest.mark.parametrize(("shared", "worth"), [(0.0, 6), (0.25, 6 / 2.25), (1.0, 1)])
def test_votes_that_share_their_mistakes_are_worth_fewer(shared, worth):
    (row,) = likeness_table([voted(correlated(6, 4000, shared))]).query("members == 'all'").to_dict("records")
    assert row["correlation"] == pytest.approx(shared, abs=0.03)
    assert row["effective_votes"] == pytest.approx(worth, rel=0.1)
    assert shared == 1 or row["effective_votes_low"] < row["effective_votes"] < row["effective_votes_high"]


def test_couples_within_a_family_are_told_from_those_across():
    own, other = correlated(2, 2000, 0.8, 1), correlated(2, 2000, 0.8, 2)
    models = ["a/Qwen2.5-7B", "a/Qwen2.5-1B", "meta-llama/Llama-3.2-1B", "meta-llama/Llama-3.1-8B"]
    table = likeness_table([voted(np.concatenate([own, other]), models=models)]).set_index("members")
    assert table.couples.to_dict() == {"all": 6, "within a family": 2, "across families": 4}
    assert table.correlation["within a family"] > 0.7 > 0.1 > abs(table.correlation["across families"])
    assert [family_of(name) for name in (*models, "gpt-4o", "3x")] == ["qwen", "qwen", "llama", "llama", "gpt", "3x"]


def test_intervals_of_likeness_cover_the_truth():
    covered = 0
    for seed in range(50):
        (row,) = likeness_table([voted(correlated(4, 150, 0.25, seed))]).query("members == 'all'").to_dict("records")
        covered += row["correlation_low"] <= 0.25 <= row["correlation_high"]
    assert covered >= 43


def test_votes_are_read_from_the_records_of_a_run(server, tmp_path):
    pairs = [planted_pair(n, *((4, 6) if n % 2 else (6, 3))) for n in range(6)]
    pairs.append(planted_pair(6, 4, 6).model_copy(update={"label": None}))
    crowd = [server.model(name) for name in ("crowd-5", "crowd-9", "crowd-1")]
    with Records(tmp_path / "r.jsonl") as records:
        evaluate(pairs, ["vanilla", "cce@2"], [server.model("judge")], crowd, out=records)
    (votes,) = crowd_votes(records.path, "cce@2")
    assert votes.members == {"C": "crowd-5", "D": "crowd-9", "E": "crowd-1"}
    # The first lies between A and B; to the second both lose, to the third none.
    assert votes.votes.tolist() == [[1, -1] * 3, [0] * 6, [0] * 6]
    assert votes.labels.tolist() == [1, -1] * 3 and votes.vanilla.all()
    with pytest.raises(BadInput, match=r"r.jsonl: no labelled pair .* by vanilla and, with a crowd, by cce@4"):
        crowd_votes(records.path, "cce@4")


def test_each_model_of_a_crowd_is_left_out_once():
    assert less_one(["m@http://a/v1", "n", "n"]) == {"without m": ["n", "n"], "without n": ["m@http://a/v1", "n"]}
    assert less_one(["m"]) == {}


def test_resampled_means_have_the_spread_of_a_mean_and_keep_clusters_together():
    values = np.random.default_rng(0).normal(size=(400, 1))
    assert resampled_means(values, np.arange(400)).std() == pytest.approx(values.std() / 20, rel=0.1)
    assert np.ptp(resampled_means(np.ones((6, 2)), [1, 1, 2, 2, 3, 3])) == 0
    found = interval_of(1.0, np.array([0.5] * 50 + [inf] * 50), 100)
    assert (found.low, found.high) == (0.5, inf)


@pytest.mark.parametrize(
    ("gains", "at"),
    [([5, 1, -1, -5], 37.5), ([-1, 2, -2, -5], 0), ([5, 4, 3, 0], inf), ([0, 0, -4, -5], 25), ([2, 1, 1, -1], 75)],
)
def test_where_gains_fall_below_zero(gains, at):
    assert crossing([0, 25, 50, 100], gains) == at


def noisy(falls: dict[str, int], vanilla: int = 12, of: int = 20) -> pd.DataFrame:
    """So many of twenty right, by method."""
    right = {"vanilla": vanilla} | falls
    return scored(pd.concat([mixed(n, of - n, method=name, judge="j") for name, n in right.items()]))


def test_noise_stands_at_each_share_beside_vanilla_on_the_same_pairs():
    falls = {"count@4": 18, "count@4~flipped50": 10, "count@4~flipped100": 2, "cce@4": 20, "cce@4~liar100": 19}
    table = noise_levels(noisy(falls)).set_index(["method", "noise", "share"])
    assert table.accuracy.round(6).tolist() == [90, 50, 10, 100, 95]
    assert table.difference.round(6).tolist() == [30, -10, -50, 40, 35]
    assert table.index.tolist()[:2] == [("count@4", "flipped", 0), ("count@4", "flipped", 50)]


def test_the_share_at_which_it_falls_below_vanilla_has_an_interval_or_is_never():
    falls = {"count@4": 18, "count@4~flipped50": 10, "count@4~flipped100": 2}
    falls |= {"cce@4": 20, "cce@4~flipped50": 20, "cce@4~flipped100": 19, "cce-random@4": 12, "cce-random@4~liar100": 9}
    table = noise_crossings(noisy(falls)).set_index("method")
    assert list(table.index) == ["count@4", "cce@4"]  # two shares make no line
    count = table.loc["count@4"]
    assert count.at_share == pytest.approx(37.5) and count.falls_below == "at 38%"
    assert 0 <= count.at_share_low < 37.5 < count.at_share_high <= 100
    assert table.falls_below["cce@4"] == "never in the range" and table.never["cce@4"] > 99
    assert np.isnan(table.at_share["cce@4"])


def test_rounds_follow_each_other_and_other_crowds_stand_beside_the_whole():
    falls = {"cce@4": 12, "refine@2": 16, "refine@1": 15, "cce-again@4": 13}
    table = round_comparisons(noisy(falls), "cce@4").set_index(["method", "baseline"]).difference.round(6)
    assert table.to_dict() == {("refine@1", "cce@4"): 15, ("cce-again@4", "cce@4"): 5, ("refine@2", "refine@1"): 5}
    less = noisy({"cce@4": 10})
    gains = crowd_comparisons(noisy({"cce@4": 16}), {"self": less}, "cce@4").set_index(["method", "baseline"])
    assert gains.difference["cce@4, self", "cce@4"] == pytest.approx(-30)
    assert gains.difference["cce@4, self", "vanilla"] == pytest.approx(-10)


def test_what_no_cheaper_method_beats_is_marked():
    cost, accuracy = np.array([1, 2, 2, 5, 5, np.nan]), np.array([60, 70, 65, 70, 80, 90])
    assert unbeaten(cost, accuracy).tolist() == [True, True, False, False, True, False]


def costing(method: str, right: int, calls: int, dollars: float | None, judge: str = "j") -> pd.DataFrame:
    frame = mixed(right, 10 - right, method=method, judge=judge, dollars=dollars, calls=calls)
    return frame.assign(prompt_tokens=100 * calls, completion_tokens=10 * calls, seconds=2.0 * calls)


def test_costs_are_means_per_pair_and_unknown_prices_are_told():
    frames = [costing("vanilla", 6, 1, 0.1), costing("maj@3", 7, 3, 0.3), costing("cce@4", 7, 9, None)]
    frames.append(costing("longer", 5, 0, 0.0, judge="none"))
    table = cost_table(scored(pd.concat(frames))).set_index("method")
    assert table.calls.to_dict() == {"vanilla": 1, "maj@3": 3, "cce@4": 9, "longer": 0}
    assert table.tokens["maj@3"] == 330 and table.seconds["maj@3"] == 6 and np.isnan(table.dollars["cce@4"])
    assert table.best_for_calls.to_dict() == {"vanilla": True, "maj@3": True, "cce@4": False, "longer": True}
    rivals = rival_table(scored(pd.concat(frames)), "cce@4").set_index("method")
    assert list(rivals.index) == ["longer", "vanilla", "maj@3"]
    assert rivals.difference.round(6).tolist() == [-20, -10, 0] and rivals.times_tokens["maj@3"] == pytest.approx(1 / 3)


def worse(pair: Pair) -> str:
    return "".join(pair.answers_b if pair.label == "A" else pair.answers_a)


@pytest.mark.parametrize("bias", BIASES)
def test_a_bias_is_planted_in_favour_of_the_worse_answer_and_the_better_one_stays(bias):
    pair, turned = planted_pair(0, 6, 3), planted(planted_pair(0, 6, 3), bias)
    assert Pair(**turned.model_dump()) == turned != pair and turned.id == pair.id
    if bias == "position":
        assert (turned.answer_a, turned.answer_b, turned.label) == (pair.answer_b, pair.answer_a, "B")
    elif bias in ("bandwagon", "distraction"):
        assert turned.instruction.startswith(pair.instruction) and "Assistant B" in turned.instruction
        assert turned.answers_a + turned.answers_b == pair.answers_a + pair.answers_b
    else:
        assert turned.answer_a == pair.answer_a and worse(turned) != worse(pair)
        assert all(word in worse(turned) for word in worse(pair).split())


def test_of_a_conversation_the_last_turn_is_changed():
    talk = [("user", "Why?"), ("assistant", "So."), ("user", "And then?"), ("assistant", "End.")]
    sides = {
        f"conversation_{side}": [
            {"role": role, "content": f"{text}" if role == "user" else f"{side}: {text}"} for role, text in talk
        ]
        for side in "ab"
    }
    pair = Pair(id="p", label="B", **sides)
    authority, bandwagon = planted(pair, "authority"), planted(pair, "bandwagon")
    assert authority.answers_a[0] == "a: So." and authority.answers_a[1].startswith("a: End.\n\n(See ")
    assert authority.answers_b == pair.answers_b
    assert bandwagon.questions[0] == "Why?" and bandwagon.questions[1].startswith("And then?\n\n(90% of people")
    assert Pair(**bandwagon.model_dump()) == bandwagon


@pytest.mark.parametrize("label", [None, "tie"])
def test_a_bias_needs_a_worse_answer_and_a_name(label):
    pair = planted_pair(0, 6, 3)
    with pytest.raises(BadInput, match="pair 'pair-0' has no label A or B"):
        planted(pair.model_copy(update={"label": label}), "length")
    with pytest.raises(BadInput, match="bias 'lenght': one of nothing, source"):
        planted(pair, "lenght")


def test_the_turns_of_a_judge_that_follows_the_majority_or_the_place_are_counted(server):
    pairs = [planted_pair(n, *((4, 6) if n % 2 else (6, 3))) for n in range(8)]
    judges = {"fair": "judge", "first": "position-judge", "swayed": "swayed-judge"}
    judges = {name: server.model(model) for name, model in judges.items()}
    methods, crowd = ["vanilla", "cce@2"], [server.model("crowd-5")]
    plain = evaluate(pairs, methods, judges, crowd)
    biased = {
        bias: evaluate([planted(pair, bias) for pair in pairs], methods, judges, crowd)
        for bias in ("nothing", "bandwagon", "position")
    }
    table = bias_table(plain, biased).set_index(["bias", "judge", "method"])
    assert (table.turned.xs("fair", level="judge") == 0).all()
    assert table.turned["position", "first", "vanilla"] == 100 and table.turned["nothing", "first", "vanilla"] == 0
    assert table.turned["bandwagon", "swayed"].tolist() == [100, 100]
    assert table.accuracy["bandwagon", "swayed", "cce@2"] == 0 and table.turned["position", "swayed", "cce@2"] == 0
    assert table.accuracy["position", "first", "vanilla"] == 50 and table.pairs.eq(8).all()
    assert np.isnan(table.more_than_vanilla["position", "first", "vanilla"])


def test_turns_stand_beside_vanillas_and_accuracy_beside_that_without_the_bias():
    def verdicts(vanilla: str, cce: str) -> pd.DataFrame:
        return pd.concat([judgments(list(vanilla), method="vanilla"), judgments(list(cce), method="cce@2")])

    table = bias_table(verdicts("AAAAAAAA", "AAAAAABB"), {"length": verdicts("BBBBAAAA", "BAAAAAAB")})
    table = table.set_index("method")
    assert table.turned.to_dict() == {"vanilla": 50, "cce@2": 25}
    assert table.more_than_vanilla["cce@2"] == -25 and table.change.tolist() == [-50, 0]
    assert table.accuracy.tolist() == [50, 75]
    with pytest.raises(BadInput, match="vanilla is what the others stand beside"):
        bias_table(judgments(["A"], method="cce@2"), {})


def test_a_record_tells_dollars_by_the_list_of_prices(server, pairs, monkeypatch, tmp_path):
    (tmp_path / "prices.csv").write_text("model,prompt,completion\njudge,1000000,2000000\n")
    monkeypatch.setenv("CCE_PRICES", str(tmp_path / "prices.csv"))
    with Records(tmp_path / "r.jsonl") as records:
        frame = evaluate(pairs, ["vanilla", "longer"], [server.model("judge")], out=records)
    own = frame[frame.method == "vanilla"]
    assert own.dollars.tolist() == (own.prompt_tokens + 2 * own.completion_tokens).tolist()
    assert frame[frame.method == "longer"].dollars.tolist() == [0] * len(pairs)
    assert json.loads(records.path.read_text().splitlines()[0])["dollars"] == 0
