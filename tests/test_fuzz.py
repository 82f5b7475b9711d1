"""Whatever comes in: replies, stores, pairs and parameters by the thousand. No traceback, no wrong answer, no lost row.

Each test takes 500 examples; `CCE_FUZZ=20000` in the environment asks for more.
"""

import json
import math
import os
import shutil
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cce import LLM, load_pairs
from cce.crowd.marks import read_text
from cce.errors import BadInput, CCEError, StoreUnusable
from cce.models import failures, upkeep
from cce.models.replies import MOST_TOKENS
from cce.models.store import SPEND, Store, statement_of
from cce.models.wire import Completion, Request
from cce.parameters import check
from tests.fake_server import FakeServer

fuzz = settings(
    max_examples=int(os.environ.get("CCE_FUZZ", "500")),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
texts = st.text(max_size=30) | st.sampled_from(
    ["[[A]]", "[[B]]", "A", "", "\x00", "\ud800", "<think>", "</think>", "[["]
)
numbers = st.integers() | st.floats() | st.sampled_from([10**400, -1, 2**63, True, None, "7"])
anything = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def perhaps(usual: st.SearchStrategy) -> st.SearchStrategy:
    """Mostly as usual, and at times anything at all."""
    return st.one_of(usual, usual, usual, anything)


messages = st.fixed_dictionaries(
    {"content": perhaps(texts)}, optional={"reasoning_content": perhaps(texts), "refusal": perhaps(texts)}
)
tokens = perhaps(st.fixed_dictionaries({"token": perhaps(texts), "logprob": perhaps(numbers)}))
logprobs = st.fixed_dictionaries(
    {"content": perhaps(st.lists(st.fixed_dictionaries({"top_logprobs": perhaps(st.lists(tokens, max_size=3))})))}
)
choices = st.fixed_dictionaries(
    {"message": perhaps(messages), "finish_reason": perhaps(st.sampled_from(["stop", "length", None]))},
    optional={"logprobs": perhaps(logprobs), "error": anything},
)
usages = st.fixed_dictionaries(
    {"prompt_tokens": numbers, "completion_tokens": numbers}, optional={"total_tokens": numbers}
)
replies = st.fixed_dictionaries(
    {"choices": perhaps(st.lists(perhaps(choices), max_size=2))},
    optional={"usage": perhaps(usages), "model": perhaps(texts), "error": anything, "system_fingerprint": anything},
)


class Planted(FakeServer):
    """A server that answers with this JSON."""

    reply: object = None

    async def _complete(self, request: web.Request) -> web.Response:
        return web.Response(text=json.dumps(self.reply), content_type="application/json")


@pytest.fixture(scope="module")
def planted():
    with Planted() as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(failures, "_backoff", lambda _: 0)
        patch.setattr(failures, "SAME", 1)
        # Each example is one call, and says nothing of the next.
        patch.setattr("cce.models.calls.FAILURES_IN_A_ROW", math.inf)
        yield server


@fuzz
@given(reply=perhaps(replies), number=st.integers(), logs=st.booleans())
def test_a_reply_is_a_whole_completion_or_one_failed_call(planted, reply, number, logs):
    planted.reply = reply
    try:
        said = LLM(planted.model("m")).complete(f"Say {number}.", top_logprobs=5 if logs else None)
    except CCEError as error:
        assert "\x00" not in str(error) and str(error)
        return
    kept = json.dumps({"text": said.text, "thinking": said.thinking, "finish": said.finish, "model": said.model})
    kept.encode()
    said.text.encode()
    assert 0 <= said.prompt_tokens <= MOST_TOKENS and 0 <= said.completion_tokens <= MOST_TOKENS
    assert all(isinstance(token, str) and math.isfinite(p) for token, p in (said.first_token or {}).items())
    assert read_text(said.text) in (None, 0.0, 0.5, 1.0)


def asked(n: int) -> Request:
    return Request({"model": "m", "n": n, "messages": [{"role": "user", "content": "?"}]})


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A store of forty answers, and its log with as many more."""
    folder = tmp_path_factory.mktemp("whole")
    store = Store(folder / "s.sqlite")
    for n in range(40):
        store.write([statement_of(asked(n), Completion(f"answer {n} " * 30, "stop"))])
    store.close()
    store = Store(folder / "s.sqlite")
    store.keep_manners("m", "http://x/v1", {"seed": "drop"})
    store.write([(SPEND, ("run", 1, 2, 3.0))])
    for n in range(40, 80):
        store.write([statement_of(asked(n), Completion(f"answer {n} " * 30, "stop"))])
    for name in ("s.sqlite", "s.sqlite-wal"):
        shutil.copy(folder / name, folder / f"kept-{name}")
    store.close()
    return folder


changes = st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=40)), max_size=4)


@fuzz
@given(in_file=changes, in_log=changes, cut=st.none() | st.floats(0, 1), replay=st.booleans())
@example(in_file=[], in_log=[], cut=None, replay=True)
def test_a_damaged_store_gives_right_answers_or_none(whole, tmp_path_factory, in_file, in_log, cut, replay):
    path = tmp_path_factory.mktemp("damaged") / "s.sqlite"
    for name, changed in (("s.sqlite", in_file), ("s.sqlite-wal", in_log)):
        content = bytearray((whole / f"kept-{name}").read_bytes())
        for place, written in changed:
            start = int(place * (len(content) - 1))
            content[start : start + len(written)] = written
        end = int(cut * len(content)) if cut is not None and name == "s.sqlite-wal" else len(content)
        path.with_name(name).write_bytes(content[:end])
    right = {n: f"answer {n} " * 30 for n in range(80)}
    try:
        store = Store(path, replay)
        manners, spent = store.all_manners(), store.spent("run")
        found = {n: store.response(asked(n).key) for n in range(80)}
        requests = [store.request(asked(n).key) for n in range(80)]
        store.close()
        assert all(one is None or one["model"] == "m" for one in requests)
        assert all(changes is None or isinstance(changes, dict) for _, changes in manners)
        assert all(isinstance(number, (int, float)) for number in spent.values())
        assert sum(upkeep.check(path)) >= 0
    except StoreUnusable as error:
        assert str(path) in str(error)
        found = {}
    assert all(one is None or one["text"] == right[n] for n, one in found.items())
    if not (in_file or in_log):
        # What stood in the log up to where it ends is there, and all of the file.
        assert all(found[n] for n in range(40))
    shutil.rmtree(path.parent)


fields = st.fixed_dictionaries(
    {"id": perhaps(texts | st.integers())},
    optional={name: perhaps(texts) for name in ("instruction", "answer_a", "answer_b", "criteria", "subset", "why")}
    | {"label": perhaps(st.sampled_from(["A", "B", "tie", "a", 0, 1, None, ""]))}
    | {"votes": perhaps(st.lists(st.sampled_from(["A", "B", "tie", "x"]), max_size=3))}
    | {"crowd": perhaps(st.lists(texts, max_size=2)), "conversation_a": anything, "conversation_b": anything},
)
rows = st.lists(perhaps(fields), max_size=4)


@fuzz
@given(rows=rows, kind=st.sampled_from(["jsonl", "json"]))
def test_a_file_of_pairs_is_read_whole_or_refused_by_name(tmp_path_factory, rows, kind):
    path = tmp_path_factory.mktemp("pairs") / f"mine.{kind}"
    content = json.dumps(rows) if kind == "json" else "\n".join(map(json.dumps, rows))
    path.write_text(content)
    try:
        pairs = list(load_pairs(str(path)))
    except BadInput as error:
        assert "mine" in str(error)
    else:
        assert len(pairs) == len(rows)
        assert {pair.label for pair in pairs} <= {"A", "B", "tie", None}
        assert all(pair.questions and "nan" not in pair.answers_a for pair in pairs)
    shutil.rmtree(path.parent)


@fuzz
@given(content=st.binary(max_size=300), kind=st.sampled_from(["jsonl", "json", "csv", "parquet", "jsonl.gz", "csv.gz"]))
def test_bytes_that_are_no_file_of_pairs_are_refused_by_name(tmp_path_factory, content, kind):
    path = tmp_path_factory.mktemp("bytes") / f"mine.{kind}"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="mine"):
        list(load_pairs(str(path)))
    shutil.rmtree(path.parent)


@fuzz
@given(
    given=st.dictionaries(st.sampled_from(["limit", "judges", "methods", "store", "seed", "crowd", "order"]), anything)
)
def test_parameters_are_taken_or_refused_by_name(given):
    try:
        check(given, "mine.yaml")
    except BadInput as error:
        assert str(error).startswith("mine.yaml: ")
    else:
        assert isinstance(given.get("limit", 1), int | None) and isinstance(given.get("judges", []), list)
