"""Rejection sampling in tables and words: what was picked, what it taught, and what it gained."""

import pandas as pd
import pytest

from cce.analysis.comparison import steps_in_words
from cce.analysis.students import agreements, picks_table, score_steps, trained_models
from cce.analysis.tables import readable
from cce.benchmarks.pair import Pool
from cce.chat.picking import pick
from cce.students import card_of, taught_by_picks

# The longest response is the best one in the first pool only.
RESPONSES = [("poor, quality=2", "by far the best, quality=9", "fair, quality=5", "fair too, quality=6")]
RESPONSES += [("the best, quality=8", "long and poor, quality=1", "fair, quality=3", "fair too, quality=4")]
POOLS = [Pool(id=str(n), instruction=f"Question {n}?", responses=texts) for n, texts in enumerate(RESPONSES)]
METHODS = ["random", "vanilla", "cce@4"]


@pytest.fixture
def picks(server, tmp_path):
    judge, store = server.model("judge"), tmp_path / "s.sqlite"
    return pd.concat(pick(POOLS, method, judge, store=store) for method in METHODS)


def test_a_row_a_method_says_what_was_picked_and_what_it_took(picks):
    table = picks_table(picks, POOLS).set_index("method")
    assert table.sampling.to_dict() == {"random": "random", "vanilla": "vanilla", "cce@4": "crowd"}
    assert (table.pools == 2).all()
    assert table.comparisons.tolist() == [0, 12, 12]
    assert table.calls.tolist() == picks.groupby("method", sort=False).calls.sum().tolist()
    assert table.calls_per_pool["vanilla"] == 6
    best = [len("by far the best, quality=9"), len("the best, quality=8")]
    assert table.loc["cce@4", ["length", "longest"]].tolist() == [sum(best) / 2, 50]


def test_one_of_several_longest_responses_is_a_longest(server):
    pools = [Pool(id="0", instruction="?", responses=("aa, quality=1", "bb, quality=2"))]
    assert picks_table(pick(pools, "vanilla", server.model("judge")), pools).longest.tolist() == [100]


def test_every_two_methods_are_compared_by_the_text_that_they_picked(picks):
    table = agreements(picks)
    assert table[["method", "other"]].values.tolist() == [
        ["random", "vanilla"],
        ["random", "cce@4"],
        ["vanilla", "cce@4"],
    ]
    assert table.same.iloc[-1] == table.pools.iloc[-1] == 2
    texts = picks.pivot(index="id", columns="method", values="response")
    assert table.same.iloc[0] == (texts["random"] == texts["vanilla"]).sum()


def test_a_pick_is_an_example_of_its_instruction_and_a_card_says_whose(picks):
    own = picks[picks.method == "cce@4"]
    examples = taught_by_picks(own)
    assert examples[1] == {
        "prompt": [{"role": "user", "content": "Question 1?"}],
        "completion": [{"role": "assistant", "content": "the best, quality=8"}],
    }
    card = card_of(own, "lima", ["m@http://localhost:1/v1", "m@http://localhost:1/v1", "n"])
    assert card.data == "Of 4 responses by m, n to each instruction of lima one was picked: cce@4, judge judge."


def test_models_go_by_method_with_what_their_picking_cost(picks):
    picked = picks_table(picks, POOLS)
    models = trained_models(["untrained", *METHODS], picked, "Qwen/Qwen2.5-7B@http://localhost:1/v1", "lima")
    assert models.sampling.tolist() == ["untrained", "random", "vanilla", "crowd"]
    assert models["count"].tolist() == [0, 2, 2, 2]
    assert models.calls.tolist() == [0, *picked.calls]
    assert readable(models).base_model.unique().tolist() == ["Qwen/Qwen2.5-7B"]


def scored(**ratings: list[float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Grades of questions of one turn, and preferences a tenth of these in percent."""
    grades = pd.DataFrame(
        {"model": model, "id": str(n), "turn": 1, "rating": rating}
        for model, own in ratings.items()
        for n, rating in enumerate(own)
    )
    annotations = grades.rename(columns={"model": "generator_2"}).assign(preference=1 + grades.rating / 10)
    return grades, annotations.assign(index=annotations.id.astype(int)).drop(columns=["id", "turn", "rating"])


def test_each_model_is_compared_with_the_one_before_it_on_the_questions_of_both():
    low = [1.0 + n % 3 for n in range(12)]
    none = float("nan")
    steps = score_steps(*scored(base=low, vanilla=[r + 4 + n % 2 for n, r in enumerate(low)], cce=[none, *low[1:]]))
    assert steps[["score", "model", "baseline", "answers"]].values.tolist() == [
        ["rating", "vanilla", "base", 12],
        ["rating", "cce", "vanilla", 11],
        ["win rate", "vanilla", "base", 12],
        ["win rate", "cce", "vanilla", 11],
    ]
    assert steps.gain.tolist() == pytest.approx([4.5, -50 / 11, 45, -500 / 11])
    assert (steps.gain_low < steps.gain).all()
    assert (steps.gain < steps.gain_high).all()


def test_words_say_whether_zero_is_in_the_interval_and_where_there_is_none():
    none = float("nan")
    rows = [
        ("rating", 0.25, -0.5, 1.0),
        ("win rate", 4, 2.5, 5.5),
        ("rating", 1, none, none),
        ("rating", none, none, none),
    ]
    steps = pd.DataFrame(rows, columns=["score", "gain", "gain_low", "gain_high"])
    words = " ".join(steps_in_words(steps.assign(model="cce@4", baseline="vanilla", answers=8)).split())
    assert "rating, cce@4 against vanilla: +0.25 (95% interval -0.50 to +1.00, which includes zero), over 8" in words
    assert "win rate, cce@4 against vanilla: +4.00 (95% interval +2.50 to +5.50, which excludes zero)" in words
    assert "+1.00 on each of 8 answers, so there is no interval" in words
    assert "nothing to compare" in words


def test_scores_have_two_digits_for_eyes_and_models_no_address():
    table = pd.DataFrame({"model": ["runs/a/cce@4", "m@http://localhost:1/v1"], "mtbench": [7.125, 6.0]})
    table = table.assign(mtbench_low=[6.5, float("nan")], mtbench_high=[7.75, float("nan")], paper_mtbench=8.63)
    shown = readable(table)
    assert shown.model.tolist() == ["runs/a/cce@4", "m"]
    assert shown.mtbench.tolist() == ["7.12\N{NO-BREAK SPACE}[6.50,\N{NO-BREAK SPACE}7.75]", "6.00"]
    assert shown.paper_mtbench.tolist() == ["8.63", "8.63"]
