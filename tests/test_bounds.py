"""Bounds on spending: what replies do not say credibly is counted at the most, and what was spent before counts on."""

import json
import subprocess
import sys
from contextlib import suppress

import pytest
from aiohttp import web

from cce import LLM, evaluate, spending
from cce.errors import BoundReached, CallFailed
from cce.models import failures
from tests.conftest import planted_pair
from tests.fake_server import FakeServer, reply_to

MOST = 64 + len("Say hello.") + 100  # of a call with max_tokens=100


@pytest.fixture(autouse=True)
def no_bounds():
    yield
    spending.limit()


class Saying(FakeServer):
    """A server whose replies have the usage that it is given, or another body altogether."""

    usage: object = None
    body: dict | None = None
    text = "hello"

    async def _complete(self, request: web.Request) -> web.Response:
        await super()._complete(request)
        reply = reply_to(self.requests[-1]) | {"usage": self.usage}
        reply["choices"][0]["message"]["content"] = self.text
        return web.json_response(reply if self.body is None else self.body)


def spent(server: Saying, **limit) -> int:
    """The tokens that one call is counted at."""
    spending.limit(max_total_tokens=10**6, **limit)
    model = LLM(server.model("judge"))
    with suppress(CallFailed):
        model.complete("Say hello.", max_tokens=100)
    return spending.BUDGET.spent["tokens"]


def usage(prompt: object, completion: object) -> dict:
    return {"prompt_tokens": prompt, "completion_tokens": completion}


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        [],
        "many",
        usage(0, 0),
        usage(-5, -7),
        usage(-5, 7),
        usage(20, -7),
        usage(20, 0),
        usage(10**15, 3),
        usage(20, 10**15),
        usage(int("9" * 400), 3),
        usage(float("nan"), 3),
        usage(True, True),
        usage("20", "3"),
        usage(None, None),
        {"total_tokens": -1},
    ],
    ids=str,
)
def test_a_reply_without_credible_usage_is_counted_at_the_most_that_it_can_have_taken(told):
    with Saying() as server:
        server.usage = told
        assert spent(server) == MOST


@pytest.mark.parametrize(
    ("told", "tokens"), [(usage(20, 3), 23), (usage(20.0, 3.0), 23), ({"prompt_tokens": 20, "total_tokens": 90}, 90)]
)
def test_credible_usage_is_counted_as_it_is(told, tokens):
    with Saying() as server:
        server.usage = told
        assert spent(server) == tokens


def test_a_gateway_may_put_something_before_the_prompt_and_the_text_may_be_empty():
    with Saying() as server:
        server.usage = usage(900, 3)
        assert spent(server) == 903
        server.usage, server.text = usage(20, 0), ""
        assert spent(server) == 20


@pytest.mark.parametrize("told", [None, usage(20, 900), usage(20, 2)])
def test_a_server_that_ignores_max_tokens_is_counted_at_what_it_wrote(told):
    with Saying() as server:
        server.usage, server.text = told, "word " * 900
        expected = 920 if told == usage(20, 900) else 64 + len("Say hello.") + 4500
        assert spent(server) == expected


@pytest.mark.parametrize(
    ("body", "tokens"),
    [({"choices": [], "usage": usage(20, 30)}, 50), ({"choices": []}, MOST), ({"no": "completion"}, MOST)],
)
def test_a_reply_that_is_rejected_is_counted_each_time(body, tokens, monkeypatch):
    monkeypatch.setattr(failures, "_backoff", lambda _: 0)
    with Saying() as server:
        server.body = body
        assert spent(server) == failures.SAME * tokens
        assert spending.BUDGET.spent["calls"] == failures.SAME


def test_what_was_refused_or_never_arrived_costs_a_call_and_no_tokens(server):
    server.failures = [{"status": 400, "body": {"error": {"message": "no"}}}]
    assert spent(server) == 0
    assert spending.BUDGET.spent["calls"] == 1


def test_the_user_is_told_how_many_replies_did_not_say_what_they_took():
    with Saying() as server:
        spending.limit(max_total_tokens=10**6)
        with pytest.warns(UserWarning, match="2 replies did not say credibly what they took; the most"):
            evaluate([planted_pair(n, 2, 5) for n in range(2)], ["vanilla"], [server.model("judge")])


def pairs_file(folder, number: int) -> None:
    rows = (planted_pair(n, 2, 5).model_dump_json(exclude_none=True, exclude={"benchmark"}) for n in range(number))
    (folder / "pairs.jsonl").write_text("\n".join(rows))


def judge(server, folder, *more: str, out: str = "out.jsonl") -> subprocess.CompletedProcess:
    command = ["judge", "pairs.jsonl", "--judge", server.model("judge"), "--store", "s.sqlite", "--out", out, *more]
    return subprocess.run([sys.executable, "-m", "cce", *command], cwd=folder, capture_output=True, text=True)


def test_one_command_run_three_times_sends_what_its_bound_allows_once(server, tmp_path):
    pairs_file(tmp_path, 12)
    done = [judge(server, tmp_path, "--max-calls", "5", "--concurrency", "1") for _ in range(3)]
    assert [one.returncode for one in done] == [1, 1, 1]
    assert "max_calls 5: 5 spent" in done[2].stderr
    assert len(server.requests) == 5
    # A higher bound counts on, and another result begins anew.
    judge(server, tmp_path, "--max-calls", "8", "--concurrency", "1")
    assert len(server.requests) == 8
    judge(server, tmp_path, "--max-calls", "3", "--concurrency", "1", out="other.jsonl")
    assert len(server.requests) == 11


def test_what_failed_counts_on_as_well(tmp_path):
    with FakeServer() as server:
        server.failures = [{"status": 400, "body": {"error": {"message": "no"}}}] * 3
        pairs_file(tmp_path, 6)
        judge(server, tmp_path, "--max-calls", "3", "--concurrency", "1")
        judge(server, tmp_path, "--max-calls", "4", "--concurrency", "1")
        assert len(server.requests) == 4


def test_without_a_bound_nothing_is_noted_and_a_bound_begins_with_itself(server, tmp_path):
    pairs_file(tmp_path, 9)
    judge(server, tmp_path, "--limit", "4")
    judge(server, tmp_path, "--max-calls", "3", "--concurrency", "1")
    assert len(server.requests) == 7


def test_a_limit_in_python_counts_on_for_the_same_results(server, tmp_path):
    pairs, options = [planted_pair(n, 2, 5) for n in range(9)], {"store": tmp_path / "s.sqlite", "concurrency": 1}
    for _ in range(2):
        spending.limit(max_calls=4, out=tmp_path / "results")
        with pytest.raises(BoundReached):
            evaluate(pairs, ["vanilla"], [server.model("judge")], **options)
    assert len(server.requests) == 4
    spending.limit(max_calls=2)
    with pytest.raises(BoundReached):
        evaluate(pairs, ["vanilla"], [server.model("judge")], **options)
    assert len(server.requests) == 6


@pytest.mark.slow
def test_the_notebooks_of_a_profile_share_one_bound(server, tmp_path):
    given = {"judges": [server.model("judge")], "crowd": [server.model("crowd-4")], "limit": 6, "concurrency": 1}
    given |= {"methods": ["vanilla"], "out": str(tmp_path), "figures": str(tmp_path), "max_calls": 4}
    given |= {"store": str(tmp_path / "s.sqlite")}
    by_hand = [part for name, value in given.items() for part in ("-p", f"{name}={json.dumps(value)}")]
    for notebook in ("01_judge_accuracy", "02_selection"):
        command = [sys.executable, "-m", "cce", "run", "demo", notebook, *by_hand]
        done = subprocess.run(command, capture_output=True, text=True)
        assert "max_calls 4: 4 spent" in done.stderr
    assert len(server.requests) == 4
