"""A key goes to its endpoint and nowhere else, though the endpoint repeats it in errors, answers, tokens and names."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cce import LLM, cli
from cce.errors import BadInput, EndpointFailed, NotebookFailed, NotRecorded
from cce.models.store import Store
from tests import faults
from tests.conftest import given_by, planted_pair
from tests.fake_server import FakeServer
from tests.test_profiles import ROOT, redirected, run

KEY = "sk-marked/0123456789abcdef"


@pytest.fixture(autouse=True)
def marked(monkeypatch):
    monkeypatch.setenv("CCE_API_KEY", KEY)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder of the user's own, with three pairs and a pool."""
    monkeypatch.chdir(tmp_path)
    pairs = [planted_pair(place, 2, 7).model_dump_json(exclude_none=True) for place in range(3)]
    (tmp_path / "pairs.jsonl").write_text("\n".join(pairs))
    pool = {"id": 1, "instruction": "Why?", "responses": ["quality=1", "quality=5", "quality=3"]}
    (tmp_path / "pools.jsonl").write_text(json.dumps(pool))
    return tmp_path


def check_unseen(folder: Path, *printed: str) -> None:
    """The key stands neither in what was printed nor in any file, the store's log included."""
    written = {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert written
    assert [name for name, content in written.items() if any(form in content for form in FORMS)] == []
    assert [text for text in printed if KEY in text] == []


# As it stands, and as JSON may have it.
FORMS = [KEY.encode(), KEY.replace("/", r"\/").encode()]


def options(server: FakeServer, *more: str) -> list[str]:
    crowd = ["--crowd", server.model("crowd-4"), "--crowd", server.model("crowd-9")]
    return ["--judge", server.model("leaky-judge"), *crowd, "--store", "s.sqlite", "--out", "out.jsonl", *more]


def test_judging(server, folder):
    server.failures += [faults.status(500, f"worker of {KEY} is down")]
    more = ["--method", "cce@4", "--order", "both", "--verdict", "distribution"]
    command = [sys.executable, "-m", "cce", "judge", "pairs.jsonl", *options(server, *more)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert {request["key"] for request in server.requests} == {f"Bearer {KEY}"}
    assert "Your key is Bearer ***." in (folder / "out.jsonl").read_text()
    check_unseen(folder, done.stdout, done.stderr)


def test_a_run_whose_calls_fail(server, folder):
    server.failures += [{"status": 400, "body": {"error": {"message": f"{KEY} may not ask that"}}}]
    command = [sys.executable, "-m", "cce", "judge", "pairs.jsonl", *options(server)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 3
    assert "*** may not ask that" in done.stderr
    assert "*** may not ask that" in (folder / "out.jsonl").read_text()
    check_unseen(folder, done.stdout, done.stderr)


def test_picking(server, folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["cce", "pick", "pools.jsonl", *options(server)])
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    check_unseen(folder, *capsys.readouterr())


def notebook(server: FakeServer, folder: Path, kernel: bool = False) -> None:
    parameters = given_by(ROOT / "params/demo/01_judge_accuracy.yaml")
    crowd = [server.model("crowd-4"), server.model("crowd-9")]
    run(
        "01_judge_accuracy",
        redirected(parameters, server, server, folder)
        | {"benchmarks": [str(folder / "pairs.jsonl")], "judges": [server.model("leaky-judge")], "crowd": crowd}
        | {"methods": ["vanilla", "cce@4"], "limit": None},
        folder,
        kernel,
    )


@pytest.mark.slow
def test_a_notebook_its_tables_and_its_figures(server, folder):
    notebook(server, folder, kernel=True)
    assert "Your key is Bearer ***." in (folder / "01_judge_accuracy.jsonl").read_text()
    check_unseen(folder)


@pytest.mark.slow
def test_a_notebook_that_ends_with_an_error(server, folder):
    server.failures += [faults.status(401, f"{KEY} is no key of ours")] * 99
    with pytest.raises(NotebookFailed) as error:
        notebook(server, folder, kernel=True)
    whole = error.value.__context__
    assert "*** is no key of ours" in str(error.value)
    assert "*** is no key of ours" in (folder / "01_judge_accuracy.ipynb").read_text()
    check_unseen(folder, str(error.value), str(whole), whole.evalue)


@pytest.mark.parametrize("said", [f"bad key {KEY}", "x" * 490 + KEY])
@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_the_error_of_a_call(server, status, said):
    server.failures += [faults.status(status, said)]
    with pytest.raises(EndpointFailed, match=f"HTTP {status}") as error:
        LLM(server.model("leaky-judge")).complete("Why?")
    assert not any(KEY[:12] in part for part in (str(error.value), repr(error.value.__cause__)))


def test_a_replay_needs_none(monkeypatch, tmp_path):
    Store(tmp_path / "s.sqlite").close()
    with pytest.raises(BadInput, match="OPENAI_API_KEY"):
        LLM("gpt-4o")
    monkeypatch.setenv("CCE_REPLAY", str(tmp_path / "s.sqlite"))
    with pytest.raises(NotRecorded):
        LLM("gpt-4o").complete("Hello")
