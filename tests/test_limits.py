"""Rate limits, filters and spent money: which of them ends a run, and which is one pair's alone."""

import asyncio
import json
import time

import pytest
from aiohttp import web

from cce import LLM, cli, evaluate
from cce.errors import EndpointFailed
from cce.models import pace
from tests.conftest import planted_pair
from tests.fake_server import FakeServer

FIELDS = ["id", "instruction", "answer_a", "answer_b", "label"]
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


class Minute(FakeServer):
    """Takes ten requests in each scaled minute; each reply tells what is left, where the row says so."""

    telling, scaled, used, begun, refusals = True, 0.5, 0, 0.0, 0

    async def _complete(self, request: web.Request) -> web.Response:
        now = time.monotonic()
        if now - self.begun >= self.scaled:
            self.begun, self.used = now, 0
        self.used += 1
        left, reset = max(0, 10 - self.used), f"{1000 * (self.begun + self.scaled - now):.0f}ms"
        headers = {"x-ratelimit-remaining-requests": str(left), "x-ratelimit-reset-requests": reset}
        if self.used > 10:
            self.refusals += 1
            refused = {"error": {"message": "Too many requests"}}
            return web.json_response(refused, status=429, headers=headers if self.telling else None)
        reply = await super()._complete(request)
        return web.Response(text=reply.text, content_type="application/json", headers=headers if self.telling else None)


@pytest.mark.parametrize("telling", [True, False])
def test_sixty_pairs_at_ten_requests_a_minute_are_all_judged(telling, monkeypatch):
    monkeypatch.setattr(pace, "SHORTEST", 0.02)
    monkeypatch.setattr(pace, "LONGEST", 0.25)
    with Minute() as server:
        server.telling = telling
        pairs = [planted_pair(n, 2, 5) for n in range(60)]
        assert evaluate(pairs, ["vanilla"], [server.model("judge")]).correct.all()
        # 22 of the first 32 that were sent at once; then an address that is full is left alone.
        assert server.refusals <= (60 if telling else 120)


def test_after_a_refusal_fewer_are_sent_at_once_and_slowly_more_again():
    own = pace.Pace(32)

    async def turns() -> list[float]:
        first, allowed = [pace.Turn(1) for _ in range(32)], []
        for turn in first:
            await own.take(turn)
        # Those that were under way together are refused for one reason.
        for turn in first:
            own.refused(turn, 0.0)
            own.leave(turn)
        allowed.append(own.allowed)
        for _ in range(40):
            await own.take(turn := pace.Turn(1))
            own.answered(turn, 1, {})
            own.leave(turn)
        return [*allowed, own.allowed]

    once, later = asyncio.run(turns())
    assert once == 16 < later < 19
    assert own.held == 0


def test_who_gives_up_waiting_takes_no_turn_from_anyone():
    own = pace.Pace(1)

    async def turns() -> int:
        await own.take(first := pace.Turn(1))
        waiting = [asyncio.ensure_future(own.take(pace.Turn(1))) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        own.leave(first)
        await asyncio.sleep(0.01)
        return sum(one.done() and not one.cancelled() for one in waiting)

    assert asyncio.run(turns()) == 1
    assert own.held == 1


@pytest.mark.parametrize("entry", [{"requests_a_minute": 10}, {"tokens_a_minute": 11_000}])
def test_as_many_requests_and_tokens_a_minute_are_sent_as_the_user_says(entry, tmp_path, monkeypatch):
    (tmp_path / "models.yaml").write_text(json.dumps({"judge": entry}))
    monkeypatch.setenv("CCE_MODELS", str(tmp_path / "models.yaml"))
    monkeypatch.setattr(pace, "MINUTE", 1.0)
    given = []

    def noting(own: pace.Pace, turn: pace.Turn, give=pace.Pace._give) -> None:
        give(own, turn)
        given.append(turn.since)

    # When a request arrives says nothing: on a busy machine it is under way for as long as it likes.
    monkeypatch.setattr(pace.Pace, "_give", noting)

    class Spending(FakeServer):
        async def _complete(self, request: web.Request) -> web.Response:
            reply = json.loads((await super()._complete(request)).text)
            reply["usage"] = {"prompt_tokens": 1000, "completion_tokens": 100}
            return web.json_response(reply)

    with Spending() as server:
        pairs = [planted_pair(n, 2, 5) for n in range(25)]
        assert evaluate(pairs, ["vanilla"], [server.model("judge")]).correct.all()
    # Never more than ten in any minute, which is a second here.
    assert len(given) == 25
    assert all(later - earlier >= 1 for earlier, later in zip(given, given[10:], strict=False))


class TestACrowdMemberThatIsRefused:
    """The pair goes on with a crowd that is one smaller, and says so."""

    def judged(self, server, **options):
        crowd = [server.model(name) for name in ("crowd-1", "crowd-4", "crowd-9")]
        return evaluate([planted_pair(0, 2, 5)], ["cce@4", "cce-random@4"], [server.model("judge")], crowd, **options)

    @pytest.mark.parametrize("kind", [*FILTERS, "in the reply"])
    def test_in_whatever_way_it_is_refused(self, kind, tmp_path):
        class Refusing(FakeServer):
            async def _complete(self, request: web.Request) -> web.Response:
                if (await request.json())["model"] != "crowd-9":
                    return await super()._complete(request)
                if kind in FILTERS:
                    return web.json_response(FILTERS[kind][1], status=FILTERS[kind][0])
                reply = json.loads((await super()._complete(request)).text)
                reply["choices"][0]["finish_reason"] = "content_filter"
                return web.json_response(reply)

        with Refusing() as server, pytest.warns(UserWarning, match="2 crowd members were refused by a filter"):
            frame = self.judged(server, store=tmp_path / "s.sqlite")
            assert frame.correct.all() and frame.crowd_refused.tolist() == [1, 1]
            # Random ones are drawn from those that are left.
            assert frame.selected.tolist()[1] == 4
            crowd = [server.model(name) for name in ("crowd-1", "crowd-4")]
            without = evaluate([planted_pair(0, 2, 5)], ["cce@4"], [server.model("judge")], crowd)
            assert without.text[0] == frame.text[0] and without.selected[0] == frame.selected[0]

    def test_a_replay_goes_the_same_way_and_a_rerun_asks_again(self, server, tmp_path, monkeypatch):
        class Refusing(FakeServer):
            refusing = True

            async def _complete(self, request: web.Request) -> web.Response:
                if self.refusing and (await request.json())["model"] == "crowd-9":
                    return web.json_response(FILTERS["Azure"][1], status=400)
                return await super()._complete(request)

        with Refusing() as server, pytest.warns(UserWarning, match="refused by a filter"):
            first = self.judged(server, store=tmp_path / "s.sqlite")
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv("CCE_REPLAY", str(tmp_path / "s.sqlite"))
                before = len(server.requests)
                replayed = self.judged(server)
                assert replayed.crowd_refused.tolist() == [1, 1] and replayed.text.equals(first.text)
                assert len(server.requests) == before
            server.refusing = False
            assert self.judged(server, store=tmp_path / "s.sqlite").crowd_refused.tolist() == [0, 0]


def test_twenty_five_of_thirty_filtered_by_the_command(tmp_path, monkeypatch, capsys):
    rows = [{name: getattr(planted_pair(n, 2, 5), name) for name in FIELDS} for n in range(30)]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.chdir(tmp_path)
    with Filtering() as server, pytest.warns(UserWarning, match="25 of 30 are missing"):
        given = ["cce", "judge", "mine.jsonl", "--judge", server.model("judge"), "--out", "out.jsonl"]
        monkeypatch.setattr("sys.argv", given)
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == 3
    verdicts = [json.loads(line)["verdict"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert (verdicts.count("B"), verdicts.count(None)) == (5, 25)
