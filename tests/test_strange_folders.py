"""Folders that come from a stranger, a run's or a student's, are read where they lie; nothing in them is obeyed."""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from cce import Records, evaluate
from cce.analysis.report import report
from cce.errors import BadInput
from cce.models import engines
from cce.models.engines import engine_of, student_name
from tests.conftest import planted_pair
from tests.fake_server import FakeServer
from tests.test_report import data_of

STEM = "01_judge_accuracy"
ESCAPES = "\x1b]0;title\x07\x1b[2J\u202egnp\u200b\r"
RUNS = "{{ cycler.__init__.__globals__.os.system('touch ran') }}{{ lipsum.__globals__.os.system('touch ran') }}"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The folder of a small run, as a notebook leaves it, with its store inside."""
    folder = tmp_path_factory.mktemp("made")
    pairs = [planted_pair(0, 2, 7), planted_pair(1, 6, 3)]
    with FakeServer() as server, Records(folder / f"{STEM}.jsonl") as out:
        asked = {"store": folder / "store.sqlite", "out": out}
        evaluate(pairs, ["vanilla", "cce@2"], [server.model("judge")], [server.model("crowd-9")], **asked)
    pd.DataFrame({"judge": ["judge"], "method": ["maj@3"]}).to_csv(folder / f"{STEM}.csv", index=False)
    write_notebook(folder, store="runs/demo/store.sqlite")
    # Closed, as a run leaves it: what lies in the log moves into the store.
    subprocess.run([sys.executable, "-c", CHECKPOINT, str(folder / "store.sqlite")], check=True)
    return folder


CHECKPOINT = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA wal_checkpoint(TRUNCATE)')"


@pytest.fixture
def run(made, tmp_path) -> Path:
    """A copy of it."""
    folder = tmp_path / "run"
    folder.mkdir()
    for file in made.iterdir():
        if not file.name.endswith(("-wal", "-shm")):
            (folder / file.name).write_bytes(file.read_bytes())
    return folder


def write_notebook(folder: Path, **parameters) -> None:
    notebook = nbformat.v4.new_notebook(metadata={"papermill": {"parameters": parameters}})
    nbformat.write(notebook, folder / f"{STEM}.ipynb")


def rows_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / f"{STEM}.jsonl").read_text().splitlines()]


def write_rows(folder: Path, rows: list[dict]) -> None:
    (folder / f"{STEM}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def whys(page: Path) -> list[str]:
    return data_of(page)["whys"]


def cce(*arguments, cwd=None) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "cce", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd)


def test_no_template_is_rendered_that_a_run_names(run, tmp_path):
    prompts = run / "prompts"
    prompts.mkdir()
    for name in ("vanilla", "cce", "comparison", "letter", "outcome_removal"):
        (prompts / f"{name}.jinja").write_text(RUNS)
    write_notebook(run, store="store.sqlite", prompts=str(prompts))
    done = cce("report", run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("**/ran"))


@pytest.mark.parametrize("named", ["{0}/private.sqlite", "../private.sqlite", "./x/../../private.sqlite"])
def test_no_store_is_opened_that_a_run_names_elsewhere(run, tmp_path, named):
    (run / "store.sqlite").rename(tmp_path / "private.sqlite")
    write_notebook(run, store=named.format(tmp_path))
    assert "crowd-9" not in json.dumps(data_of(report(run))["crowd"])
    assert any("is not at hand" in why and "--store" in why for why in whys(run / "report.html"))
    # The user's word is another matter.
    assert not whys(report(run, tmp_path / "private.sqlite"))
    assert cce("report", run, "--store", tmp_path / "nowhere").stderr.startswith("error: --store")


def test_no_figure_is_shown_that_lies_elsewhere(run, tmp_path):
    (tmp_path / f"{STEM}.svg").write_text("<svg>private</svg>")
    write_notebook(run, store="store.sqlite", figures=str(tmp_path))
    assert "data:image/svg+xml" not in report(run).read_text()


@pytest.mark.parametrize("name", [f"{STEM}.jsonl", f"{STEM}_more.csv", f"{STEM}.svg", "store.sqlite", f"{STEM}.ipynb"])
def test_a_link_out_of_the_folder_is_refused(run, tmp_path, name):
    (tmp_path / "private").write_bytes((run / name).read_bytes() if (run / name).exists() else b"a,b\n1,2\n")
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(tmp_path / "private")
    with pytest.raises(BadInput, match=f"{name}: no file of this folder"):
        report(run)


def test_the_page_is_not_written_through_a_link(run, tmp_path):
    (tmp_path / "mine").write_text("mine")
    (run / "report.html").symlink_to(tmp_path / "mine")
    with pytest.raises(BadInput, match=r"report\.html: that is a link which leads out of the folder; delete it"):
        report(run)
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_one_line(run):
    (run / "report.html").mkdir()
    done = cce("report", run)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert re.match(r"error: .*report\.html: that is a folder; name a file in it", done.stderr)


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -3, 7, "half", [0.5], {"p": 1}, True])
def test_an_odd_probability_breaks_no_page(run, odd):
    rows = rows_of(run)
    for row in rows:
        row |= {"p_a": odd, "p_given": odd, "seconds": odd, "latency": odd, "verdict": row["verdict"]}
        for one in row["trace"]["crowd"]:
            one["p_a"] = odd
    write_rows(run, rows)
    data = json.loads(json.dumps(data_of(report(run)), allow_nan=False))
    assert {row["p_a"] for row in data["rows"]} == {None} and len(data["rows"]) == len(rows)


DAMAGE = [
    (f"{STEM}.jsonl", b"{", r"01_judge_accuracy\.jsonl: JSONDecodeError"),
    (f"{STEM}.jsonl", b"\xff\xfe", r"01_judge_accuracy\.jsonl: \w+DecodeError"),
    (f"{STEM}.jsonl", b"[" * 100_000, r"01_judge_accuracy\.jsonl: RecursionError"),
    (f"{STEM}.csv", b"", r"01_judge_accuracy\.csv: EmptyDataError"),
    (f"{STEM}.csv", b"a\n1,2\n3,4,5\n", r"01_judge_accuracy\.csv: ParserError"),
    (f"{STEM}.csv", b"judge,method,benchmark,accuracy\nj,vanilla,average,5\n", r"01_judge_accuracy\*\.csv: KeyError"),
    (f"{STEM}.csv", b"judge,x,x_low,x_high\nj,one,two,three\n", r"01_judge_accuracy\*\.csv: ValueError"),
    (f"{STEM}.ipynb", b"[]", r"01_judge_accuracy\.ipynb: AttributeError"),
    (f"{STEM}.ipynb", b"{", r"01_judge_accuracy\.ipynb: JSONDecodeError"),
    (f"{STEM}.ipynb", b'{"cells": [{"metadata": {"tags": ["parameters"]}, "source": "x = ("}]}', "SyntaxError"),
    (f"{STEM}.ipynb", b'{"cells": [{"metadata": {"tags": ["parameters"]}, "source": "x = f()"}]}', "ValueError"),
    (
        "store.sqlite",
        b"no database at all, but longer than its header would be" * 9,
        r"store\.sqlite: .*not a database",
    ),
]


@pytest.mark.parametrize(("name", "content", "said"), DAMAGE)
def test_a_damaged_file_of_a_run_is_one_line_that_names_it(run, name, content, said):
    (run / name).write_bytes(content)
    with pytest.raises(BadInput if name != "store.sqlite" else Exception, match=said) as error:
        report(run)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("changed", [{"pair": {}}, {"pair": []}, {"trace": {"crowd": 3}}, {"failed": None, "judge": 5}])
def test_a_record_of_another_shape_is_named_with_its_line(run, changed):
    rows = rows_of(run)
    rows[1] |= changed
    write_rows(run, rows)
    with pytest.raises(BadInput, match=r"01_judge_accuracy\.jsonl, line 2: \w+Error"):
        report(run)


def test_names_from_a_run_are_visible_wherever_they_are_shown(run):
    rows = [row | {"id": ESCAPES, "benchmark": f"b{ESCAPES}", "text": ESCAPES} for row in rows_of(run)]
    write_rows(run, rows)
    pd.DataFrame({"judge": [f"j{ESCAPES}"], "method": ["maj@3"]}).to_csv(run / f"{STEM}.csv", index=False, quoting=1)
    page = report(run)
    for shown in (page.read_text(), *data_of(page)["texts"], data_of(page)["pairs"][0]["id"]):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b]", shown)
    assert "j\u241b]0;title\u2407\u241b[2J\ufffdgnp\ufffd\u240d" in page.read_text()


def test_the_command_line_shows_no_control_character_of_a_name(tmp_path):
    file = tmp_path / "judgments.jsonl"
    row = {"judge": f"j{ESCAPES}", "method": f"m{ESCAPES}", "verdict": "A", "label": "A"}
    file.write_text("".join(json.dumps(row | {"id": str(place)}) + "\n" for place in range(6)))
    done = cce("score", file)
    broken = cce("score", tmp_path / f"no{ESCAPES}such.jsonl")
    assert (done.returncode, broken.returncode) == (0, 1), done.stderr
    for said in (done.stdout, done.stderr, broken.stderr):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b]", said)
    assert "j\u241b]0;title" in done.stdout and "no\u241b]0;title" in broken.stderr


# Students


def student(folder: Path, finished: str | bytes) -> Path:
    folder.mkdir()
    (folder / engines.FINISHED).write_bytes(finished.encode() if isinstance(finished, str) else finished)
    return folder


NAMES = [
    "../../x",
    "/etc/passwd",
    "x/y",
    "..",
    "",
    "--trust-remote-code",
    "gpt-4o",
    "embedded",
    "student-",
    "student-a\n",
]
NAMES += ["student-../x", f"student-{ESCAPES}", 5, None, ["student-a"]]


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_a_student_has_a_plain_name(tmp_path, name):
    (tmp_path / "x").write_text("mine")
    folder = student(tmp_path / "student", json.dumps({"name": name}))
    for read in (student_name, engine_of):
        with pytest.raises(BadInput, match=r"finished\.json: .* is no student's name"):
            read(folder)
    done = cce("serve", folder)
    assert (done.returncode, done.stderr.count("\n"), "\x1b" in done.stderr) == (1, 1, False)
    assert (tmp_path / "x").read_text() == "mine"


@pytest.mark.parametrize("finished", ["", "[]", "{}", "3", "null", "[" * 100_000, b"\xff"])
def test_a_damaged_card_is_one_line(tmp_path, finished):
    with pytest.raises(BadInput, match=r"finished\.json: damaged") as error:
        student_name(student(tmp_path / "student", finished))
    assert "\n" not in str(error.value)


def test_a_base_that_a_student_names_is_not_loaded(tmp_path):
    folder = student(tmp_path / "student", '{"name": "student-a"}')
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "/somewhere/else"}')
    with pytest.raises(BadInput, match=r"adapter_config\.json: an adapter of another base"):
        engine_of(folder)


def test_nothing_is_written_into_a_student_that_is_served(tmp_path, monkeypatch):
    folder = student(tmp_path / "student", '{"name": "student-a"}')
    (tmp_path / "mine").write_text("mine")
    for name in ("student-a", "serving.log"):
        (folder / name).symlink_to(tmp_path / "mine")
    before = sorted(folder.iterdir())
    monkeypatch.setattr(engines, "TRANSFORMERS", ["json.tool", "--no-such-option"])
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    with pytest.raises(Exception, match="the engine did not start"):
        engine_of(folder).start()
    assert (tmp_path / "mine").read_text() == "mine" and sorted(folder.iterdir()) == before
