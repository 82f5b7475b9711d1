"""What a command writes: never over what it reads, whole or not at all, and by one process at a time."""

import asyncio
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pandas as pd
import pytest
from aiohttp import web

from cce import Records
from cce.analysis import write_table
from cce.errors import BadInput, OutputUnusable
from cce.models.store import Store
from cce.outputs import write_whole
from tests.conftest import QUALITIES, planted_pair
from tests.fake_server import FakeServer
from tests.faults import status
from tests.test_bad_input import cce
from tests.test_project import ROOT

FILLED = "\n".join(
    planted_pair(place, *of).model_dump_json(exclude_none=True, exclude={"benchmark"})
    for place, of in enumerate(QUALITIES)
)
JUDGEBENCH = {"pair_id": "1", "question": "?", "response_A": "a", "response_B": "b", "label": "A>B", "source": "s"}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Iterator[Path]:
    """A user's folder with one file of each kind that a command may read, and stores that are in use."""
    monkeypatch.chdir(tmp_path)
    for name in ("prompts", "data", "student", "below"):
        (tmp_path / name).mkdir()
    (tmp_path / "pairs.jsonl").write_text(FILLED)
    (tmp_path / "pools.jsonl").write_text(json.dumps({"id": 1, "instruction": "?", "responses": ["a", "b", "c"]}))
    (tmp_path / "models.yaml").write_text("unused: {url: http://localhost:9/v1}")
    (tmp_path / "prices.csv").write_text("model,prompt,completion\njudge,1,2\n")
    monkeypatch.setenv("CCE_PRICES", "prices.csv")
    shutil.copy(ROOT / "cce/crowd/prompts/vanilla.jinja", tmp_path / "prompts")
    (tmp_path / "data/judgebench_gpt.jsonl").write_text(json.dumps(JUDGEBENCH))
    (tmp_path / "student/finished.json").write_text('{"name": "student-1"}')
    (tmp_path / "student/model.gguf").write_text("weights")
    (tmp_path / "kept").write_text("mine")
    # Open, so that their logs are there.
    with closing(Store("s.sqlite").db), closing(Store("other.sqlite").db):
        yield tmp_path


@pytest.fixture(scope="module")
def server():
    with FakeServer() as running:
        yield running


def command(name: str, server: FakeServer, *more: str) -> list[str]:
    """A command that reads a file of each kind."""
    given = ["--judge", server.model("judge"), "--out", "out.jsonl", "--store", "s.sqlite", "--models", "models.yaml"]
    read = ["--prompts", "prompts", "--data-dir", "data", "--crowd", "student"]
    asked = "pairs.jsonl" if name == "judge" else "pools.jsonl"
    return [name, asked, "--method", "vanilla", *given, *read, *more]


def judged(server: FakeServer, *more: str, out: str = "out.jsonl") -> list[str]:
    """A command that judges one pair after the other."""
    given = ["--judge", server.model("judge"), "--store", "s.sqlite", "--concurrency", "1", "--out", out]
    return ["judge", "pairs.jsonl", *given, *more]


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command inside this process; its exit status, and what it wrote to standard error."""
    return lambda arguments: cce(capsys, monkeypatch, *arguments)


@pytest.fixture
def refused(server, run):
    """Run a command that has to be refused before anything is asked, with every file as it was; what it says."""

    def check(arguments: list[str]) -> str:
        before, asked = contents(), len(server.requests)
        status, said = run(arguments)
        assert (status, said.count("\n"), len(server.requests)) == (1, 1, asked)
        assert contents() == before
        return said

    return check


def contents() -> dict:
    """Every file of the folder, by its name."""
    return {str(file): file.read_bytes() for file in Path().rglob("*") if file.is_file()}


def rows(file: str | Path) -> list[dict]:
    return [json.loads(line) for line in Path(file).read_text().splitlines()]


class Gate:
    """Lets so many replies through, and keeps the others waiting until it is opened."""

    def __init__(self, through: int = 0):
        self.through, self.open = through, threading.Event()

    async def __call__(self, request, reply) -> web.Response:
        self.through -= 1
        while self.through < 0 and not self.open.is_set():
            await asyncio.sleep(0.01)
        return web.json_response(reply)


@contextmanager
def begun(gate: Gate, *more: str) -> Iterator[tuple[subprocess.Popen, FakeServer]]:
    """A command in a process of its own that waits for a reply behind the gate."""
    with FakeServer(failures=[gate] * 99) as server:
        arguments, waiting = judged(server, *more), gate.through + 1
        process = subprocess.Popen(
            [sys.executable, "-m", "cce", *arguments], stderr=subprocess.PIPE, text=True, **HEEDING
        )
        with process:
            until = time.monotonic() + 60
            while len(server.requests) < waiting and time.monotonic() < until:
                time.sleep(0.01)
            assert len(server.requests) == waiting
            yield process, server
            process.kill()


# Where the tests run in the background, the shell has them ignore interrupts, and a child would inherit that.
HEEDING = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
WAYS = {
    "itself": lambda file: str(file),
    "a longer path": lambda file: f"below/../{file}",
    "an absolute path": lambda file: str(file.absolute()),
    "a link": lambda file: (os.symlink(file.absolute(), "below/link"), "below/link")[1],
    "a link to a link": lambda file: (os.symlink(file.absolute(), "l"), os.symlink("l", "ll"), "ll")[2],
    "a hard link": lambda file: (os.link(file, "below/hard"), "below/hard")[1],
}
READ = {
    "s.sqlite": "the store",
    "s.sqlite-wal": "the store",
    "s.sqlite-shm": "the store",
    "models.yaml": "the file of models' settings",
    "prices.csv": "the file of prices",
    "prompts/vanilla.jinja": "a prompt",
    "data/judgebench_gpt.jsonl": "a file of published data",
    "student/model.gguf": "a student's file",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "what"), [("pairs.jsonl", "the input"), ("s.sqlite", "the store")])
def test_input_and_store_are_not_written_over_by_any_name_of_theirs(folder, server, refused, name, what, way):
    out = WAYS[way](Path(name))
    assert f"--out {out} is {what} as well" in refused(command("judge", server, "--out", out))


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("way", ["itself", "a link"])
def test_nor_is_anything_else_that_a_command_reads(folder, server, refused, name, way):
    out = WAYS[way](Path(name))
    assert f"--out {out} is {READ[name]} as well" in refused(command("judge", server, "--out", out))


@pytest.mark.parametrize(("name", "what"), [("pools.jsonl", "the input"), *list(READ.items())[:4]])
def test_nor_is_it_by_picking(folder, server, refused, name, what):
    assert f"--out {name} is {what} as well" in refused(command("pick", server, "--out", name))


@pytest.mark.parametrize("out", ["other.sqlite", "other.sqlite-wal", "other.sqlite-shm"])
def test_nor_is_a_store_that_is_not_the_commands_own(folder, server, refused, monkeypatch, out):
    said = refused(command("judge", server, "--out", out))
    assert f"--out {out}: that is a store or another database" in said
    monkeypatch.setenv("CCE_REPLAY", "other.sqlite")
    assert f"--out {out} is the store as well" in refused(command("judge", server, "--out", out))


@pytest.mark.parametrize("name", ["notebooks/n.ipynb", "params/mine/n.yaml", "params/common.yaml"])
def test_nor_is_the_project_in_which_one_works(folder, server, refused, name):
    for place in ("params/mine", "notebooks"):
        Path(place).mkdir(parents=True)
    Path(name).write_text("{}")
    assert "is a file of the project's own as well" in refused(command("judge", server, "--out", name))


def test_nor_is_the_code_that_runs(folder, server, refused):
    os.symlink(ROOT / "cce/text.py", "out.jsonl")
    assert "is a file of the project's own as well" in refused(command("judge", server))


@pytest.mark.parametrize("name", ["new.sqlite", "new.sqlite-wal", "new.sqlite-shm", "new.sqlite-journal"])
def test_a_store_that_is_yet_to_be_made_counts_as_well(folder, server, refused, name):
    said = refused(command("judge", server, "--store", "new.sqlite", "--out", f"below/../{name}"))
    assert "is the store as well" in said


@pytest.mark.parametrize("stream", [1, 2])
def test_what_a_command_prints_into_is_not_its_output_too(folder, stream):
    with open("out.jsonl", "w") as file:
        code = (
            "import os, pathlib, sys; from cce.outputs import keep_apart; os.dup2(int(sys.argv[1]), int(sys.argv[2]))"
        )
        code += "; keep_apart({}, {'--out': [pathlib.Path('out.jsonl')]})"
        asked = [sys.executable, "-c", code, str(file.fileno()), str(stream)]
        assert subprocess.run(asked, pass_fds=[file.fileno()], stderr=subprocess.DEVNULL).returncode == 1


ODD = {
    "a device": (lambda: None, "/dev/null", "that is no regular file"),
    "a full device": (lambda: None, "/dev/full", "that is no regular file"),
    "a named pipe": (lambda: os.mkfifo("pipe"), "pipe", "that is no regular file"),
    "a link to a named pipe": (lambda: (os.mkfifo("p"), os.symlink("p", "pipe")), "pipe", "that is no regular file"),
    "a folder": (lambda: None, "below", "that is a folder"),
    "a link to a folder": (lambda: os.symlink("below", "link"), "link", "that is a folder"),
    "a read-only file": (lambda: (Path("r").write_text("kept"), os.chmod("r", 0o444)), "r", "that is read-only"),
    "a link into no folder": (lambda: os.symlink("nowhere/out", "link"), "link", "No such file or directory"),
    "a link to itself": (lambda: os.symlink("link", "link"), "link", "Too many levels of symbolic links"),
    "a place below a file": (lambda: None, "kept/out", "Not a directory"),
    "a place where nobody writes": (lambda: None, "/proc/out", "No such file or directory"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_file_to_write_is_refused_before_anything_is_asked(folder, server, refused, name):
    make, out, said = ODD[name]
    make()
    assert f"error: --out {out}: {said}" in refused(judged(server, out=out))


def test_a_pipe_of_the_shells_is_refused_as_well(tmp_path):
    code = "from pathlib import Path; from cce.outputs import check_writable; check_writable(Path('/dev/stdout'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "OutputUnusable: /dev/stdout: that is no regular file" in done.stderr


def test_a_link_stays_a_link_and_a_file_keeps_its_permissions(folder, server, run):
    os.symlink("below/real.jsonl", "out.jsonl")  # which leads nowhere yet
    for _ in range(2):
        assert run(judged(server))[0] == 0
        os.chmod("below/real.jsonl", 0o640)
    assert run(judged(server))[0] == 0
    assert os.readlink("out.jsonl") == "below/real.jsonl"
    assert Path("below/real.jsonl").stat().st_mode & 0o777 == 0o640
    assert len(rows("below/real.jsonl")) == len(QUALITIES)


def test_a_new_file_has_the_permissions_that_the_user_wants_for_new_ones(tmp_path):
    former = os.umask(0o027)
    try:
        write_whole(tmp_path / "new", "text")
    finally:
        os.umask(former)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("out", ["out.jsonl", "o" * 255])
def test_files_that_are_called_like_ours_stay_as_they_are_and_none_of_ours_is_left(folder, server, run, out):
    mine = {name: "mine" for name in ("out.jsonl.part", "out.jsonl.lock", ".out.jsonl.part", "out.jsonl.tmp")}
    for name, text in mine.items():
        Path(name).write_text(text)
    before = set(contents())
    assert run(judged(server, out=out))[0] == 0
    assert {name: Path(name).read_text() for name in mine} == mine
    assert set(contents()) == before | {out}


def test_of_two_commands_that_write_one_file_the_second_is_refused_and_told_by_whom(folder, server, refused):
    os.symlink("out.jsonl", "link")
    with begun(gate := Gate(1)) as (first, _):
        for out in ("out.jsonl", "link"):
            assert f"error: {out}: process {first.pid} on " in refused(
                judged(server, "--store", "other.sqlite", out=out)
            )
        gate.open.set()
        assert first.wait() == 0
    assert len(rows("out.jsonl")) == len(QUALITIES)
    assert not list(folder.rglob(".cce*"))


def test_two_commands_that_write_two_files_of_one_folder_go_side_by_side(folder, server, run):
    with begun(gate := Gate(1)) as (first, _):
        assert run(judged(server, "--store", "other.sqlite", out="two.jsonl"))[0] == 0
        gate.open.set()
        assert first.wait() == 0


def test_a_killed_command_leaves_the_earlier_result_and_keeps_nobody_out(folder, server, run):
    assert run(judged(server))[0] == 0
    former = Path("out.jsonl").read_bytes()
    with begun(Gate(), "--store", "own.sqlite") as (killed, _):
        killed.kill()
        killed.wait()
    assert Path("out.jsonl").read_bytes() == former
    assert run(judged(server, "--store", "other.sqlite"))[0] == 0
    assert not list(folder.rglob(".cce*"))


def test_an_earlier_result_outlives_a_command_that_fails_before_its_first_record(folder, server, run):
    Path("out.jsonl").write_text('{"former": 1}\n')
    with FakeServer(failures=[status(401)]) as hopeless:
        assert run(judged(hopeless))[0] == 1
    assert len(hopeless.requests) == 1
    assert rows("out.jsonl") == [{"former": 1}]


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_is_interrupted_leaves_whole_records_of_the_new_run_alone(folder, kill):
    Path("out.jsonl").write_text('{"former": 1}\n')
    with begun(Gate(3)) as (stopped, _):
        stopped.send_signal(kill)
        stopped.wait()
    assert [(row["id"], bool(row["verdict"])) for row in rows("out.jsonl")] == [(f"pair-{n}", True) for n in range(3)]


def test_the_first_record_takes_the_earlier_files_place_at_once(tmp_path, monkeypatch):
    file, seen = tmp_path / "o.jsonl", []
    file.write_text('{"former": 1}\n')
    replace = os.replace
    monkeypatch.setattr("os.replace", lambda *given: (seen.append(file.read_text()), replace(*given)))
    with Records(file) as records:
        for n in range(3):
            records.write({"n": n})
            seen.append(file.read_text())
    assert seen == ['{"former": 1}\n', *("".join(f'{{"n": {n}}}\n' for n in range(end)) for end in (1, 2, 3))]


@contextmanager
def full_beyond(size: int) -> Iterator[None]:
    """No file may grow beyond this size, which is met as a full disk is."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


def test_a_disk_that_fills_up_is_one_error_and_the_same_command_goes_on_without_asking(folder, server, run):
    pairs = [json.loads(line) | {"why": "x" * 60_000} for line in FILLED.splitlines()]
    Path("pairs.jsonl").write_text("\n".join(map(json.dumps, pairs)))
    assert run(judged(server))[0] == 0
    whole, asked = rows("out.jsonl"), len(server.requests)
    with full_beyond(200_000):
        status, said = run(judged(server))
    assert status == 1
    assert said.splitlines()[-1].startswith("error: out.jsonl: File too large; make room, or name another file")
    assert rows("out.jsonl") == whole[:3]
    assert run(judged(server))[0] == 0
    assert rows("out.jsonl") == whole
    assert len(server.requests) == asked


def test_a_disk_without_room_for_the_first_record_leaves_the_earlier_file_alone(tmp_path):
    (tmp_path / "o.csv").write_text("former")
    with full_beyond(200_000), pytest.raises(OutputUnusable, match="o.csv: File too large; make room"):
        write_table(pd.DataFrame({"x": ["x" * 300_000]}), tmp_path / "o.csv")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("o.csv", "former")]


TAKEN = {
    "removed": os.unlink,
    "moved": lambda file: os.rename(file, "elsewhere"),
    "replaced": lambda file: os.replace("kept", file),
}


@pytest.mark.parametrize("taken", TAKEN.values(), ids=TAKEN)
def test_a_file_that_is_taken_away_while_it_is_written_is_one_error(folder, taken):
    file = Path("out.jsonl")
    lost = pytest.raises(OutputUnusable, match="out.jsonl: was removed or replaced while it was written")
    with lost, Records(file) as records:
        records.write({"n": 1})
        taken(file)
        records.write({"n": 2})
    with Records(file) as records:
        records.write({"n": 1})
    assert rows(file) == [{"n": 1}]


def test_where_no_file_can_be_written_the_caller_hears_it_before_the_first_record(tmp_path):
    Store(tmp_path / "s.sqlite").close()
    for name, said in (("s.sqlite", "that is a store"), (".", "that is a folder"), ("o" * 300, "File name too long")):
        with pytest.raises(OutputUnusable, match=said):
            Records(tmp_path / name).__enter__()


def test_a_second_writer_in_the_same_process_is_refused_too(tmp_path):
    with Records(tmp_path / "o"), pytest.raises(BadInput, match=f"o: process {os.getpid()} on .* is writing it"):
        Records(tmp_path / "o").__enter__()


def test_where_files_cannot_be_locked_all_is_written_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("fcntl.flock", lambda *_: os.stat(tmp_path / "nowhere"))
    with Records(tmp_path / "o.jsonl") as one:
        one.write({"n": 1})
    assert rows(tmp_path / "o.jsonl") == [{"n": 1}]


def test_a_disk_without_room_at_all_is_said_at_once_and_no_mark_of_ours_is_left(tmp_path):
    with full_beyond(0), pytest.raises(OutputUnusable, match="o.jsonl: File too large; make room"):
        Records(tmp_path / "o.jsonl").__enter__()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif("not os.path.exists('/dev/full')")
def test_what_is_printed_into_a_full_disk_is_one_error(folder, server):
    with open("/dev/full", "w") as full:
        asked = [sys.executable, "-m", "cce", *judged(server)]
        done = subprocess.run(asked, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "error: standard output: No space left on device")
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    assert len(rows("out.jsonl")) == len(QUALITIES)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    for write in (lambda file: Records(file).write({}), lambda file: write_table(pd.DataFrame(), file)):
        with pytest.raises(OutputUnusable, match="below: .*; name a file in a folder that can be written"):
            write(tmp_path / "file" / "below")


def test_scoring_writes_nothing(folder, server, run):
    assert run(judged(server))[0] == 0
    before = contents()
    assert run(["score", "out.jsonl", "--pairs", "pairs.jsonl"]) == (0, "")
    assert contents() == before
