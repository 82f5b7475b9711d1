"""The notebooks: their form, and what the runner makes of them and refuses."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml

from cce import runner
from cce.errors import BadInput, NotebookFailed
from tests.conftest import QUALITIES, given_by
from tests.fake_server import FakeServer
from tests.finals import check_finals, expected_requests
from tests.test_profiles import run_here

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
# These read what others have published.
ASKING_NOBODY = ["07_what_the_crowd_knows"]


def parameters_for(server, folder, **more) -> dict:
    settings = {
        "judges": [server.model("judge")],
        "crowd": [server.model("crowd-4"), server.model("crowd-9")],
        "methods": ["vanilla", "maj@2", "cce@2", "cce@4"],
        "benchmarks": [str(folder / "planted.jsonl")],
        "limit": None,
        "order": "given",
        "verdict": "text",
        "store": str(folder / "s.sqlite"),
        "out": str(folder),
        "figures": str(folder),
    }
    return settings | more


@pytest.fixture
def planted(tmp_path, pairs):
    """A file of planted pairs."""
    (tmp_path / "planted.jsonl").write_text(
        "\n".join(pair.model_dump_json(exclude_none=True, exclude={"benchmark"}) for pair in pairs)
    )
    return tmp_path


def floor_of(notebook: Path) -> str:
    """What the methods have to clear: the longer answer where they judge, a random response where they pick."""
    return "random" if notebook.stem == "06_rejection_sampling" else "longer"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestForm:
    """What every notebook of the kit keeps to."""

    def test_one_cell_declares_the_parameters_as_plain_literals(self, path):
        cells = [cell for cell in nbformat.read(path, 4).cells if "parameters" in cell.metadata.get("tags", [])]
        assert len(cells) == 1
        values = {}
        exec(cells[0].source, {"__builtins__": {}}, values)
        if path.stem in ASKING_NOBODY:
            assert {"seed", "out", "figures", "data_dir"} <= set(values) and "store" not in values
            return
        assert {
            "benchmarks",
            "judges",
            "crowd",
            "methods",
            "limit",
            "seed",
            "order",
            "verdict",
            "scoring",
            "store",
            "out",
            "figures",
            "data_dir",
        } <= set(values)

        assert floor_of(path) in values["methods"]

    def test_prose_outweighs_code_and_code_cells_are_short(self, path):
        cells = nbformat.read(path, 4).cells
        code = [cell.source for cell in cells if cell.cell_type == "code" and not cell.metadata.get("tags")]
        assert len(cells) - len(code) - 1 > len(code)
        assert max(len(source.splitlines()) for source in code) <= 10

    def test_it_can_be_read_without_running_it(self, path):
        cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        outputs = [output for cell in cells for output in cell.outputs]
        assert path.stat().st_size < 1_000_000
        assert sum("NBVAL_CHECK_OUTPUT" in cell.source and bool(cell.outputs) for cell in cells) == 1
        assert {output.output_type for output in outputs} <= {"stream", "execute_result", "display_data"}
        assert not [output for output in outputs if output.get("name") == "stderr"]
        kinds = Counter(kind for output in outputs for kind in output.get("data", {}))
        assert kinds["image/png"] >= 1 and kinds["text/html"] >= 1
        # No place of the machine on which it was run.
        assert not re.search(r"(?<![\w.:/])/(home|tmp|root|work|Users)/", json.dumps(outputs))

    def test_every_profile_names_declared_parameters_only(self, path):
        for file in ROOT.glob(f"params/*/{path.stem}.yaml"):
            own, common = (yaml.safe_load(one.read_text()) for one in (file, file.with_stem("common")))
            known = given_by(file)
            assert known == {name: value for name, value in (common | own).items() if name in known}
            assert path.stem in ASKING_NOBODY or floor_of(path) in own["methods"]
            assert not [name for name in own if name in common and own[name] == common[name]]


@pytest.mark.slow
def test_papermill_runs_it_as_it_is_from_any_folder(server, planted):
    (planted / "p.yaml").write_text(yaml.safe_dump(parameters_for(server, planted, order="both")))
    command = [
        sys.executable,
        "-m",
        "papermill",
        str(ROOT / "notebooks/01_judge_accuracy.ipynb"),
        "out.ipynb",
        "-f",
        "p.yaml",
    ]
    done = subprocess.run(command, cwd=planted, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(planted / "01_judge_accuracy.csv")
    assert table.method.tolist() == ["vanilla", "maj@2", "cce@2", "cce@4"]
    assert (table.correct == 6).all()
    judgments = pd.read_json(planted / "01_judge_accuracy.jsonl", lines=True)
    assert table.calls.tolist() == judgments.groupby("method", sort=False).calls.sum().tolist()
    check_finals(server)
    assert server.kinds() == expected_requests(QUALITIES, [4, 9], orders=2)
    assert (planted / "01_judge_accuracy.svg").is_file()


def notebook_with(declared: str) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell(declared, metadata={"tags": ["parameters"]})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of its own, with one notebook and one parameter file to be written."""
    notebook = notebook_with("out = 'o'\nfigures = 'f'\nmake = True")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "params/mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    def write(code: str, parameters: dict, declared: str = "") -> None:
        notebook.cells[0].source += f"\n{declared}"
        notebook.cells.append(nbformat.v4.new_code_cell(code))
        nbformat.write(notebook, tmp_path / "notebooks/n.ipynb")
        (tmp_path / "params/mine/n.yaml").write_text(yaml.safe_dump(parameters))

    return write


FOLDERS = {"out": "o", "figures": "f"}
MAKE_ALL = """
from pathlib import Path
for path in map(Path, ("o/n.csv", "o/n.jsonl", "f/n.svg", "f/n.png")):
    path.parent.mkdir(exist_ok=True)
    path.touch()
"""


def test_a_profile_runs_and_tells_what_it_made(project, tmp_path):
    project(MAKE_ALL, FOLDERS)
    made = runner.run_profile("mine")
    assert [file.relative_to(tmp_path).as_posix() for file in made] == [
        "runs/mine/n.ipynb",
        "o/n.csv",
        "o/n.jsonl",
        "f/n.svg",
        "f/n.png",
    ]


def test_an_undeclared_parameter_is_refused_before_anything_runs(project, tmp_path):
    project(MAKE_ALL, FOLDERS | {"judgse": ["gpt-4o"]})
    with pytest.raises(BadInput, match=r"n\.yaml: n\.ipynb has no parameter judgse; it declares out, figures, make"):
        runner.run_profile("mine")
    assert not (tmp_path / "o").exists()


def test_what_notebooks_share_is_given_to_those_that_declare_it_and_their_own_file_goes_first(project, tmp_path):
    project(MAKE_ALL, {"figures": "f"})
    nbformat.write(notebook_with("out = ''\nfigures = ''\nseeds = [0]"), tmp_path / "notebooks/m.ipynb")
    (tmp_path / "params/mine/m.yaml").touch()
    (tmp_path / "params/mine/common.yaml").write_text("{out: o, figures: o, seeds: [1]}")
    assert runner.checked("mine", None) == [
        ("m", {"out": "o", "figures": "o", "seeds": [1]}),
        ("n", {"out": "o", "figures": "f"}),
    ]
    with pytest.raises(BadInput, match="'mine' has no notebook 'common': m, n"):
        runner.checked("mine", ["common"])


@pytest.mark.parametrize(
    ("common", "problem"),
    [
        ("judgse: [m]", "no notebook of this profile has a parameter judgse"),
        ("figures: 1", "figures is 1; wanted: a text"),
    ],
)
def test_a_common_file_that_suits_no_notebook_is_refused(project, tmp_path, common, problem):
    project(MAKE_ALL, FOLDERS)
    (tmp_path / "params/mine/common.yaml").write_text(common)
    with pytest.raises(BadInput, match=f"common.yaml: {problem}"):
        runner.run_profile("mine")


def test_a_promised_file_that_was_not_made_is_a_failure(project):
    project("pass", FOLDERS)
    with pytest.raises(NotebookFailed, match=r"did not make .*n\.csv"):
        runner.run_profile("mine")


def test_a_file_of_an_earlier_run_does_not_count_as_made(project, tmp_path):
    project("pass", FOLDERS)
    for name in ("o/n.csv", "o/n.jsonl", "f/n.svg", "f/n.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1, 1))
    with pytest.raises(NotebookFailed, match="did not make"):
        runner.run_profile("mine")


def test_an_error_in_a_notebook_is_named(project):
    project("raise ValueError('what went wrong')", FOLDERS)
    with pytest.raises(NotebookFailed, match="n: ValueError: what went wrong"):
        runner.run_profile("mine")


def test_one_notebook_of_a_profile_can_be_run_alone(project, tmp_path):
    project(MAKE_ALL, FOLDERS)
    (tmp_path / "params/mine/other.yaml").write_text("not: read")
    assert len(runner.run_profile("mine", ["n"])) == 5
    with pytest.raises(BadInput, match="'mine' has no notebook 'm': n, other"):
        runner.run_profile("mine", ["m"])


SHARED = """
import json
from pathlib import Path
for path in (Path(out, "n.csv"), Path(out, "n.jsonl"), Path(figures, "n.svg"), Path(figures, "n.png")):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([shard, store]))
"""


def test_a_profile_runs_on_a_shard_in_folders_of_its_own_with_the_store_of_the_whole(project, tmp_path):
    project(SHARED, FOLDERS | {"store": "s.sqlite"}, declared="shard = None\nstore = ''")
    for part in (1, 2):
        made = runner.run_profile("mine", shard=f"{part}/2")
        folders = [f"{name}/shard-{part}-of-2" for name in ("runs/mine", "o", "o", "f", "f")]
        assert [file.parent.relative_to(tmp_path).as_posix() for file in made] == folders
    written = [json.loads((tmp_path / f"o/shard-{part}-of-2/n.csv").read_text()) for part in (1, 2)]
    assert written == [["1/2", "s.sqlite"], ["2/2", "s.sqlite"]]
    assert not (tmp_path / "o/n.csv").exists()


def test_a_notebook_that_takes_no_shard_is_left_out_with_a_word(project, tmp_path, capsys):
    project(MAKE_ALL, FOLDERS)
    assert runner.run_profile("mine", shard="1/2") == []
    said = capsys.readouterr().err
    assert said == "left out: n declares no parameter shard: it is not done in parts\n"
    assert not (tmp_path / "o").exists()


def test_named_a_notebook_that_takes_no_shard_is_refused_with_the_way_there(project, tmp_path):
    project(MAKE_ALL, FOLDERS)
    with pytest.raises(BadInput, match=r"n declares no parameter shard.*cce judge \.\.\. --shard.*cce store merge"):
        runner.run_profile("mine", ["n"], shard="1/2")
    with pytest.raises(BadInput, match="shard '3/2'"):
        runner.run_profile("mine", shard="3/2")
    assert not (tmp_path / "o").exists()


def test_an_unknown_profile_lists_those_there_are(project):
    project("pass", FOLDERS)
    with pytest.raises(BadInput, match="'other'.*there are: mine"):
        runner.run_profile("other")


def test_the_same_seed_gives_the_same_table(planted):
    tables = []
    for name in ("one", "two"):
        (planted / name).mkdir()
        with FakeServer() as server:
            crowd = [server.model(f"crowd-{quality}") for quality in (9, 10, 11, 12, 13)]
            planted_file = [str(planted / "planted.jsonl")]
            parameters = parameters_for(server, planted / name, benchmarks=planted_file, methods=["cce@2"], crowd=crowd)
            run_here(ROOT / "notebooks/01_judge_accuracy.ipynb", parameters)
        table = pd.read_csv(planted / name / "01_judge_accuracy.csv").drop(columns=["seconds", "judge"])
        tables.append(json.loads(table.to_json()))
    assert tables[0] == tables[1]
