"""`cce judge` as its users call it: in a process of its own, from a folder of their own."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from cce import load_pairs
from cce.models.store import Store
from tests.conftest import QUALITIES
from tests.fake_server import FakeServer
from tests.finals import check_finals, expected_requests

FIELDS = ["id", "method", "judge", "verdict", "label", "correct", "text", "calls", "prompt_tokens", "completion_tokens"]


@pytest.fixture
def own_pairs(tmp_path, pairs):
    """A user's file of pairs, the last one without a label."""
    rows = [
        {"id": p.id, "instruction": p.instruction, "answer_a": p.answer_a, "answer_b": p.answer_b, "label": p.label}
        for p in pairs
    ]
    del rows[-1]["label"]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return rows


def command(server, *more: str) -> list[str]:
    crowd = [part for name in ("crowd-1", "crowd-4", "crowd-9") for part in ("--crowd", server.model(name))]
    options = ["--judge", server.model("judge"), *crowd, "--store", "s.sqlite", "--out", "out.jsonl"]
    return [sys.executable, "-m", "cce", "judge", "mine.jsonl", *options, *more]


def run(folder, arguments) -> subprocess.CompletedProcess:
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=120)


def rows_of(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]


def test_own_pairs_are_judged_one_object_a_pair(server, tmp_path, own_pairs):
    done = run(tmp_path, command(server, "--method", "cce@6"))
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path)
    assert [list(row)[:10] for row in rows] == [FIELDS] * len(own_pairs)
    assert [row["correct"] for row in rows] == [True] * 5 + [None]
    assert rows[-1]["label"] is None
    assert rows[-1]["verdict"] == "A"
    assert sum(row["calls"] for row in rows) == len(server.requests)
    assert "cce@6" in done.stdout
    # The pair without a label, its own last line, and nothing of a library's.
    warning, last = done.stderr.splitlines()
    assert warning.startswith("warning: 1 of 6 pairs has no label ('pair-5'): ")
    assert re.fullmatch(r"[\d,]+ requests sent, 0 from the store, [\d,]+ tokens", last)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["given", "both"])
def test_the_method_holds_as_seen_from_outside(server, tmp_path, own_pairs, order):
    crowd = [part for name in ("crowd-4", "crowd-9") for part in ("--crowd", server.model(name))]
    options = ["--judge", server.model("judge"), "--store", "s.sqlite", "--out", "out.jsonl", "--order", order]
    for method in ("vanilla", "maj@2", "cce@2", "cce@4"):
        asked = crowd if method.startswith("cce") else []
        done = run(tmp_path, [sys.executable, "-m", "cce", "judge", "mine.jsonl", *options, *asked, "--method", method])
        assert done.returncode == 0, done.stderr
    check_finals(server)
    assert server.kinds() == expected_requests(QUALITIES, [4, 9], orders=2 if order == "both" else 1)
    assert all(row["notes"] == row["selected"] for row in rows_of(tmp_path))


@pytest.mark.parametrize(("scoring", "accuracy"), [("paper", "0.0 ["), ("standard", "50.0 [")])
def test_the_scoring_decides_what_an_unreadable_verdict_is_worth(server, tmp_path, own_pairs, scoring, accuracy):
    mute = [argument.replace("judge@", "mute-judge@") for argument in command(server, "--scoring", scoring)]
    done = run(tmp_path, mute)
    assert accuracy in done.stdout


def test_a_second_run_sends_nothing_and_writes_the_same(server, tmp_path, own_pairs):
    run(tmp_path, command(server, "--method", "cce@4", "--order", "both", "--verdict", "distribution"))
    first, sent = (tmp_path / "out.jsonl").read_bytes(), len(server.requests)
    again = run(tmp_path, command(server, "--method", "cce@4", "--order", "both", "--verdict", "distribution"))
    assert (tmp_path / "out.jsonl").read_bytes() == first
    assert len(server.requests) == sent
    assert "0 requests sent" in again.stderr


@pytest.mark.slow
def test_what_a_killed_run_bought_is_not_asked_again_and_the_table_is_the_same(tmp_path, own_pairs):
    results = ["id", "verdict", "correct", "text", "calls", "prompt_tokens", "completion_tokens"]
    with FakeServer() as calm:
        run(tmp_path, command(calm, "--method", "cce@6", "--concurrency", "2"))
        whole, needed = rows_of(tmp_path), len(calm.requests)
    (tmp_path / "s.sqlite").unlink()
    with FakeServer(latency=0.05) as server:
        killed = subprocess.Popen(
            command(server, "--method", "cce@6", "--concurrency", "2"), cwd=tmp_path, stderr=subprocess.PIPE
        )
        while len(server.requests) < needed // 2:
            time.sleep(0.01)
        os.kill(killed.pid, signal.SIGKILL)
        killed.communicate()
        run(tmp_path, command(server, "--method", "cce@6", "--concurrency", "2"))
        assert needed <= len(server.requests) <= needed + 2  # twice at most what was in flight
    assert [[row[field] for field in results] for row in rows_of(tmp_path)] == [
        [row[field] for field in results] for row in whole
    ]


def test_where_a_bar_is_wanted_it_shows_cases_calls_and_tokens(server, tmp_path, own_pairs, monkeypatch):
    monkeypatch.setenv("CCE_PROGRESS", "1")
    shown = run(tmp_path, command(server)).stderr
    assert "judging: 100%" in shown
    assert "6/6" in shown
    assert "6 requests sent, 0 from the store" in shown
    assert "tokens" in shown


def stopped_by(server, folder, number: signal.Signals, *more: str) -> tuple[int, str]:
    """Exit status and standard error of a run that gets this signal once it has sent something."""

    def heeding() -> None:
        # Where the tests run in the background, the shell has them ignore interrupts, and a child would inherit that.
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(one, signal.SIG_DFL)

    run = subprocess.Popen(command(server, *more), cwd=folder, stderr=subprocess.PIPE, text=True, preexec_fn=heeding)
    while not server.requests:
        time.sleep(0.01)
    run.send_signal(number)
    said = run.communicate(timeout=20)[1]
    return run.returncode, said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_waits_for_what_is_paid_for_and_says_how_to_go_on(tmp_path, own_pairs, number):
    with FakeServer(latency=1.5) as server:
        status, said = stopped_by(server, tmp_path, number)
    assert status == 130
    assert re.search(r"stopping; \d+ calls are under way and paid for: waiting 30 s at most", said)
    assert "stopped; what has arrived is in the store, and this goes on from there:\ncce judge mine.jsonl" in said
    assert "Traceback" not in said
    assert len(Store(tmp_path / "s.sqlite")) == len(server.requests) > 0


def test_a_stop_waits_no_longer_than_it_is_told_to(tmp_path, own_pairs):
    with FakeServer(latency=60) as server:
        status, said = stopped_by(server, tmp_path, signal.SIGTERM, "--landing", "1")
    assert status == 130 and "waiting 1 s at most" in said and "Traceback" not in said


def test_a_hangup_that_the_shell_ignores_is_ignored(tmp_path, own_pairs):
    with FakeServer(latency=0.3) as server:
        ignoring = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
        run = subprocess.Popen(command(server), cwd=tmp_path, stderr=subprocess.DEVNULL, **ignoring)
        while not server.requests:
            time.sleep(0.01)
        run.send_signal(signal.SIGHUP)
        assert run.wait(timeout=60) == 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--method", "cce@x"], "error: unknown method 'cce@x'"),
        (["--order", "random"], "error: order 'random': one of given, both"),
        (["--limit", "0"], "error: limit 0"),
        (["--scoring", "strict"], "error: scoring 'strict': one of paper, standard"),
        (["--out", "nowhere/out.jsonl"], "error: --out nowhere/out.jsonl: No such file or directory; name"),
        (["--judge", "gpt-4o"], "error: no key for https://api.openai.com/v1: set OPENAI_API_KEY"),
        (["--data-dir", "nowhere", "--limit", "x"], "Invalid value for '--limit'"),
    ],
)
def test_bad_input_is_one_line_and_costs_nothing(server, tmp_path, own_pairs, more, message):
    done = run(tmp_path, command(server, *more))
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not server.requests


def test_a_model_that_the_endpoint_does_not_know_is_one_line(tmp_path, own_pairs):
    with FakeServer(failures=[{"status": 404, "body": {"error": {"message": "no such model"}}}] * 50) as server:
        done = run(tmp_path, command(server))
    assert done.returncode == 1
    assert "HTTP 404: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif("CCE_DATA" not in os.environ, reason="needs the published files, in the folder CCE_DATA")
def test_all_of_judgebench_goes_through_long_prompts_and_all(tmp_path):
    with FakeServer(context=6_000) as server:
        done = run(
            tmp_path,
            [argument.replace("mine.jsonl", "judgebench") for argument in command(server, "--method", "cce@6")],
        )
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path)
    assert [row["id"] for row in rows] == [pair.id for pair in load_pairs("judgebench")]
    assert all(row["verdict"] in ("A", "B") for row in rows)
    assert 0 < sum(row["context_cuts"] > 0 for row in rows) < 350


def test_missing_judgments_are_an_exit_status_of_their_own_and_are_asked_for_again(server, tmp_path, own_pairs):
    server.refused = "Question 2?"
    done = run(tmp_path, command(server))
    assert done.returncode == 3
    assert "error: 1 of 6 judgments are missing" in done.stderr
    assert [row["id"] for row in rows_of(tmp_path) if row["failed"]] == ["pair-2"]
    server.refused, before = None, len(server.requests)
    again = run(tmp_path, command(server))
    assert again.returncode == 0
    assert len(server.requests) == before + 1


def test_a_bound_stops_with_what_it_bought_and_a_higher_one_goes_on(server, tmp_path, own_pairs):
    done = run(tmp_path, command(server, "--max-calls", "4"))
    assert done.returncode == 1
    assert "error: max_calls 4: 4 spent" in done.stderr
    assert len(server.requests) == 4
    assert run(tmp_path, command(server, "--max-calls", "9")).returncode == 0
    assert len(server.requests) == 6
