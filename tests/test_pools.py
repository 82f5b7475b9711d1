"""Pools that say which responses are right: RewardBench 2's as published, its rule for Ties, and users' own."""

import json

import numpy as np
import pandas as pd
import pytest

from cce import load_pools, pick
from cce.analysis.pools import credit, pool_table, ties_score
from cce.benchmarks.pair import Pool
from cce.errors import BadInput
from tests.test_benchmarks import write
from tests.test_cli_pick import run


def published(*rows: tuple[str, str, list[int], list[int]]) -> list[dict]:
    """Rows of RewardBench 2 (id, subset, qualities of the right responses, of the wrong ones)."""
    texts = {"chosen": "right", "rejected": "wrong"}
    return [
        {"id": name, "subset": subset, "prompt": f"Question {name}?"}
        | {
            field: [f"{said} {n}, quality={quality}" for n, quality in enumerate(of)]
            for (field, said), of in zip(texts.items(), qualities, strict=True)
        }
        for name, subset, *qualities in rows
    ]


ITEMS = published(
    ("1", "Math", [8], [2, 3, 4]),
    ("2", "Math", [3], [2, 7, 4]),
    ("ref:1", "Ties", [9], [1, 2]),
    ("tied:1", "Ties", [9, 8], [1, 2]),
)


def picks(*rows: tuple[str, list[float], int], subset: str = "Ties") -> pd.DataFrame:
    """Picked pools (id, scores, how many of the first are right)."""
    frame = pd.DataFrame(rows, columns=["id", "scores", "correct"]).assign(subset=subset, judge="j", method="m")
    return frame.assign(correct=frame.correct.map(lambda n: list(range(n))), instruction=frame.id, comparisons=1)


def test_rewardbench_2_is_a_pool_an_item_with_its_ties(tmp_path):
    write(tmp_path, "reward-bench-2/test.jsonl", ITEMS)
    pools = load_pools("rewardbench2", tmp_path)
    assert [pool.id for pool in pools] == ["Math-1", "Math-2", "Ties-ref:1", "Ties-tied:1"]
    assert [pool.correct for pool in pools] == [(0,), (0,), (0,), (0, 1)]
    assert [len(pool.responses) for pool in pools] == [4, 4, 3, 4]
    assert len(load_pools("rewardbench2", tmp_path, limit=2)) == 2


def test_the_command_says_how_often_a_right_response_is_picked(server, tmp_path):
    write(tmp_path, "reward-bench-2/test.jsonl", ITEMS)
    asked = ["--judge", server.model("judge"), "--method", "vanilla", "--out", "picked.jsonl"]
    done = run(tmp_path, "pick", "rewardbench2", "--data-dir", str(tmp_path), *asked)
    assert done.returncode == 0, done.stderr
    header, math, ties, average = done.stdout.splitlines()[2:6]
    assert header.split() == ["subset", "judge", "method", "pools", "accuracy", "by_chance", "comparisons"]
    assert math.split()[:5] == ["Math", "judge", "vanilla", "2", "50.0"] and math.split()[-2:] == ["25", "12"]
    assert ties.split()[:4] == ["Ties", "judge", "vanilla", "2"] and ties.split()[-2:] == ["-", "9"]
    assert average.startswith("average of these")
    rows = [json.loads(line) for line in (tmp_path / "picked.jsonl").read_text().splitlines()]
    assert [(row["subset"], row["correct"]) for row in rows][-1] == ("Ties", [0, 1])


def test_a_right_response_shares_the_best_score_with_others():
    scores = np.array([[3, 3, 1, 0], [3, 2, 1, 0], [1, 2, 1, 0], [1, 1, 1, 1]])
    assert list(credit(scores, np.array([True, False, False, False]))) == [0.5, 1, 0, 0.25]
    assert credit(np.array([2, 2, 2, 0]), np.array([True, True, False, False])) == pytest.approx(2 / 3)


def test_ties_count_as_their_authors_have_it():
    # By hand. Prompt 1: all right, a gap of 0.5 (tied) and 0.4 (ref) over a spread of 0.2: 1 + 0.01 tanh(1).
    # Prompt 2: the second right answer below the best wrong one, gap -0.1; ref right, 0.3: 0.3 + 0.01 tanh(-1.2).
    # Prompt 3: no spread at all and both right: 1.01.
    frame = picks(
        ("Ties-tied:1", [0.9, 0.7, 0.2], 2),
        ("Ties-ref:1", [0.8, 0.4], 1),
        ("Ties-tied:2", [0.9, 0.4, 0.5], 2),
        ("Ties-ref:2", [0.8, 0.5], 1),
        ("Ties-tied:3", [0.9, 0.9, 0.5], 2),
        ("Ties-ref:3", [0.8, 0.5], 1),
    )
    prompts, score = ties_score(frame)
    by_hand = [1 + 0.01 * np.tanh(1), 0.3 + 0.01 * np.tanh(-0.1 / 0.5 - 1), 1.01]
    assert (prompts, score.value) == (3, pytest.approx(np.mean(by_hand)))


def test_a_gap_may_be_wide_enough_in_one_of_the_two_alone():
    # Gap 0.5 over a spread of 0.2; the prompt with one right answer has a gap of 0.1 alone: 0.6 + 0.2.
    frame = picks(("Ties-tied:1", [0.9, 0.7, 0.2], 2), ("Ties-ref:1", [0.8, 0.7], 1))
    assert ties_score(frame)[1].value == pytest.approx(0.8 + 0.01 * np.tanh(-0.5))


def test_a_prompt_of_ties_without_its_other_half_is_left_out():
    frame = picks(("Ties-tied:1", [0.9, 0.7, 0.2], 2), ("Ties-ref:1", [0.8, 0.4], 1), ("Ties-ref:2", [0.1, 0.4], 1))
    assert ties_score(frame)[0] == 1
    assert pool_table(frame).pools.tolist() == [2]


def test_picks_by_lot_are_worth_what_chance_is():
    pools = [Pool(id=n, instruction=f"{n}?", responses=["a", "b", "c", "d"], correct=[0]) for n in range(3)]
    table = pool_table(pick(pools, "random"))
    assert table.accuracy.tolist() == table.by_chance.tolist() == [25]


def test_pools_that_do_not_say_what_is_right_have_no_accuracy():
    with pytest.raises(BadInput, match="none says which of its responses are right"):
        pool_table(pick([Pool(id=1, instruction="?", responses=["a", "b"])], "random"))


@pytest.mark.parametrize("correct", [[2], [-1]])
def test_a_right_response_that_is_not_there_is_refused(correct, tmp_path):
    (tmp_path / "mine.jsonl").write_text(
        json.dumps({"id": 1, "instruction": "?", "responses": ["a", "b"], "correct": correct})
    )
    with pytest.raises(BadInput, match=f"mine.jsonl, row 1: correct {correct[0]}: the places"):
        load_pools(tmp_path / "mine.jsonl")


def test_pools_of_an_unknown_name_are_refused():
    with pytest.raises(BadInput, match="unknown pools 'rewardbench3': rewardbench2, or the path of a file"):
        load_pools("rewardbench3")
