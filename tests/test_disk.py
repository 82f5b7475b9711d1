"""The store and the disk: power cuts, logs that are another's, links, copies, changed bytes, and no room left."""

import asyncio
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from cce import evaluate
from cce.errors import StoreUnusable
from cce.models import aside
from cce.models.store import SPEND, Store, close_all, open_store, statement_of
from cce.models.store_tables import is_sound
from cce.models.wire import Completion, Request
from tests.conftest import planted_pair
from tests.test_store import WRITER

# As WRITER, but as a run does it: many at once, each told of when it is on the disk.
TOGETHER = """
import asyncio, sys
from cce.models.store import Store, statement_of
from cce.models.wire import Completion, Request
store = Store(sys.argv[1])
async def one(n):
    await store.keep(Request({"model": "m", "n": n, "messages": []}), Completion(str(n), "stop"))
    print(n, flush=True)
async def all_of_them():
    for start in range(0, int(sys.argv[2]), 8):
        await asyncio.gather(*map(one, range(start, start + 8)))
asyncio.run(all_of_them())
"""


# `CCE_MOMENTS=50` in the environment asks for more.
CUTS = int(os.environ.get("CCE_MOMENTS", "6"))


def asked(n: int) -> Request:
    return Request({"model": "m", "n": n, "messages": [{"role": "user", "content": "?"}]})


def filled(path: Path, numbers, text: str = "kept") -> None:
    store = Store(path)
    for n in numbers:
        store.write([statement_of(asked(n), Completion(text, "stop"))])
    store.close()


def killed(path: Path, rows: int, program: str = WRITER) -> int:
    """Let a process write that many rows, and kill it, so that a log stays; how many it said are kept."""
    command = [sys.executable, "-c", program, path, "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        said = [writer.stdout.readline() for _ in range(rows)]
        writer.send_signal(signal.SIGKILL)
        return len(said) + len(writer.stdout.read().split())


def empty_disk(folder: Path) -> Path:
    """The image of an empty file system; where none can be made, the test is left out."""
    image = folder / "image"
    image.write_bytes(bytes(24 << 20))
    if not shutil.which("mkfs.ext4") or subprocess.run(["mkfs.ext4", "-q", image]).returncode:
        pytest.skip("no file system can be made here")
    return image


@contextmanager
def file_system(image: Path, folder: Path, *options: str):
    """The file system in the image, at the folder; where this may not be, the test is left out."""
    folder.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-o", ",".join(["loop", *options]), image, folder], capture_output=True).returncode:
        pytest.skip("file systems may not be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("program", [WRITER, TOGETHER], ids=["one by one", "together"])
def test_what_was_said_to_be_kept_survives_a_power_cut(tmp_path, program):
    image, cut = empty_disk(tmp_path), tmp_path / "cut"
    with file_system(image, tmp_path / "disk"):
        command = [sys.executable, "-c", program, tmp_path / "disk/s.sqlite", "1000000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            said = len([writer.stdout.readline() for _ in range(60)])
            # What has reached the device by now, and nothing that only the system's memory holds.
            shutil.copyfile(image, cut)
            writer.kill()
    with file_system(cut, tmp_path / "disk"):
        store = Store(tmp_path / "disk/s.sqlite")
        kept = len(store)
        store.close()
    assert kept >= said


@pytest.mark.slow
def test_no_cut_at_a_random_moment_loses_what_was_said_to_be_kept(tmp_path):
    image, moments, cuts = empty_disk(tmp_path), random.Random(0), []
    with file_system(image, tmp_path / "disk"):
        command = [sys.executable, "-c", TOGETHER, tmp_path / "disk/s.sqlite", "1000000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            said = 0
            for number in range(CUTS):
                said += len([writer.stdout.readline() for _ in range(moments.randint(1, 60))])
                time.sleep(moments.uniform(0, 0.02))
                cuts.append((said, tmp_path / f"cut-{number}"))
                shutil.copyfile(image, cuts[-1][1])
            writer.kill()
    for said, cut in cuts:
        with file_system(cut, tmp_path / "disk"):
            store = Store(tmp_path / "disk/s.sqlite")
            kept = len(store)
            store.close()
        cut.unlink()
        assert kept >= said and not store.damaged


def test_every_commit_is_asked_to_reach_the_disk(tmp_path):
    # 2 is FULL: where no cut can be simulated, this has to do.
    assert Store(tmp_path / "s.sqlite").writer.execute("PRAGMA synchronous").fetchone() == (2,)


def test_what_arrives_while_the_disk_is_busy_is_committed_together(tmp_path):
    store = Store(tmp_path / "s.sqlite")

    async def many() -> None:
        await asyncio.gather(*(store.keep(asked(n), Completion(str(n), "stop")) for n in range(200)))

    asyncio.run(many())
    commits = int(store.db.execute("SELECT mark FROM log").fetchone()[0][-12:])
    assert len(store) == 200 and commits <= 3
    assert store.get(asked(7)).text == "7"


def test_a_link_to_a_store_leads_to_its_log_as_well(tmp_path):
    kept = killed(tmp_path / "s.sqlite", 20)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/link.sqlite").symlink_to(tmp_path / "s.sqlite")
    replayed = Store(tmp_path / "elsewhere/link.sqlite", replay=True)
    assert len(replayed) >= kept
    assert os.listdir(tmp_path / "elsewhere") == ["link.sqlite"]


def copied_over(folder: Path) -> None:
    """Another store is copied over one that was killed."""
    killed(folder / "s.sqlite", 20)
    filled(folder / "other", range(3))
    shutil.copy(folder / "other", folder / "s.sqlite")


def from_a_copy(folder: Path) -> None:
    """A copy of the store as it was is put back."""
    filled(folder / "s.sqlite", range(1000, 1600))
    shutil.copy(folder / "s.sqlite", folder / "copy")
    filled(folder / "s.sqlite", range(2000, 2600))
    killed(folder / "s.sqlite", 20)
    shutil.copy(folder / "copy", folder / "s.sqlite")


def log_of_an_earlier_time(folder: Path) -> None:
    """The log of an earlier time is put beside the store as it is now."""
    killed(folder / "s.sqlite", 20)
    shutil.copy(folder / "s.sqlite-wal", folder / "log")
    filled(folder / "s.sqlite", range(2000, 2600))
    shutil.copy(folder / "log", folder / "s.sqlite-wal")


@pytest.mark.parametrize("replay", [False, True])
@pytest.mark.parametrize("make", [copied_over, from_a_copy, log_of_an_earlier_time])
def test_a_log_that_is_not_the_stores_own_is_named_and_nothing_is_touched(tmp_path, make, replay):
    make(tmp_path)
    before = (tmp_path / "s.sqlite").read_bytes(), (tmp_path / "s.sqlite-wal").read_bytes()
    with pytest.raises(StoreUnusable, match=r"the log s\.sqlite-wal beside it is another file's, or of another time"):
        Store(tmp_path / "s.sqlite", replay)
    assert before == ((tmp_path / "s.sqlite").read_bytes(), (tmp_path / "s.sqlite-wal").read_bytes())
    (tmp_path / "s.sqlite-wal").unlink()
    assert len(Store(tmp_path / "s.sqlite", replay)) >= 3


def test_the_log_of_a_killed_process_is_the_stores_own_and_so_is_one_that_is_written_now(tmp_path):
    for _ in range(3):
        before = killed(tmp_path / "s.sqlite", 30)
        assert len(Store(tmp_path / "s.sqlite")) >= before
    command = [sys.executable, "-c", TOGETHER, tmp_path / "busy.sqlite", "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        writer.stdout.readline()
        for _ in range(40):
            Store(tmp_path / "busy.sqlite", replay=True).close()
            Store(tmp_path / "busy.sqlite").close()
        writer.kill()


def test_a_process_that_ends_well_leaves_one_file_that_is_whole_when_copied(tmp_path):
    subprocess.run([sys.executable, "-c", WRITER, tmp_path / "s.sqlite", "30"], check=True, capture_output=True)
    code = f"from cce.models.store import open_store; open_store({str(tmp_path / 's.sqlite')!r})"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert os.listdir(tmp_path) == ["s.sqlite"]
    shutil.copy(tmp_path / "s.sqlite", tmp_path / "copy")
    assert len(Store(tmp_path / "copy", replay=True)) == 30


def test_a_store_with_a_log_is_read_where_nothing_can_be_written(tmp_path):
    image = empty_disk(tmp_path)
    with file_system(image, tmp_path / "disk"):
        kept = killed(tmp_path / "disk/s.sqlite", 20)
    with file_system(image, tmp_path / "disk", "ro"):
        replayed = Store(tmp_path / "disk/s.sqlite", replay=True)
        assert len(replayed) >= kept
        replayed.close()


CHANGES = {
    "a byte of the answer": "UPDATE completions SET response = replace(response, 'kept', 'kepT')",
    "the answer whole": """UPDATE completions SET response = '{"text": "[[A]]", "finish": "stop"}'""",
    "the end of the answer": "UPDATE completions SET response = substr(response, 1, 20)",
    "the request": "UPDATE completions SET request = '{}'",
    "the checksum": "UPDATE completions SET checksum = 'x'",
    "bytes that are no text": "UPDATE completions SET response = CAST(x'7b80ff7d' AS TEXT)",
    "its kind": "UPDATE completions SET response = 7",
    "the kind of the request": "UPDATE completions SET request = 1.5",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_row_is_left_out_counted_and_kept_anew(tmp_path, change):
    filled(tmp_path / "s.sqlite", range(2))
    store = Store(tmp_path / "s.sqlite")
    store.db.execute(f"{CHANGES[change]} WHERE key = ?", (asked(0).key,))
    assert store.get(asked(0)) is None and store.get(asked(1)).text == "kept"
    assert store.damaged == {asked(0).key}
    store.write([statement_of(asked(0), Completion("anew", "stop"))])
    assert store.get(asked(0)).text == "anew"
    # One that is sound stays.
    store.write([statement_of(asked(1), Completion("anew", "stop"))])
    assert store.get(asked(1)).text == "kept"


@pytest.mark.parametrize("value", [None, 7, 1.5, b"\xff", "{}"])
@pytest.mark.parametrize("place", range(4))
def test_a_row_with_a_value_of_any_kind_is_damaged_and_no_error(place, value):
    _, row = statement_of(asked(0), Completion("kept", "stop"))
    assert is_sound(*row)
    changed = [*row[:place], value, *row[place + 1 :]]
    # Without its checksum a row is one of an earlier version, which had none.
    assert is_sound(*changed) == ((place, value) == (3, None))


@pytest.mark.parametrize("written", ["7", "'x'", "NULL", "x'ff'", "'[]'", "'" + "[" * 9000 + "'"])
def test_damaged_manners_are_found_out_anew_and_a_damaged_sum_is_said(tmp_path, written):
    store = Store(tmp_path / "s.sqlite")
    store.keep_manners("m", "http://x/v1", {"seed": "drop"})
    store.write([(SPEND, ("run", 1, 2, 3.0))])
    store.db.execute(f"UPDATE manners SET changes = {written}")
    assert store.all_manners() == [] and store.manners("m", "http://x/v1") == {}
    store.db.execute(f"UPDATE spent SET dollars = {written}")
    if written == "7":
        assert store.spent("run")["dollars"] == 7
    else:
        with pytest.raises(StoreUnusable, match="what was spent"):
            store.spent("run")


def test_a_run_says_how_many_damaged_rows_it_asked_for_again(server, tmp_path):
    pairs, options = [planted_pair(n, 2, 5) for n in range(3)], {"store": tmp_path / "s.sqlite"}
    evaluate(pairs, ["vanilla"], [server.model("judge")], **options)
    store = open_store(tmp_path / "s.sqlite")
    store.db.execute("UPDATE completions SET response = '{}' WHERE rowid = 2")
    with pytest.warns(UserWarning, match="1 damaged rows were left out, and asked for again"):
        assert evaluate(pairs, ["vanilla"], [server.model("judge")], **options).correct.all()
    assert len(server.requests) == 4


def full(store: Store) -> None:
    """Let nothing more be written, as on a full disk."""
    store.writer.execute("PRAGMA max_page_count = 1")


def big(n: int) -> Completion:
    return Completion("text " * 20_000 + str(n), "stop")


@pytest.mark.parametrize("beside", [True, False])
def test_an_answer_that_cannot_be_kept_waits_aside_for_the_next_start(tmp_path, monkeypatch, beside):
    if not beside:
        # Nothing can be written beside the store, but in the folder for temporary files.
        (tmp_path / "s.sqlite-aside.jsonl").mkdir()
        monkeypatch.setattr(aside, "gettempdir", lambda: str(tmp_path))
    store = Store(tmp_path / "s.sqlite")
    full(store)
    with pytest.raises(StoreUnusable, match=r"1 answers that were paid for wait in .*aside\.jsonl, and the next run"):
        store.write([statement_of(asked(0), big(0))])
    store.close()
    if not beside:
        (tmp_path / "s.sqlite-aside.jsonl").rmdir()
    again = Store(tmp_path / "s.sqlite")
    assert again.get(asked(0)) == big(0)
    assert list(tmp_path.glob("*aside.jsonl")) == []


def test_of_what_waits_aside_a_line_that_was_cut_off_or_changed_is_left_out(tmp_path):
    store = Store(tmp_path / "s.sqlite")
    full(store)
    for n in range(3):
        with pytest.raises(StoreUnusable):
            store.write([statement_of(asked(n), big(n))])
    store.close()
    file = tmp_path / "s.sqlite-aside.jsonl"
    first, second, third = file.read_text().splitlines()
    file.write_text("\n".join([first, second.replace("text text", "next text"), json.dumps([1, 2]), third[:50]]))
    assert len(Store(tmp_path / "s.sqlite")) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to others")
@pytest.mark.parametrize("plant", ["a link", "another user's"])
def test_what_somebody_else_put_aside_is_neither_taken_in_nor_deleted(tmp_path, plant):
    store, file = Store(tmp_path / "s.sqlite"), tmp_path / "s.sqlite-aside.jsonl"
    full(store)
    with pytest.raises(StoreUnusable):
        store.write([statement_of(asked(0), big(0))])
    store.close()
    if plant == "a link":
        file.symlink_to(file.rename(tmp_path / "planted"))
    else:
        os.chown(file, 12345, 12345)
    store = Store(tmp_path / "s.sqlite")
    assert len(store) == 0 and file.exists()
    full(store)
    with pytest.raises(StoreUnusable, match="wait in /tmp/"):
        store.write([statement_of(asked(0), big(0))])
    Store(tmp_path / "s.sqlite")


def test_without_room_nothing_is_asked(server, tmp_path, monkeypatch):
    monkeypatch.setattr("cce.models.store_file.ROOM_BYTES", 1 << 50)
    with pytest.raises((StoreUnusable, MemoryError)):
        evaluate([planted_pair(0, 2, 5)], ["vanilla"], [server.model("judge")], store=tmp_path / "s.sqlite")
    assert server.requests == []


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_store_that_is_deleted_while_a_run_writes_is_one_error_and_nothing_is_lost(tmp_path, how):
    store = Store(tmp_path / "s.sqlite")
    store.write([statement_of(asked(0), Completion("kept", "stop"))])
    if how == "replaced":
        filled(tmp_path / "other", range(5, 6))
        os.replace(tmp_path / "other", tmp_path / "s.sqlite")
    else:
        (tmp_path / "s.sqlite").unlink()
    with pytest.raises(StoreUnusable, match="it was deleted or replaced while this run writes to it"):
        store.write([statement_of(asked(1), Completion("late", "stop"))])
    store.close()
    for name in ("s.sqlite-wal", "s.sqlite-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    assert Store(tmp_path / "s.sqlite").get(asked(1)).text == "late"


def judged(model: str, store: str, n: int) -> str:
    return evaluate([planted_pair(n, 2, 5)], ["vanilla"], [model], store=store).verdict.item()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_worker_judges_as_its_parent_did(server, tmp_path):
    model, store = server.model("judge"), str(tmp_path / "s.sqlite")
    assert judged(model, store, 0) == "B"
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.starmap(judged, [(model, store, n) for n in range(1, 5)]) == ["B"] * 4
    assert judged(model, store, 5) == "B"
    assert len(open_store(store)) == 6


def test_a_store_of_the_parents_is_refused_in_a_forked_process(tmp_path):
    store = Store(tmp_path / "s.sqlite")
    if not (child := os.fork()):
        try:
            store.get(asked(0))
        except StoreUnusable as error:
            os._exit("before this process was forked" in str(error))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def test_closed_stores_are_opened_again(tmp_path):
    open_store(tmp_path / "s.sqlite").write([statement_of(asked(0), Completion("kept", "stop"))])
    close_all()
    assert open_store(tmp_path / "s.sqlite").get(asked(0)).text == "kept"
