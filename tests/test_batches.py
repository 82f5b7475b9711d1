"""Batches: completions at half the price, none of them paid for twice, whatever breaks off in between."""

import json
import os
import random
import subprocess
import sys
import time

import pandas as pd
import pytest

from cce import LLM, evaluate, spending
from cce.errors import BadInput, BoundReached, EndpointFailed
from cce.models.batch_lines import parts, path_of, replies_in
from cce.models.store import Store
from cce.outputs import alone
from cce.rounds import read_round, write_round
from cce.spending import batch_share
from tests.conftest import QUALITIES, planted_pair
from tests.fake_batches import FakeBatches, hurry
from tests.fake_server import FakeServer, kind_of, reply_to
from tests.faults import status
from tests.test_kills import pairs_file, results  # noqa: F401
from tests.test_profiles import run_here
from tests.test_project import ROOT

# Those of notebook 01, without what asks nobody.
METHODS = ["vanilla", "longprompt", "evalplan", "16-criteria", "maj@3", "agg@3", "cce-random@2", "cce@2"]
NOTEBOOK = ROOT / "notebooks/01_judge_accuracy.ipynb"
# Never started.
NOWHERE = FakeServer()
NOWHERE.url = "http://nowhere.invalid/v1"
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
KILLS = int(os.environ.get("CCE_MOMENTS", "20"))


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    """No wait of a batch is long, and no bound outlives its test."""
    hurry(monkeypatch.setattr)
    yield
    spending.limit()


@pytest.fixture
def provider():
    with FakeBatches() as running:
        yield running


def judged(server: FakeServer, pairs, methods=("cce@2",), **options) -> pd.DataFrame:
    """The judgments, without what differs between any two runs."""
    model = server.model("crowd-9")
    frame = evaluate(pairs, methods, {"judge": model}, [model, model], **options)
    return frame.drop(columns=["seconds", "latency"])


@pytest.fixture
def direct(pairs) -> pd.DataFrame:
    """What direct calls give."""
    with FakeServer() as server:
        return judged(server, pairs)


def test_all_of_a_notebook_is_the_same_in_batches_as_in_direct_calls(provider, pairs, tmp_path):
    in_batches = judged(provider, pairs, METHODS, batch=True, store=tmp_path / "s.sqlite")
    with FakeServer() as server:
        pd.testing.assert_frame_equal(in_batches, judged(server, pairs, METHODS))
        assert len(provider.paid) == len(server.requests)
    assert set(provider.paid.values()) == {1}


def test_the_four_rounds_of_cce_are_four_batches_however_few_requests_may_be_in_flight(provider, pairs, direct):
    pd.testing.assert_frame_equal(judged(provider, pairs, batch=True, concurrency=1), direct)
    kinds = [{kind_of(line["body"]) for line in batch["lines"]} for batch in provider.batches.values()]
    assert kinds == [{"crowd answer"}, {"comparison"}, {"removal"}, {"final"}]


@pytest.mark.parametrize("fate", ["expired", "cancelled", "failed", "lost"])
def test_what_a_batch_has_is_taken_and_the_rest_is_asked_again(provider, pairs, direct, fate):
    provider.fates = [fate, "completed", fate]
    pd.testing.assert_frame_equal(judged(provider, pairs, batch=True), direct)
    assert set(provider.paid.values()) == {1}
    assert (len(provider.batches) == 4) == (fate == "lost")


def test_lines_that_fail_are_asked_again_alone(provider, pairs, direct):
    provider.broken = lambda number: number % 5 == 0 and number < 30
    pd.testing.assert_frame_equal(judged(provider, pairs, batch=True), direct)
    assert set(provider.paid.values()) == {1}


def test_what_three_batches_had_no_answer_to_is_missing_and_the_next_run_asks_for_it(provider, pairs, tmp_path):
    provider.fates, options = ["failed"] * 3, {"batch": True, "store": tmp_path / "s.sqlite"}
    with pytest.warns(UserWarning, match="6 of 6 are missing, such as for this reason: .*batch-2 failed"):
        frame = judged(provider, pairs, ["vanilla"], **options)
    assert frame.failed.notna().all() and len(provider.batches) == 3
    assert judged(provider, pairs, ["vanilla"], **options).failed.isna().all()
    assert set(provider.paid.values()) == {1}


def test_rate_limits_of_files_and_batches_are_waited_for(provider, pairs, direct):
    provider.refusals = [status(429), status(429, "slower", **{"Retry-After": "0.1"}), status(500)]
    pd.testing.assert_frame_equal(judged(provider, pairs, batch=True), direct)
    assert provider.refusals == [] and set(provider.paid.values()) == {1}


def test_a_batch_beyond_the_tokens_that_may_wait_is_sent_in_smaller_ones(provider, pairs, direct, monkeypatch):
    monkeypatch.setattr("cce.models.batches.LEAST_SPLIT", 1)
    provider.limit = 5
    pd.testing.assert_frame_equal(judged(provider, pairs, batch=True), direct)
    assert set(provider.paid.values()) == {1}


def test_batches_keep_to_the_bounds_of_the_api(provider, pairs, direct, monkeypatch):
    monkeypatch.setattr("cce.models.batches.MOST_REQUESTS", 5)
    pd.testing.assert_frame_equal(judged(provider, pairs, batch=True), direct)
    assert max(len(batch["lines"]) for batch in provider.batches.values()) == 5
    lines = {str(size): "x" * size for size in (3, 4, 5, 6, 20, 1)}
    assert [[*part] for part in parts(lines, most=2, most_bytes=10)] == [["3", "4"], ["5"], ["6"], ["20"], ["1"]]


def test_a_server_without_a_batch_api_is_one_error_that_names_the_option(server, pairs):
    with pytest.raises(EndpointFailed, match="has no Batch API .*; leave out --batch"):
        judged(server, pairs, batch=True)
    assert server.requests == []


def test_a_batch_whose_creation_is_refused_leaves_nothing_that_waits(provider, pairs, tmp_path):
    provider.refusals, kept = [None, status(400, "this model has no batches")], {"store": tmp_path / "s.sqlite"}
    with pytest.raises(EndpointFailed, match="this model has no batches"):
        judged(provider, pairs, ["vanilla"], batch=True, **kept)
    assert judged(provider, pairs, ["vanilla"], **kept).correct.all()


def test_a_model_of_this_machine_is_asked_directly_and_that_is_said():
    model = LLM("embedded", batch=True)
    assert model.collector is None
    assert model.cautions() == ["embedded has no address, and so no batches: it was asked directly"]


def test_azure_calls_its_route_otherwise():
    assert path_of("https://mine.openai.azure.com/openai/v1") == "/chat/completions"
    assert path_of("https://api.openai.com/v1") == "/v1/chat/completions"


def test_lines_that_are_none_are_nobodys_answer():
    lines = [b"", b"{", b"[]", b'{"custom_id": "a"}', b'{"custom_id": "b", "response": 7}', b"\xff"]
    assert replies_in(b"\n".join(lines)) == {}
    answered = replies_in(b'{"custom_id": "c", "response": null, "error": {"message": "expired"}}')
    assert answered["c"].status_code == 408


def notebook_01(server: FakeServer, pairs, folder, **more) -> dict:
    """Parameters that let notebook 01 judge these pairs, with its own methods."""
    folder.mkdir()
    lines = (pair.model_dump_json(exclude_none=True, exclude={"benchmark"}) for pair in pairs)
    (folder / "pairs.jsonl").write_text("\n".join(lines))
    model, places = server.model("crowd-9"), dict.fromkeys(("out", "figures"), str(folder))
    given = {"benchmarks": [str(folder / "pairs.jsonl")], "judges": [model], "crowd": [model, model], "limit": None}
    return given | places | {"store": str(folder / "s.sqlite")} | more


def table_of(folder) -> pd.DataFrame:
    table = pd.read_csv(folder / "01_judge_accuracy.csv")
    return table.drop(columns=[name for name in table if name in ("judge", "seconds")])


@pytest.mark.slow
def test_notebook_01_makes_the_same_table_in_batches(provider, pairs, tmp_path):
    run_here(NOTEBOOK, notebook_01(provider, pairs, tmp_path / "batches", batch=True))
    with FakeServer() as server:
        run_here(NOTEBOOK, notebook_01(server, pairs, tmp_path / "direct"))
    pd.testing.assert_frame_equal(table_of(tmp_path / "batches"), table_of(tmp_path / "direct"))
    assert set(provider.paid.values()) == {1}


class TestRounds:
    @pytest.fixture
    def profile(self, pairs, tmp_path, monkeypatch):
        """A profile of notebook 01, which runs in this process, and whose models no network reaches."""
        place = tmp_path / "run"
        given = notebook_01(NOWHERE, pairs, place, methods=["vanilla", "maj@3", "agg@3", "cce@2"])
        (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
        (tmp_path / "params/mine").mkdir(parents=True)
        (tmp_path / "params/mine/01_judge_accuracy.yaml").write_text(json.dumps(given))
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("cce.rounds.execute", lambda stem, into, given, quiet: run_here(NOTEBOOK, given))
        return given

    @pytest.mark.slow
    def test_rounds_go_on_until_nothing_is_left_and_make_the_same_table(self, profile, pairs, tmp_path):
        asked = [one_round(tmp_path / f"round-{number}") for number in range(6)]
        # Answers and votes; judgments and the aggregation; rewritings; decisions.
        assert [number > 0 for number in asked] == [True] * 4 + [False] * 2
        with FakeServer() as server:
            run_here(NOTEBOOK, notebook_01(server, pairs, tmp_path / "direct", methods=profile["methods"]))
            assert sum(asked) == len(server.requests)
        run_here(NOTEBOOK, profile | {"batch": True})
        pd.testing.assert_frame_equal(table_of(tmp_path / "run"), table_of(tmp_path / "direct"))

    def test_results_that_are_missing_failed_or_foreign_are_counted_and_asked_again(self, profile, tmp_path):
        folder = tmp_path / "round"
        ((model, asked),) = write_round("mine", folder).items()
        lines = answered(folder)
        lines[0]["response"]["body"]["model"] = "another"
        lines[1]["response"] = {"status_code": 500, "body": {"error": {"message": "out of memory"}}}
        (folder / "results.jsonl").write_text("\n".join(map(json.dumps, lines[:-1])))
        assert list(read_round(folder)) == [(model, asked - 3, 1, 1, 1)]
        assert write_round("mine", tmp_path / "again")[model] >= 3

    def test_a_folder_that_holds_anything_or_nothing_is_refused(self, profile, tmp_path):
        with pytest.raises(BadInput, match="name a new folder for each round"):
            write_round("mine", tmp_path)
        with pytest.raises(BadInput, match="nothing is asked for there"):
            list(read_round(tmp_path))


def one_round(folder) -> int:
    """Write a round, answer it, and read the answers; how many requests it had."""
    asked = write_round("mine", folder).total()
    if asked:
        (folder / "results.jsonl").write_text("\n".join(map(json.dumps, answered(folder))))
        assert [(taken.kept, taken.failed, taken.left) for taken in read_round(folder)] == [(asked, 0, 0)]
    return asked


def answered(folder) -> list[dict]:
    """The results of a round, as vLLM writes them."""
    (file,) = (file for file in folder.glob("*.jsonl") if file.name != "asked.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    asked = [line["body"] | {"kind": kind_of(line["body"]), "key": ""} for line in lines]
    replies = [{"status_code": 200, "request_id": "", "body": reply_to(one)} for one in asked]
    named = zip(lines, replies, strict=True)
    return [{"custom_id": line["custom_id"], "response": reply, "error": None} for line, reply in named]


class TestMoney:
    @pytest.fixture
    def priced(self, tmp_path, monkeypatch):
        """A price for the judge, of which a batch costs two fifths."""
        price = {"prompt": 10, "completion": 20, "batch": 0.4}
        (tmp_path / "models.yaml").write_text(json.dumps({"judge": {"price": price}}))
        monkeypatch.setenv("CCE_MODELS", str(tmp_path / "models.yaml"))

    @pytest.mark.parametrize(
        ("url", "share"),
        [
            ("https://api.openai.com/v1", 0.5),
            ("https://mine.openai.azure.com/openai/v1", 0.5),
            ("https://api.openai.com.example/v1", 1.0),
            ("http://localhost:8000/v1", 1.0),
            ("", 1.0),
        ],
    )
    def test_a_batch_costs_half_where_its_host_says_so(self, url, share):
        assert batch_share("judge", url) == share

    def test_the_users_word_on_the_price_of_a_batch_goes_first(self, priced):
        assert batch_share("judge", "https://api.openai.com/v1") == 0.4

    def test_the_bill_has_the_price_of_a_batch(self, priced, provider):
        bills = []
        for batch in (True, False):
            model = LLM(provider.model("judge"), batch=batch)
            model.complete("Say hello.")
            bills.append(model.bill.dollars)
        assert 0 < bills[0] == pytest.approx(0.4 * bills[1])

    def test_no_batch_passes_a_bound(self, provider, pairs, tmp_path):
        spending.limit(max_calls=4)
        with pytest.raises(BoundReached):
            judged(provider, pairs, ["vanilla"], batch=True, store=tmp_path / "s.sqlite")
        assert provider.paid.total() == 4

    @pytest.mark.slow
    def test_what_waits_in_a_batch_is_reserved_by_the_next_run(self, provider, tmp_path, monkeypatch):
        pairs = [planted_pair(place, 2, 5) for place in range(9)]
        left_behind(provider, tmp_path, pairs[:3])
        spending.limit(max_calls=4)
        # Those that wait come last.
        with pytest.raises(BoundReached):
            judged(provider, pairs[::-1], ["vanilla"], batch=True, store=tmp_path / "s.sqlite")
        assert provider.paid.total() == 4


def left_behind(provider: FakeBatches, folder, pairs) -> None:
    """Let a process ask about these pairs in a batch, and die before it hears that the batch was created."""
    provider.fates = ["silent"]
    running = subprocess.Popen(command(provider, folder / "s", pairs, "vanilla"), **QUIET)
    until(lambda: provider.batches)
    running.kill()
    running.wait()


def command(server: FakeServer, out, pairs, method: str) -> list[str]:
    lines = (pair.model_dump_json(exclude_none=True, exclude={"benchmark"}) for pair in pairs)
    file = out.with_name("pairs.jsonl")
    file.write_text("\n".join(lines))
    crowd = [part for name in ("crowd-4", "crowd-9", "crowd-1") for part in ("--crowd", server.model(name))]
    places = ["--store", f"{out}.sqlite", "--out", f"{out}.jsonl", "--batch", "--judge", server.model("crowd-9")]
    return [sys.executable, "-m", "tests.fake_batches", "judge", str(file), "--method", method, *places, *crowd]


def until(held) -> None:
    end = time.monotonic() + 20
    while not held() and time.monotonic() < end:
        time.sleep(0.005)


class TestKilled:
    def test_a_batch_whose_creation_was_not_heard_of_is_found_again(self, provider, pairs, tmp_path):
        left_behind(provider, tmp_path, pairs)
        with pytest.raises(BadInput, match="6 requests to crowd-9 wait in batches; add --batch"):
            judged(provider, pairs, ["vanilla"], store=tmp_path / "s.sqlite")
        frame = judged(provider, pairs, ["vanilla"], batch=True, store=tmp_path / "s.sqlite")
        assert frame.correct.all() and len(provider.batches) == 1
        assert set(provider.paid.values()) == {1}

    @pytest.mark.slow
    def test_what_was_paid_for_is_kept_even_if_the_next_run_asks_something_else(self, provider, pairs, tmp_path):
        left_behind(provider, tmp_path, pairs[:3])
        judged(provider, pairs[3:], ["vanilla"], batch=True, store=tmp_path / "s.sqlite")
        assert len(Store(tmp_path / "s.sqlite")) == len(pairs)
        assert set(provider.paid.values()) == {1} and len(provider.batches) == 2

    def test_two_processes_do_not_ask_in_batches_with_one_store(self, provider, tmp_path):
        with alone(tmp_path / "s.sqlite"), pytest.raises(BadInput, match=f"process {os.getpid()} .* is writing it"):
            LLM(provider.model("judge"), batch=True, store=tmp_path / "s.sqlite")

    @pytest.mark.slow
    def test_twenty_kills_at_random_moments_pay_for_nothing_twice(self, tmp_path, pairs_file):  # noqa: F811
        pairs = [planted_pair(place, *qualities) for place, qualities in enumerate(QUALITIES)]
        with FakeBatches() as calm:
            subprocess.run(command(calm, tmp_path / "calm", pairs, "cce@4"), check=True, capture_output=True)
        moments = random.Random(0)
        with FakeBatches(seconds=0.3, jitter=0.1) as server:
            for _ in range(KILLS):
                moment = server.calls + moments.randint(1, 4)
                running = subprocess.Popen(command(server, tmp_path / "killed", pairs, "cce@4"), **QUIET)
                until(lambda moment=moment, running=running: server.calls >= moment or running.poll() is not None)
                time.sleep(moments.uniform(0, 0.1))
                running.kill()
                running.wait()
            subprocess.run(command(server, tmp_path / "killed", pairs, "cce@4"), check=True, capture_output=True)
            assert set(server.paid.values()) == {1}
            assert len(Store(tmp_path / "killed.sqlite")) == len(server.paid) == len(calm.paid)
        assert results(tmp_path / "killed.jsonl") == results(tmp_path / "calm.jsonl")
