"""What runs, reports, exports and merges write: never over what they read, and one run at a time."""

import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from cce import Records, runner
from cce.analysis.export import export
from cce.analysis.report import report
from cce.crowd.record import COLUMNS
from cce.errors import BadInput, OutputUnusable
from cce.models.store import Store
from cce.models.upkeep import merge
from cce.outputs import alone
from cce.parameters import begin
from tests.test_merge import filled
from tests.test_notebooks import FOLDERS, MAKE_ALL, project
from tests.test_outputs import full_beyond
from tests.test_project import ROOT

__all__ = ["project"]
# A notebook that writes with the kit's own means, which hold their file as well.
BY_THE_KIT = """
import cce
from pathlib import Path
with cce.Records(f"{out}/n.jsonl") as records:
    records.write({"n": 1})
for file in (f"{out}/n.csv", f"{figures}/n.svg", f"{figures}/n.png"):
    Path(file).write_text("n")
"""
WAITING = """
from pathlib import Path
import time
Path("begun").touch()
while not Path("go").exists():
    time.sleep(0.05)
"""


def contents() -> dict:
    """Every file of the folder, by its name."""
    return {str(file): file.read_bytes() for file in Path().rglob("*") if file.is_file()}


def refused(error: type[Exception], said: str, **parameters) -> None:
    """A run with these parameters is refused, with every file as it was."""
    before = contents()
    with pytest.raises(error, match=said):
        runner.run_profile("mine", by_hand=parameters)
    assert contents() == before


@pytest.mark.parametrize("name", ["out", "figures"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("notebooks/n.ipynb", "is no folder; name one"),
        ("notebooks/n.ipynb/below", "n.ipynb is no folder; name one"),
        ("notebooks", "the project's own files are there"),
        ("params/mine", "the project's own files are there"),
        ("params/new/below", "the project's own files are there"),
        (".", "the project's own files are there"),
        ("o/..", "the project's own files are there"),
        ("link", "the project's own files are there"),
        (str(ROOT / "cce"), "the project's own files are there"),
        (str(ROOT / "cce/analysis"), "the project's own files are there"),
        (str(ROOT), "the project's own files are there"),
    ],
)
def test_results_go_where_nothing_of_the_project_is(project, name, given, said):
    project(MAKE_ALL, FOLDERS)
    os.symlink("notebooks", "link")
    Path("o").mkdir()
    refused(BadInput, f"{name}: .*{said}", **{name: given})
    with pytest.raises(BadInput, match=f"parameters: {name}: .*{said}"):
        begin({name: given})


@pytest.mark.parametrize(
    "target", ["s.sqlite", "s.sqlite-wal", "pairs.jsonl", "notebooks/n.ipynb", "params/mine/n.yaml"]
)
@pytest.mark.parametrize("result", ["o/n.csv", "o/n.jsonl", "f/n.png", "runs/mine/n.ipynb", "o/n_further.csv"])
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_result_that_is_a_link_to_what_is_read_is_refused(project, tmp_path, target, result, link):
    given = {"store": "s.sqlite", "benchmarks": ["pairs.jsonl"]}
    project(MAKE_ALL, FOLDERS | given, declared="store = ''\nbenchmarks = []")
    Path("pairs.jsonl").write_text("{}")
    store = Store("s.sqlite")
    Path(result).parent.mkdir(parents=True)
    link(tmp_path / target, result)
    refused(BadInput, f"the result .*{result} is .* as well; name another file")
    store.close()


@pytest.mark.parametrize("taken", ["o/n.csv", "o/n.jsonl", "f/n.svg"])
def test_a_store_or_a_file_of_pairs_that_is_named_like_a_result_is_refused(project, taken):
    project(MAKE_ALL, FOLDERS, declared="store = ''\nbenchmarks = []")
    Path(taken).parent.mkdir()
    Path(taken).write_text("mine")
    for parameter in ({"benchmarks": [taken]}, {"store": taken}):
        refused(BadInput, f"the result .*{taken} is the (input|store) as well", **parameter)


def test_a_runs_folder_that_is_the_notebooks_own_is_refused(project, tmp_path):
    project(MAKE_ALL, FOLDERS)
    Path("runs").mkdir()
    os.symlink(tmp_path / "notebooks", "runs/mine")
    refused(BadInput, "the result .*runs/mine/n.ipynb is a file of the project's own as well")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (os.mkdir, "that is a folder"),
        (os.mkfifo, "that is no regular file"),
        (lambda file: (Path(file).touch(), os.chmod(file, 0o400)), "that is read-only"),
        (lambda file: os.symlink("nowhere/n", file), "No such file or directory"),
    ],
)
@pytest.mark.parametrize("result", ["o/n.csv", "o/n.jsonl", "f/n.png", "runs/mine/n.ipynb"])
def test_a_result_that_could_not_be_written_is_refused_before_anything_runs(project, make, said, result):
    project("raise ValueError", FOLDERS)
    Path(result).parent.mkdir(parents=True)
    make(result)
    refused(OutputUnusable, f"{result}: {said}")


def test_a_run_holds_its_results_and_its_notebooks_write_them(project, tmp_path):
    project(BY_THE_KIT, FOLDERS)
    assert len(runner.run_profile("mine")) == 5
    with Records("o/n.jsonl") as records:
        records.write({})
    assert not list(tmp_path.rglob(".cce*"))


@pytest.fixture
def running(project, tmp_path):
    """A run in a process of its own that waits in its notebook for the file `go`."""
    project(WAITING + BY_THE_KIT, FOLDERS)
    other = nbformat.read("notebooks/n.ipynb", 4)
    other.cells[1].source = BY_THE_KIT.replace("/n.", "/m.")
    nbformat.write(other, "notebooks/m.ipynb")
    Path("params/mine/m.yaml").write_text(Path("params/mine/n.yaml").read_text())
    asked = [sys.executable, "-m", "cce", "run", "mine", "n"]
    with subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 60
        while not Path("begun").exists() and time.monotonic() < until:
            time.sleep(0.02)
        yield process
        process.kill()


def test_two_runs_into_one_folder_are_noticed_at_the_beginning_and_the_first_goes_on(running):
    Path("params/other").mkdir()
    Path("params/other/n.yaml").write_text(Path("params/mine/n.yaml").read_text())
    for profile, notebooks, by_hand in (("mine", ["n"], {}), ("mine", None, {}), ("other", ["n"], {"figures": "else"})):
        with pytest.raises(BadInput, match=f"process {running.pid} on .* is writing it; wait for its end"):
            runner.run_profile(profile, notebooks, by_hand=by_hand)
    # Another notebook writes other files.
    assert len(runner.run_profile("mine", ["m"])) == 5
    Path("go").touch()
    assert running.wait() == 0
    assert Path("o/n.jsonl").read_text() == '{"n": 1}\n'


def test_a_run_that_was_killed_keeps_nobody_out(running):
    running.kill()
    running.wait()
    Path("go").touch()
    assert len(runner.run_profile("mine", ["n"])) == 5


@pytest.fixture
def results(tmp_path):
    """A run's folder, with a store that its notebook names."""
    folder = tmp_path / "runs" / "mine"
    folder.mkdir(parents=True)
    filled(tmp_path / "s.sqlite", "answer", range(3)).close()
    pd.DataFrame({"method": ["vanilla"]}).to_csv(folder / "01_judge_accuracy.csv", index=False)
    store = {"store": str(tmp_path / "s.sqlite")}
    notebook = nbformat.v4.new_notebook(metadata={"papermill": {"parameters": store}})
    nbformat.write(notebook, folder / "01_judge_accuracy.ipynb")
    return folder


@pytest.mark.parametrize("link", [os.symlink, os.link])
@pytest.mark.parametrize("target", ["s.sqlite", "runs/mine/01_judge_accuracy.csv", "runs/mine/01_judge_accuracy.ipynb"])
def test_a_report_is_not_written_over_what_it_is_made_of(results, tmp_path, monkeypatch, target, link):
    monkeypatch.chdir(tmp_path)
    link(tmp_path / target, results / "report.html")
    before = contents()
    refused = r"report\.html is a result as well|report\.html: that is (a link which leads out|a store)"
    with pytest.raises((BadInput, OutputUnusable), match=refused):
        report(results)
    assert contents() == before


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_a_report_that_cannot_be_written_is_one_error(results, make):
    make(results / "report.html")
    with pytest.raises(OutputUnusable, match="report.html: that is"):
        report(results)


def test_a_report_of_the_project_itself_is_refused():
    with pytest.raises(BadInput, match="the project's own files are there"):
        report(ROOT)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda place: place.touch(), BadInput, "something is there already"),
        (lambda place: place.symlink_to("nowhere"), BadInput, "something is there already"),
        (lambda place: os.mkfifo(place), BadInput, "something is there already"),
        (lambda place: place.parent.touch(), OutputUnusable, "name a file in a folder that can be written"),
    ],
)
def test_an_export_goes_to_a_new_folder_alone(results, tmp_path, make, error, said):
    place = tmp_path / "new" / "folder"
    if said == "something is there already":
        place.parent.mkdir()
    make(place)
    with pytest.raises(error, match=said):
        export(results, place)


def test_an_export_that_finds_no_room_leaves_the_folder_as_it_was(results, tmp_path):
    with Records(results / "01_judge_accuracy.jsonl") as records:
        records.write(dict.fromkeys(COLUMNS) | {"text": "x" * 100})
    (tmp_path / "new").mkdir()
    with full_beyond(1000), pytest.raises(OutputUnusable, match="new: .*File too large; make room"):
        export(results, tmp_path / "new")
    assert not list((tmp_path / "new").iterdir())
    assert len(export(results, tmp_path / "new")) == 4


def test_two_exports_into_one_folder_are_noticed(results, tmp_path):
    with alone(tmp_path / "new"), pytest.raises(BadInput, match="new: process .* is writing it"):
        export(results, tmp_path / "new")


@pytest.mark.parametrize("into", ["one", "hard", "link", "one-wal", "one-shm", "one-journal", "below/../one-wal"])
def test_a_store_is_merged_neither_into_itself_nor_into_a_file_beside_it(tmp_path, monkeypatch, into):
    monkeypatch.chdir(tmp_path)
    Path("below").mkdir()
    filled(Path("one"), "mine", range(2)).close()
    os.link("one", "hard")
    os.symlink("one", "link")
    before = contents()
    with pytest.raises(BadInput, match="one: a store cannot be merged into itself"):
        merge(Path(into), [Path("one")])
    assert contents() == before
