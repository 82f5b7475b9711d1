"""`cce pick`, and `cce judge` on pairs that bring a crowd along, as their users call them: in a process of its own."""

import json
import subprocess
import sys

import pytest

from tests.finals import check_finals

QUALITIES = [(2, 9, 4, 6), (5, 3, 8, 1), (7, 1, 2, 5)]
FIELDS = ["id", "instruction", "response", "picked", "score", "scores", "method", "judge"]
COST = ["calls", "prompt_tokens", "completion_tokens", "seconds"]


@pytest.fixture
def own_pools(tmp_path):
    """A user's file of pools, four responses each."""
    rows = [
        {"id": n, "instruction": f"Question {n}?", "responses": [f"To {n}, quality={quality}." for quality in pool]}
        for n, pool in enumerate(QUALITIES)
    ]
    (tmp_path / "responses.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return rows


def run(folder, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "cce", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def pick(folder, server, *more: str) -> subprocess.CompletedProcess:
    options = ["--judge", server.model("judge"), "--store", "s.sqlite", "--out", "picked.jsonl"]
    return run(folder, "pick", "responses.jsonl", *options, *more)


def rows_of(folder, name: str = "picked.jsonl") -> list[dict]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


@pytest.mark.parametrize("more", [[], ["--method", "vanilla"], ["--order", "both", "--verdict", "distribution"]])
def test_the_best_response_is_picked_one_object_a_pool(server, tmp_path, own_pools, more):
    done = pick(tmp_path, server, *more)
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path)
    assert [list(row)[:8] for row in rows] == [FIELDS] * 3
    assert [list(row)[-4:] for row in rows] == [COST] * 3
    assert [row["picked"] for row in rows] == [1, 2, 0]
    assert [row["response"] for row in rows] == [
        row["responses"][k] for row, k in zip(own_pools, [1, 2, 0], strict=True)
    ]
    assert sum(row["calls"] for row in rows) == len(server.requests)


def test_the_summary_says_what_was_compared_and_what_it_cost(server, tmp_path, own_pools):
    said = pick(tmp_path, server, "--method", "vanilla").stdout
    tokens = sum(row["prompt_tokens"] + row["completion_tokens"] for row in rows_of(tmp_path))
    assert said.splitlines() == [
        "3 pools, 18 comparisons, 0 of them without a readable verdict",
        f"vanilla took 18 calls and {tokens:,} tokens",
        "picked: picked.jsonl",
    ]


def test_comparisons_without_a_readable_verdict_are_told(server, tmp_path, own_pools):
    said = pick(tmp_path, server, "--judge", server.model("mute-judge"), "--method", "vanilla").stdout
    assert "18 comparisons, 18 of them without a readable verdict" in said


def test_a_second_run_sends_nothing_and_writes_the_same(server, tmp_path, own_pools):
    pick(tmp_path, server)
    first, sent = (tmp_path / "picked.jsonl").read_bytes(), len(server.requests)
    again = pick(tmp_path, server)
    assert (tmp_path / "picked.jsonl").read_bytes() == first
    assert len(server.requests) == sent
    assert "0 requests sent" in again.stderr


def test_a_pool_whose_calls_fail_is_missing_and_the_others_are_written(server, tmp_path, own_pools):
    server.refused = "Question 0?"
    done = pick(tmp_path, server)
    assert done.returncode == 3
    assert "1 of 3 are missing" in done.stderr
    assert [row["id"] for row in rows_of(tmp_path)] == ["1", "2"]


def test_a_run_that_meets_a_bound_leaves_what_it_picked(server, tmp_path, own_pools):
    # Six calls per pool: the bound falls into the second.
    done = pick(tmp_path, server, "--method", "vanilla", "--concurrency", "1", "--max-calls", "10")
    assert (done.returncode, "max_calls 10" in done.stderr) == (1, True)
    assert [row["id"] for row in rows_of(tmp_path)] == ["0"]


def test_random_needs_no_judge_and_leaves_scores_empty(tmp_path, own_pools):
    done = run(tmp_path, "pick", "responses.jsonl", "--method", "random", "--out", "picked.jsonl")
    assert done.returncode == 0, done.stderr
    assert [(row["score"], row["scores"], row["judge"]) for row in rows_of(tmp_path)] == [
        (None, [None] * 4, "none")
    ] * 3
    assert "0 calls" in done.stdout


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--method", "best"], "error: unknown method 'best'"),
        (["--order", "random"], "error: order 'random': one of given, both"),
        (["--out", "nowhere/picked.jsonl"], "error: --out nowhere/picked.jsonl: No such file or directory; name"),
        (["--judge", ""], "error: method cce@4 needs a judge"),
        (["--judge", "gpt-4o"], "error: no key for https://api.openai.com/v1: set OPENAI_API_KEY"),
        (["--max-tokens", "0"], "error: max_tokens 0"),
    ],
)
def test_bad_input_is_one_line_and_costs_nothing(server, tmp_path, own_pools, more, message):
    done = pick(tmp_path, server, *more)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not server.requests


def test_a_bad_row_is_one_line_that_names_it(server, tmp_path, own_pools):
    (tmp_path / "responses.jsonl").write_text(json.dumps(own_pools[0]) + '\n{"id": 7, "instruction": "?"}')
    done = pick(tmp_path, server)
    assert done.returncode == 1
    assert "error: responses.jsonl, row 2: responses: Field required" in done.stderr
    assert not server.requests


class TestJudgeWithAnswersAtHand:
    """`cce judge` on a file whose pairs carry `crowd`."""

    PAIR = {"id": 1, "instruction": "?", "answer_a": "One, quality=2.", "answer_b": "Two, quality=5.", "label": "B"}
    CROWD = [f"Other, quality={quality}." for quality in (9, 8)]

    def judge(self, folder, server, row: dict) -> subprocess.CompletedProcess:
        (folder / "mine.jsonl").write_text(json.dumps(row))
        options = ["--judge", server.model("judge"), "--store", "s.sqlite", "--out", "out.jsonl"]
        return run(folder, "judge", "mine.jsonl", "--method", "cce@4", *options)

    def test_it_needs_no_crowd_model(self, server, tmp_path):
        done = self.judge(tmp_path, server, self.PAIR | {"crowd": self.CROWD})
        assert done.returncode == 0, done.stderr
        (row,) = rows_of(tmp_path, "out.jsonl")
        assert (row["correct"], row["selected"], row["calls"]) == (True, 4, 9)
        assert server.kinds() == {"comparison": 4, "removal": 4, "final": 1}
        check_finals(server)

    def test_a_conversation_of_several_turns_with_a_crowd_is_refused(self, server, tmp_path):
        talk = [{"role": role, "content": "quality=3"} for role in ("user", "assistant") * 2]
        row = {"id": 1, "conversation_a": talk, "conversation_b": talk, "crowd": self.CROWD}
        done = self.judge(tmp_path, server, row)
        assert done.returncode == 1
        assert "error: mine.jsonl, row 1: crowd holds answers to one question" in done.stderr
        assert not server.requests
