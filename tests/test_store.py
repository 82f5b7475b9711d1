"""The store: kept at once, never lost, never somebody else's file."""

import hashlib
import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing

import pytest

from cce.errors import NotRecorded, StoreUnusable
from cce.models.store import Store, statement_of
from cce.models.store_tables import APPLICATION_ID
from cce.models.wire import Completion, Expects, Request

REQUEST = {
    "model": "m",
    "messages": [{"role": "user", "content": "hé {x}"}],
    "temperature": 0.1,
    "max_tokens": 9,
    "sample": 0,
    "top_logprobs": None,
}
WRITER = """
import sys
from cce.models.store import Store, statement_of
from cce.models.wire import Completion, Request
store = Store(sys.argv[1])
for n in range(int(sys.argv[2])):
    store.write([statement_of(Request({"model": "m", "n": n, "messages": []}), Completion(str(n), "stop"))])
    print(n, flush=True)
"""


def test_a_completion_comes_back_as_it_went_in(tmp_path):
    written = Completion("text \u2028 {braces}", "stop", 3, 4, 0.25, {"A": -0.5})
    Store(tmp_path / "s.sqlite").write([statement_of(Request(REQUEST), written)])
    assert Store(tmp_path / "s.sqlite").get(Request(REQUEST)) == written


@pytest.mark.parametrize(
    "change",
    [{"model": "n"}, {"temperature": 0.2}, {"sample": 1}, {"max_tokens": 10}, {"top_logprobs": 5}, {"messages": []}],
)
def test_whatever_changes_the_question_changes_the_key(change):
    assert Request(REQUEST | change).key != Request(REQUEST).key


def test_two_addresses_may_call_different_models_by_one_name(tmp_path):
    store, here, there = Store(tmp_path / "s.sqlite"), *(Request(REQUEST, url=f"http://{n}/v1") for n in "ab")
    store.write([statement_of(here, Completion("here", "stop"))])
    assert store.get(here).text == "here"
    assert store.get(there) is None
    assert store.get(Request(REQUEST)) is None


def test_what_the_caller_expects_is_kept_beside_the_request_and_no_part_of_its_key(tmp_path):
    store, asked = Store(tmp_path / "s.sqlite"), Request(REQUEST, Expects("removal", apart="any"))
    assert asked.key == Request(REQUEST).key
    store.write([statement_of(asked, Completion("rewritten", "stop"))])
    assert store.get(Request(REQUEST)).text == "rewritten"
    assert store.request(asked.key) == REQUEST | {"expects": "removal"}


def old_store(path, *rows) -> None:
    """One of the first version: without checksums, marks and the other tables."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA journal_mode = WAL; CREATE TABLE {OLD}")
        db.executemany("INSERT INTO completions VALUES (?, ?, ?)", rows)
        db.commit()


OLD = "completions (key TEXT PRIMARY KEY, request TEXT NOT NULL, response TEXT NOT NULL)"


@pytest.mark.parametrize("url", ["", "http://here/v1"])
@pytest.mark.parametrize("replay", [False, True])
def test_a_store_of_the_first_version_opens_and_its_keys_are_found(tmp_path, replay, url):
    # Its requests say nothing of what was expected, nor of an address; the key is a digest of canonical JSON.
    body = json.dumps(REQUEST, sort_keys=True, separators=(",", ":"))
    assert body.startswith('{"max_tokens":9,"messages":[{"content":"h\\u00e9 {x}","role":"user"}],"model":"m"')
    row = (hashlib.sha256(body.encode()).hexdigest(), body, '{"text": "old", "finish": "stop", "first_token": null}')
    old_store(tmp_path / "s.sqlite", row)
    store = Store(tmp_path / "s.sqlite", replay)
    assert store.get(Request(REQUEST, url=url)).text == "old"
    assert (store.all_manners(), store.spent("any")) == ([], Counter())
    store.close()
    if not replay:
        # It is one of this version now.
        again = Store(tmp_path / "s.sqlite")
        again.write([statement_of(Request(REQUEST | {"sample": 1}), Completion("new", "stop"))])
        assert [again.get(Request(REQUEST | {"sample": n})).text for n in (0, 1)] == ["old", "new"]


def test_what_a_killed_process_wrote_is_there(tmp_path):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, tmp_path / "s.sqlite", "100000"], stdout=subprocess.PIPE, text=True
    )
    for _ in range(50):
        last = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    last = int(([str(last), *writer.stdout.read().split()])[-1])
    assert len(Store(tmp_path / "s.sqlite")) >= last + 1


def test_a_replay_finds_what_still_stands_in_the_log_of_the_store(tmp_path):
    store = Store(tmp_path / "s.sqlite")
    store.write([statement_of(Request(REQUEST), Completion("kept", "stop"))])
    assert (tmp_path / "s.sqlite-wal").stat().st_size
    assert Store(tmp_path / "s.sqlite", replay=True).get(Request(REQUEST)).text == "kept"


@pytest.mark.parametrize("count", [2, 8])
def test_processes_that_share_a_new_store_lose_and_double_nothing(tmp_path, count):
    command = [sys.executable, "-c", WRITER, tmp_path / "s.sqlite", "300"]
    writers = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(count)
    ]
    errors = [writer.communicate()[1] for writer in writers]
    assert errors == [""] * count
    assert len(Store(tmp_path / "s.sqlite")) == 300


def test_a_foreign_file_is_refused_and_left_alone(tmp_path):
    foreign, text = tmp_path / "foreign.sqlite", tmp_path / "notes.txt"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE completions (mine TEXT)")
    text.write_text("not a database at all, but long enough to look like one" * 9)
    before = [foreign.read_bytes(), text.read_bytes()]
    for path in (foreign, text):
        with pytest.raises(StoreUnusable, match=path.name):
            Store(path)
    assert [foreign.read_bytes(), text.read_bytes()] == before


def filled(path, rows: int) -> None:
    store = Store(path)
    for n in range(rows):
        store.write([statement_of(Request(REQUEST | {"sample": n}), Completion("text " * 50, "stop"))])
    store.close()


def test_a_file_that_was_cut_off_is_refused_and_left_alone(tmp_path):
    filled(tmp_path / "s.sqlite", 200)
    cut = (tmp_path / "s.sqlite").read_bytes()[:-10_000]
    (tmp_path / "s.sqlite").write_bytes(cut)
    with pytest.raises(StoreUnusable, match=r"s\.sqlite: the file is cut off"):
        Store(tmp_path / "s.sqlite")
    assert (tmp_path / "s.sqlite").read_bytes() == cut


def test_a_folder_that_cannot_be_written_is_one_error():
    with pytest.raises(StoreUnusable, match="store /proc/nowhere/s.sqlite: .*name another file"):
        Store("/proc/nowhere/s.sqlite")


def test_a_full_disk_is_one_error_and_what_was_kept_before_it_is_there(tmp_path):
    filled(tmp_path / "s.sqlite", 3)
    full = [sys.executable, "-c", WRITER, tmp_path / "s.sqlite", "100000"]
    # No file may grow beyond this, which SQLite meets as it meets a full disk.
    limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))}
    done = subprocess.run(full, capture_output=True, text=True, **limited)
    assert re.search(r"StoreUnusable: store .*s\.sqlite: .*make room, or name another file", done.stderr)
    # The answer that could not be kept waited aside, and is in.
    assert len(Store(tmp_path / "s.sqlite")) == 3 + len(done.stdout.split()) + 1


def test_a_replay_refuses_what_was_not_recorded_and_writes_nothing(tmp_path):
    path = tmp_path / "s.sqlite"
    recorder = Store(path)
    recorder.write([statement_of(Request(REQUEST), Completion("yes", "stop"))])
    recorder.close()
    before = path.read_bytes()
    replay = Store(path, replay=True)
    assert replay.get(Request(REQUEST)).text == "yes"
    with pytest.raises(NotRecorded, match=r"s\.sqlite"):
        replay.get(Request(REQUEST | {"sample": 7}))
    assert path.read_bytes() == before
