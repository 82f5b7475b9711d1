"""Whatever breaks on the way: what may pass is asked for again, what will not is said once, and nothing is invented."""

import random
import socket
import time

import pytest

from cce import LLM, evaluate, pick, spending
from cce.analysis.accuracy import accuracy_table, scored
from cce.analysis.comparison import comparison_table
from cce.benchmarks.pair import Pool
from cce.errors import BadInput, BoundReached, CallFailed, EndpointFailed, ResultsMissing
from cce.models import failures, pace
from cce.models.calls import FAILURES_IN_A_ROW
from cce.models.loop import run, together
from cce.models.store import open_store
from tests import faults
from tests.conftest import planted_pair
from tests.fake_server import FakeServer

CROWD = ("crowd-4", "crowd-9")
DIFFERING = ["seconds", "latency", "judge"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """The same policy at the speed of a test; on a busy machine a reply may take its time."""
    monkeypatch.setattr(failures, "TIMEOUT_SECONDS", 5)
    monkeypatch.setattr(failures, "_backoff", lambda state: 0.01)
    monkeypatch.setattr(pace, "SHORTEST", 0.01)
    monkeypatch.setattr(pace, "LONGEST", 0.02)


@pytest.fixture(autouse=True)
def unbounded():
    """No bound on spending is left to the next test."""
    yield
    spending.limit()


def judged(server: FakeServer, pairs, *methods: str, **options):
    methods = methods or ("cce@4",)
    crowd = [server.model(name) for name in CROWD] if "cce@4" in methods else []
    return evaluate(pairs, methods, [server.model("judge")], crowd, **options)


def same(one, other) -> bool:
    """Whether two frames of judgments agree in all but times and the server's address."""
    return one.drop(columns=DIFFERING).equals(other.drop(columns=DIFFERING))


@pytest.mark.parametrize("fault", faults.PASSING.values(), ids=faults.PASSING)
def test_what_may_pass_is_asked_for_again(server, fault):
    server.failures.append(fault)
    llm = LLM(server.model("crowd-5"))
    assert "quality=5" in llm.complete("x").text
    assert (len(server.requests), llm.bill.again) == (2, 1)
    assert "1 made again" in str(llm.bill)


@pytest.mark.parametrize("fault", ["500", "reset", "cut JSON", "silent"])
def test_what_does_not_pass_is_given_up_after_a_stated_number_of_attempts(server, fault, monkeypatch):
    monkeypatch.setattr(failures, "TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(failures, "ATTEMPTS", 3)
    server.failures += [faults.PASSING[fault]] * 9
    with pytest.raises(CallFailed):
        LLM(server.model("crowd-5")).complete("x")
    assert len(server.requests) == 3


@pytest.mark.parametrize("fault", faults.HOPELESS.values(), ids=faults.HOPELESS)
def test_what_no_other_call_would_fare_better_with_stops_the_run_at_once(server, pairs, fault, monkeypatch):
    monkeypatch.setenv("CCE_API_KEY", "secret-key")
    server.failures += [fault] * 99
    with pytest.raises(EndpointFailed) as error:
        judged(server, pairs, "vanilla", concurrency=2)
    assert not isinstance(error.value, CallFailed)
    assert "secret-key" not in str(error.value)
    assert len(server.requests) <= 4


def test_a_server_that_is_not_there_is_named(monkeypatch, pairs):
    monkeypatch.setattr(failures, "ATTEMPTS", 3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"judge@http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(EndpointFailed, match="no connection to http.*is the server up"):
            evaluate(pairs, ["vanilla"], [nobody])


def test_an_endpoint_that_fails_call_after_call_is_left(server, monkeypatch):
    many = [planted_pair(place, 2, 7) for place in range(3 * FAILURES_IN_A_ROW)]
    server.failures += [{"status": 400, "body": {"error": {"message": "no such feature"}}}] * (FAILURES_IN_A_ROW + 1)
    with pytest.raises(EndpointFailed, match=f"{FAILURES_IN_A_ROW} calls in a row.*no such feature"):
        judged(server, many, "vanilla", concurrency=1)
    assert len(server.requests) <= FAILURES_IN_A_ROW + 1
    # In the next run it has a fresh start.
    server.failures.clear()
    server.refused = "Question 0?"
    with pytest.warns(UserWarning, match="1 of 60 are missing"):
        judged(server, many, "vanilla", concurrency=1)


def test_a_call_that_waits_for_room_under_a_bound_does_not_use_up_its_time(server, monkeypatch):
    monkeypatch.setattr(failures, "TIMEOUT_SECONDS", 0.5)
    server.latency = 0.3
    spending.limit(max_total_tokens=130)  # room for one at a time
    llms = [LLM(server.model("crowd-5")) for _ in range(3)]

    async def all_of_them():
        return await together(llm.acomplete(f"x{place}", max_tokens=1) for place, llm in enumerate(llms))

    assert len(run(all_of_them())) == 3
    assert [llm.bill.again for llm in llms] == [0, 0, 0]


@pytest.mark.parametrize(
    ("fault", "text"),
    [(faults.empty, ""), (faults.refusing, "I can't help with that."), (faults.cut_off, "Assistant A is")],
)
def test_an_answer_that_says_nothing_is_unreadable_and_not_missing(server, pairs, fault, text):
    server.failures.append(fault)
    frame = judged(server, pairs[:1], "vanilla")
    assert frame[["text", "verdict", "failed"]].values.tolist() == [[text, None, None]]
    assert accuracy_table(scored(frame))[["missing", "unreadable", "accuracy"]].values.tolist() == [[0, 100, 0]]
    assert len(server.requests) == 1


def test_a_storm_of_all_that_may_pass_changes_no_judgment(server, pairs):
    calm = judged(server, pairs, "vanilla", "maj@2", "cce@4", order="both")
    with FakeServer() as stormy:
        weather = random.Random(0)
        brief = [fault for name, fault in faults.PASSING.items() if name not in ("silent", "trickling")]
        stormy.failures += [weather.choice(brief) for _ in range(60)] + [faults.silent, faults.trickling]
        assert same(judged(stormy, pairs, "vanilla", "maj@2", "cce@4", order="both"), calm)
        assert len(stormy.requests) == len(server.requests) + 62


class TestMissing:
    """A pair whose call failed for good is neither right nor wrong, and is asked for again."""

    def test_it_counts_for_nothing_and_is_counted(self, server, pairs):
        server.refused = "Question 2?"
        with pytest.warns(UserWarning, match="2 of 12 are missing.*content policy"):
            frame = judged(server, pairs, "vanilla", "cce@4")
        gone = frame[frame.id == "pair-2"]
        assert gone.failed.str.contains("HTTP 400: .*content policy").all()
        assert gone[["verdict", "correct", "p_a"]].isna().all(axis=None)
        table = accuracy_table(scored(frame)).set_index("method")
        assert (
            table[["pairs", "missing", "correct", "unreadable", "accuracy"]].values.tolist() == [[5, 1, 5, 0, 100]] * 2
        )

    def test_methods_are_compared_on_what_both_have_judged(self, server, pairs):
        frame = judged(server, pairs, "vanilla", "maj@2").astype({"correct": object, "failed": object})
        frame.loc[0, ["correct", "failed"]] = [None, "HTTP 400"]
        assert comparison_table(scored(frame)).pairs.tolist() == [5]

    def test_a_method_that_judged_nothing_has_a_row_that_says_so(self, server, pairs):
        server.refused = "Note 1"
        with pytest.warns(UserWarning, match="6 of 12"):
            table = accuracy_table(scored(judged(server, pairs, "vanilla", "cce@4")))
        assert table[["method", "pairs", "missing"]].values.tolist() == [["vanilla", 6, 0], ["cce@4", 0, 6]]

    def test_the_next_run_asks_for_it_alone_and_gives_what_an_unbroken_one_gives(self, server, pairs, tmp_path):
        server.refused = "Question 2?"
        with pytest.warns(UserWarning, match="missing"):
            judged(server, pairs, store=tmp_path / "s.sqlite")
        server.refused, before = None, len(server.requests)
        again = judged(server, pairs, store=tmp_path / "s.sqlite")
        with FakeServer() as calm:
            judged(calm, pairs[2:3])
            assert len(server.requests) - before == len(calm.requests)
            assert same(again, judged(calm, pairs))

    def test_of_other_steps_all_else_is_bought_before_the_run_says_what_is_missing(self, server, tmp_path):
        pools = [Pool(id=f"p{n}", instruction=f"Question {n}?", responses=["quality=1", "quality=2"]) for n in range(4)]
        server.refused = "Question 1?"
        options = {"method": "vanilla", "judge": server.model("judge"), "store": tmp_path / "s.sqlite"}
        with pytest.raises(ResultsMissing, match="1 of 4 are missing.*content policy"):
            pick(pools, **options)
        server.refused, before = None, len(server.requests)
        assert pick(pools, **options).response.tolist() == ["quality=2"] * 4
        assert len(server.requests) == before + 1


class TestBounds:
    """No bound on spending is passed, what was bought is kept, and a higher bound goes on."""

    def needed(self, pairs) -> tuple[int, int]:
        with FakeServer() as server:
            frame = judged(server, pairs, "vanilla")
            return len(server.requests), int((frame.prompt_tokens + frame.completion_tokens).sum())

    @pytest.mark.parametrize("bound", [1, 3])
    def test_calls(self, server, pairs, tmp_path, bound):
        spending.limit(max_calls=bound)
        with pytest.raises(BoundReached, match=f"max_calls {bound}: {bound} spent"):
            judged(server, pairs, "vanilla", store=tmp_path / "s.sqlite")
        assert len(server.requests) == len(open_store(tmp_path / "s.sqlite")) == bound
        spending.limit(max_calls=100)
        assert judged(server, pairs, "vanilla", store=tmp_path / "s.sqlite").correct.all()
        assert len(server.requests) == self.needed(pairs)[0]

    def test_a_call_that_is_made_again_counts_again(self, server):
        server.failures += [faults.status(500)] * 9
        spending.limit(max_calls=3)
        with pytest.raises(BoundReached):
            LLM(server.model("crowd-5")).complete("x")
        assert len(server.requests) == 3

    def test_tokens(self, server, pairs, tmp_path):
        bound = 3 * self.needed(pairs)[1]
        spending.limit(max_total_tokens=bound)
        with pytest.raises(BoundReached, match=f"max_total_tokens {bound:,}: "):
            judged(server, pairs, "vanilla", "maj@16", store=tmp_path / "s.sqlite", max_tokens=64)
        assert 0 < spending.BUDGET.spent["tokens"] <= bound
        assert spending.BUDGET.spent["calls"] == len(server.requests) == len(open_store(tmp_path / "s.sqlite"))

    def test_dollars_by_the_users_own_prices(self, server, pairs, tmp_path, monkeypatch):
        (tmp_path / "prices.csv").write_text("model,prompt,completion\njudge,1000,5000\ncrowd-4,0,0\ncrowd-9,0,0\n")
        monkeypatch.setenv("CCE_PRICES", str(tmp_path / "prices.csv"))
        spending.limit(max_cost=2.0)
        with pytest.raises(BoundReached, match="max_cost 2.0: "):
            judged(server, pairs, "vanilla", store=tmp_path / "s.sqlite", max_tokens=64)
        assert 0 < spending.BUDGET.spent["dollars"] <= 2.0
        assert spending.BUDGET.spent["calls"] == len(server.requests)

    def test_a_model_without_a_price_is_refused_before_it_is_asked(self):
        spending.limit(max_cost=2.0)
        with pytest.raises(BadInput, match="max_cost: no price is known for someone.*CCE_PRICES"):
            LLM("someone@http://example.org/v1")

    def test_what_the_store_has_costs_nothing(self, server, pairs, tmp_path):
        judged(server, pairs, "vanilla", store=tmp_path / "s.sqlite")
        spending.limit(max_calls=1)
        judged(server, pairs, "vanilla", store=tmp_path / "s.sqlite")

    @pytest.mark.parametrize("prices", ["model,prompt\nx,1\n", "model,prompt,completion\nx,1,-2\n", None])
    def test_a_file_of_prices_that_is_none_is_refused_by_name(self, tmp_path, monkeypatch, prices):
        file = tmp_path / "mine.csv"
        if prices:
            file.write_text(prices)
        monkeypatch.setenv("CCE_PRICES", str(file))
        with pytest.raises(BadInput, match="prices .*mine.csv"):
            LLM("judge@http://127.0.0.1:1/v1")


def test_the_time_that_a_server_asks_for_is_read_as_a_number_or_a_date():
    assert [pace.seconds_in(header) for header in ("7", None, "soon", "6m0s", "20ms", "1h2m")] == [
        7,
        0,
        0,
        360,
        0.02,
        3720,
    ]
    assert pace.seconds_in("Wed, 21 Oct 2099 07:28:00 GMT") > 1e6
    assert 8 < pace.seconds_in(str(time.time() + 10)) <= 10
    assert 8 < pace.seconds_in(str(1000 * (time.time() + 10))) <= 10
    assert pace.seconds_in("2099-10-21T07:28:00Z") > 1e6
