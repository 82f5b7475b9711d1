"""Merged stores: everything arrives, nothing is overwritten, and no source changes."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from cce.errors import BadInput, StoreUnusable
from cce.models.store import Store, statement_of
from cce.models.upkeep import check, merge
from cce.models.wire import Completion, Request
from tests.test_store import WRITER


def filled(path, answer: str, numbers) -> Store:
    store = Store(path)
    for n in numbers:
        store.write([statement_of(request(n), Completion(answer, "stop"))])
    return store


def request(n: int) -> Request:
    return Request({"model": "m", "n": n, "messages": []})


def contents(folder) -> dict:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_all_completions_arrive_and_the_first_answer_stays(tmp_path):
    for name, numbers in (("into", range(2)), ("one", range(1, 4)), ("two", range(3, 6))):
        filled(tmp_path / name, name, numbers).close()
    found = merge(tmp_path / "into", [tmp_path / "one", tmp_path / "two"])
    # Those that are there already have another answer: the names differ.
    assert found == [(2, 1, 1, 0), (2, 1, 1, 0)]
    merged = Store(tmp_path / "into")
    assert [merged.get(request(n)).text for n in range(6)] == ["into", "into", "one", "one", "two", "two"]


def test_the_sources_stay_as_they_are_and_need_not_be_writable(tmp_path):
    (tmp_path / "sources").mkdir()
    filled(tmp_path / "sources/one", "one", range(3)).close()
    before = contents(tmp_path / "sources")
    os.chmod(tmp_path / "sources", 0o555)
    assert merge(tmp_path / "made/into", [tmp_path / "sources/one"]) == [(3, 0, 0, 0)]
    assert merge(tmp_path / "made/into", [tmp_path / "sources/one"]) == [(0, 3, 0, 0)]
    os.chmod(tmp_path / "sources", 0o755)
    assert contents(tmp_path / "sources") == before


def test_a_store_that_a_run_still_writes_to_can_be_merged(tmp_path):
    command = [sys.executable, "-c", WRITER, tmp_path / "growing", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        for _ in range(50):
            seen = int(writer.stdout.readline()) + 1
        ((added, there, _, damaged),) = merge(tmp_path / "into", [tmp_path / "growing"])
        assert writer.poll() is None
        writer.kill()
    assert added >= seen
    assert there == damaged == 0
    assert len(Store(tmp_path / "into")) == added


def test_a_store_is_not_merged_into_itself_by_whatever_name(tmp_path):
    filled(tmp_path / "into", "mine", range(2)).close()
    (tmp_path / "alias").symlink_to(tmp_path / "into")
    filled(tmp_path / "good", "good", range(9)).close()
    with pytest.raises(BadInput, match="alias: a store cannot be merged into itself"):
        merge(tmp_path / "into", [tmp_path / "good", tmp_path / "alias"])
    assert len(Store(tmp_path / "into")) == 2


def text_file(path):
    path.write_text("no database at all, but a text of some length\n" * 100)


def foreign_database(path):
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE completions (key, request, response)")
    db.close()


def cut_off(path):
    filled(path, "a" * 1000, range(50)).close()
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("make", [text_file, foreign_database, os.mkdir, lambda path: None])
def test_a_source_that_is_no_store_is_named_and_nothing_is_written(tmp_path, make):
    filled(tmp_path / "good", "good", range(3)).close()
    make(tmp_path / "bad")
    with pytest.raises(StoreUnusable, match="store .*bad: "):
        merge(tmp_path / "into", [tmp_path / "good", tmp_path / "bad"])
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("make", [text_file, foreign_database, cut_off])
def test_nothing_is_merged_into_what_is_no_store(tmp_path, make):
    filled(tmp_path / "good", "good", range(3)).close()
    make(tmp_path / "bad")
    before = (tmp_path / "bad").read_bytes()
    with pytest.raises(StoreUnusable, match="store .*bad: "):
        merge(tmp_path / "bad", [tmp_path / "good"])
    assert (tmp_path / "bad").read_bytes() == before


def damaged_row(path) -> None:
    filled(path, "a" * 1000, range(50)).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE completions SET response = replace(response, 'aaa', 'aab') WHERE rowid = 7")
        db.commit()


def damaged_page(path) -> None:
    filled(path, "a" * 1000, range(50)).close()
    with open(path, "r+b") as file:
        # In the middle of the rows.
        file.seek(4096 * 12)
        file.write(b"\xff" * 4096)


@pytest.mark.parametrize(("make", "least"), [(cut_off, 10), (damaged_row, 49), (damaged_page, 40)])
def test_of_a_damaged_store_all_that_can_be_read_is_saved_and_the_rest_is_counted(tmp_path, make, least):
    make(tmp_path / "bad")
    before = (tmp_path / "bad").read_bytes()
    ((added, there, different, damaged),) = merge(tmp_path / "into", [tmp_path / "bad"])
    assert (there, different) == (0, 0) and least <= added < 50
    # What stands behind the end of a file that is cut off nobody can count.
    assert damaged <= 50 - added if make is cut_off else damaged == 50 - added
    merged = Store(tmp_path / "into")
    kept = [merged.get(request(n)) for n in range(50)]
    assert len([one for one in kept if one]) == added and {one.text for one in kept if one} == {"a" * 1000}
    assert (tmp_path / "bad").read_bytes() == before


@pytest.mark.parametrize(("make", "status"), [(damaged_row, 1), (damaged_page, 1), (None, 0)])
def test_the_command_says_how_many_rows_are_damaged(tmp_path, make, status):
    make(tmp_path / "s") if make else filled(tmp_path / "s", "fine", range(3)).close()
    command = [sys.executable, "-m", "cce", "store", "check", "s"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == status
    sound, damaged = check(tmp_path / "s")
    assert done.stdout == f"s: {sound:,} completions, {damaged:,} damaged rows\n"
    assert (damaged > 0) == (status == 1) and done.stderr.startswith("error: s: a run leaves" if status else "")


def test_answers_that_differ_in_their_cost_alone_are_the_same(tmp_path):
    for name, seconds in (("into", 1.0), ("one", 2.0)):
        store = Store(tmp_path / name)
        store.write([statement_of(request(0), Completion("alike", "stop", 5, 6, seconds))])
        store.close()
    assert merge(tmp_path / "into", [tmp_path / "one"]) == [(0, 1, 0, 0)]


def test_the_command_says_what_was_added(tmp_path):
    filled(tmp_path / "one", "one", range(1200)).close()
    command = [sys.executable, "-m", "cce", "store", "merge", "into", "one", "one"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "one: 1,200 completions added to into, 0 were there already",
        "one: 0 completions added to into, 1,200 were there already",
    ]
    refused = subprocess.run([*command[:5], "one", "one"], cwd=tmp_path, capture_output=True, text=True)
    assert refused.returncode == 1
    assert refused.stderr == "error: one: a store cannot be merged into itself\n"
