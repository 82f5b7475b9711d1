"""Rate limits, filters and spent money: which of them ends a run, and which is one pair's alone."""

import time

import pytest
from aiohttp import web

from cce import LLM, evaluate
from cce.errors import EndpointFailed
from tests.conftest import planted_pair
from tests.fake_server import FakeServer

FILTERS = {
    "Azure": (400, {"error": {"message": "The response was filtered", "code": "content_filter"}}),
    "OpenAI": (400, {"error": {"message": "Your request was rejected as a result of our safety system."}}),
    "xAI": (403, {"error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"}),
    "a gateway": (403, {"error": {"message": "Input flagged by moderation"}}),
}
SPENT = {
    "OpenAI": (429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}),
    "by type": (429, {"error": {"message": "No more.", "type": "insufficient_quota", "code": None}}),
    "Anthropic": (400, {"error": {"message": "Your credit balance is too low to access the API."}}),
    "DeepSeek": (402, {"error": {"message": "Insufficient Balance"}}),
}


class Filtering(FakeServer):
    """Refuses what is asked of questions from 5 on, in the words of some provider."""

    answer = FILTERS["Azure"]

    async def _complete(self, request: web.Request) -> web.Response:
        said = str((await request.json())["messages"])
        if any(f"Question {n}?" in said for n in range(5, 40)):
            return web.json_response(self.answer[1], status=self.answer[0])
        return await super()._complete(request)


@pytest.mark.parametrize("provider", FILTERS)
def test_a_filtered_content_is_that_pairs_alone_however_many_are_filtered(provider):
    with Filtering() as server, pytest.warns(UserWarning, match="25 of 30 are missing"):
        server.answer = FILTERS[provider]
        frame = evaluate([planted_pair(n, 2, 5) for n in range(30)], ["vanilla"], [server.model("judge")])
    assert frame.correct.sum() == 5 and frame.failed.notna().sum() == 25


@pytest.mark.parametrize("provider", SPENT)
def test_spent_money_stops_at_once(provider, server):
    status, body = SPENT[provider]
    server.failures += [{"status": status, "body": body}] * 9
    with pytest.raises(EndpointFailed, match=f"HTTP {status}"):
        evaluate([planted_pair(n, 2, 5) for n in range(9)], ["vanilla"], [server.model("judge")], concurrency=1)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "failure",
    [
        {"status": 429, "headers": {"retry-after-ms": "700"}},
        {"status": 429, "body": {"error": {"message": "Rate limit reached. Please try again in 700ms."}}},
        {"status": 429, "body": {"error": {"message": "Rate limit reached. Please try again in 0.7s. See the docs."}}},
        {"status": 429, "headers": {"Retry-After": "0.7"}, "body": {"error": {"message": "Try again in 0m0s."}}},
    ],
)
def test_a_wait_that_is_asked_for_is_kept_in_whatever_form_it_comes(failure, server):
    server.failures.append(failure)
    start = time.perf_counter()
    assert "quality=5" in LLM(server.model("crowd-5")).complete("Who?").text
    assert time.perf_counter() - start >= 0.7


class Limited(FakeServer):
    """Takes ten requests in each second, and refuses the others without a word on when."""

    second, taken, refusals = 0, 0, 0

    async def _complete(self, request: web.Request) -> web.Response:
        now = int(time.monotonic())
        self.taken = self.taken + 1 if now == self.second else 1
        self.second = now
        if self.taken > 10:
            self.refusals += 1
            return web.json_response({"error": {"message": "Too many requests"}}, status=429)
        return await super()._complete(request)


def test_no_run_dies_of_a_rate_limit():
    with Limited() as server:
        frame = evaluate([planted_pair(n, 2, 5) for n in range(60)], ["vanilla"], [server.model("judge")])
        assert frame.correct.all()
        assert server.refusals > 20
