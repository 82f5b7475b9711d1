"""Every notebook that judges, with the parameters of every profile, against a real server in place of the models.

The demo's run in kernels of their own, as users run them; the others' cells run here, one after the other, which takes
a tenth of the time. Those that train models as well have tests of their own, test_notebook_05 and test_notebook_06.
"""

import contextlib
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from cce import runner
from cce.analysis import FLOORS
from cce.analysis.paper import ROW, paper_name, students, table3
from cce.analysis.students import paper_students
from cce.errors import BadInput
from cce.names import short_name
from tests.conftest import given_by, planted_pair
from tests.fake_analyst import FakeAnalyst
from tests.fake_server import FakeServer
from tests.published import PAIRS, write_benchmarks

ROOT = Path(__file__).parents[1]
FILES = sorted(ROOT.glob("params/*/0[1-4]_*.yaml"))


def at(server: FakeServer, model: str) -> str:
    """The same model at the fake server's address, so that the paper's names stay what they are."""
    return server.model(model.split("@")[0])


def redirected(parameters: dict, server: FakeServer, analyst: FakeServer, folder: Path) -> dict:
    """The profile's parameters with its models at the fake servers and its files in a folder of the test's."""
    models = {name: [at(server, model) for model in parameters[name]] for name in ("judges", "crowd")}
    if "analyst" in parameters:
        models["analyst"] = at(analyst, parameters["analyst"])
    files = {"store": str(folder / "s.sqlite"), "out": str(folder), "figures": str(folder)}
    return parameters | models | files | {"data_dir": str(folder / "data")}


def run(stem: str, parameters: dict, folder: Path, kernel: bool = False) -> dict[str, pd.DataFrame]:
    """Run a notebook's cells, in a kernel or here; its tables and judgments by name."""
    if kernel:
        runner.execute(stem, folder / f"{stem}.ipynb", parameters)
    else:
        run_here(ROOT / "notebooks" / f"{stem}.ipynb", parameters)
    assert all(file.stat().st_size for file in runner.promised_files(stem, parameters))
    tables = {file.stem.removeprefix(stem): pd.read_csv(file) for file in folder.glob(f"{stem}*.csv")}
    return tables | {"judgments": pd.read_json(folder / f"{stem}.jsonl", lines=True)}


def run_here(notebook: Path, parameters: dict, until: str | None = None) -> dict:
    """Run a notebook's cells in this process, or those before one that begins so; return what they have defined."""
    names = {"display": lambda *shown: None}
    with contextlib.chdir(Path.cwd()):
        for cell in nbformat.read(notebook, 4).cells:
            if until and cell.source.startswith(until):
                break
            if cell.cell_type == "code":
                exec(compile(cell.source, notebook.name, "exec"), names)
            if "parameters" in cell.metadata.get("tags", []):
                names |= parameters
    return names


def test_every_notebook_has_parameters_in_every_profile():
    stems = {path.stem for path in ROOT.glob("notebooks/*.ipynb")}
    # params/cluster holds servers' settings, in folders of their own, and is no profile.
    profiles = {file.parent for file in ROOT.glob("params/*/*.yaml")}
    assert {profile.name: {f.stem.partition(".")[0] for f in profile.glob("*.yaml")} for profile in profiles} == {
        name: stems | {"common"} for name in ("demo", "gpu", "paper")
    }


@pytest.mark.parametrize("profile", ["demo", "gpu", "paper"])
def test_a_run_writes_into_its_own_folder_which_git_ignores(profile):
    assert "runs/" in (ROOT / ".gitignore").read_text().split()
    for _, given in runner.checked(profile, None):
        places = [given[name] for name in ("store", "out", "figures", "trained") if name in given]
        assert all(place == f"runs/{profile}" or place.startswith(f"runs/{profile}/") for place in places)


def test_a_further_run_of_a_notebook_holds_what_is_different_and_has_a_folder_of_its_own():
    given = dict(runner.checked("paper", None))
    first, further = given["05_distillation"], given["05_distillation.qwen-30k"]
    assert {name for name in first if first[name] != further[name]} == {
        *("base", "beside", "figures", "mixed", "out", "samples", "teach_limit", "training")
    }
    assert (first["out"], further["out"], further["figures"]) == ("runs/paper", *["runs/paper/qwen-30k"] * 2)
    assert [name for name, _ in runner.checked("paper", ["05_distillation"])] == ["05_distillation"]


def test_the_paper_profile_has_every_row_of_tables_2_and_3():
    rows, picks = set(), set()
    for name, given in runner.checked("paper", None):
        if name.startswith("05"):
            base, samples = paper_name(given["base"]), given["samples"]
            rows |= {(base, method.partition("@")[0], samples) for method in given["methods"] if method not in FLOORS}
            rows |= {(base, "cce+vanilla", 2 * samples)} if given["mixed"] else set()
            published = paper_students(given["base"], {}, given["published"])
            assert published.keys() == set(map(short_name, given["published"]))
            rows |= set(published.values())
        if name.startswith("06"):
            ways = ["crowd" if method.startswith("cce") else method for method in given["methods"]]
            places = paper_name(short_name(given["base"])), given["instructions"], given["instruction_limit"]
            picks |= {(*places, way) for way in ways}
    assert rows == set(students().index)
    assert picks == set(table3().set_index(ROW).index)


def test_a_parameter_by_hand_goes_before_the_files_and_is_checked_like_them():
    ((_, given),) = runner.checked("demo", ["01_judge_accuracy"], {"limit": 3})
    assert given["limit"] == 3
    both = runner.checked("demo", ["01_judge_accuracy", "06_rejection_sampling"], {"grader_order": "given"})
    assert ["grader_order" in given for _, given in both] == [False, True]
    for by_hand, said in (
        ({"limit": "3"}, "^-p: limit is '3'; wanted: a whole number"),
        ({"limits": 3}, "^-p limits: none of 01_judge_accuracy has a parameter of this name"),
    ):
        with pytest.raises(BadInput, match=said):
            runner.checked("demo", ["01_judge_accuracy"], by_hand)


@pytest.mark.parametrize(
    ("given", "said"), [("limit", "write NAME=VALUE"), ("judges=[a", "not YAML"), ("limit='3'", "limit is '3'")]
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_parameter_by_hand_that_cannot_be_read_is_one_clear_error(command, given, said):
    asked = [sys.executable, "-m", "cce", command, "demo", "01_judge_accuracy", "-p", given]
    ended = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: -p") and said in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_notebook_runs_in_its_profile_and_loses_no_pair(file, tmp_path):
    write_benchmarks(tmp_path / "data")
    with FakeServer() as server, FakeAnalyst() as analyst:
        parameters = redirected(given_by(file), server, analyst, tmp_path)
        made = run(file.stem, parameters, tmp_path, kernel=file.parent.name == "demo")
    judges = {"none", *parameters["judges"]}
    sizes = {name: parameters["limit"] if name == "pocket" else PAIRS for name in parameters["benchmarks"]}
    judged = made["judgments"].groupby(["benchmark", "judge", "method"]).id.nunique()
    assert (judged == judged.index.get_level_values("benchmark").map(sizes)).all()
    assert set(judged.index.get_level_values("benchmark")) == set(sizes)
    assert set(made["judgments"].method) == set(parameters["methods"])
    assert set(made["judgments"].judge) == judges
    check = {"01": check_accuracy, "02": check_selection, "03": check_scaling, "04": check_key_points}[file.stem[:2]]
    check(made, parameters, tmp_path)


def check_accuracy(made: dict[str, pd.DataFrame], parameters: dict, folder: Path) -> None:
    cells = made[""].set_index(["benchmark", "method"])
    assert "longer" in set(made[""].method)
    if "gpt-4o" in {judge.split("@")[0] for judge in parameters["judges"]}:
        assert cells.paper["evalbias", "cce@16"] == 85.0
        assert cells.paper["average", "longprompt"] == 74.0
    if "rewardbench" in parameters["benchmarks"]:
        assert set(made["_sections"].benchmark) > {f"rewardbench: {name}" for name in ("chat", "reasoning")}
    assert set(made["_comparisons"].method) == set(parameters["methods"]) - {"vanilla"}


def check_selection(made: dict[str, pd.DataFrame], parameters: dict, folder: Path) -> None:
    assert len(made["_comparisons"].drop_duplicates(["method", "baseline"])) == 23
    if "gpt-4o" in {judge.split("@")[0] for judge in parameters["judges"]}:
        assert made[""].set_index(["benchmark", "method"]).paper["helpsteer2", "cce-praising@8"] == 64.2


def check_scaling(made: dict[str, pd.DataFrame], parameters: dict, folder: Path) -> None:
    table = made[""]
    assert set(table.seeds) == {len(parameters["seeds"])}
    assert table.groupby(["benchmark", "judge", "selection"]).budget.is_monotonic_increasing.all()
    of_seed = made["judgments"].groupby(["benchmark", "judge", "method", "seed"]).correct.mean() * 100
    for row in table[(table.budget > 0) & table.benchmark.isin(parameters["benchmarks"])].itertuples():
        name = {"random": "cce-random", "criticizing": "cce"}[row.selection] + f"@{row.budget}"
        accuracies = of_seed[row.benchmark, row.judge, name].tolist()
        assert row.lowest == pytest.approx(min(accuracies), abs=0.06)
        assert row.accuracy == pytest.approx(sum(accuracies) / len(accuracies), abs=0.11)
    if "gpt-4o" in {judge.split("@")[0] for judge in parameters["judges"]}:
        cells = table.set_index(["benchmark", "selection", "budget"])
        assert (cells.paper["evalbias", "random", 16], cells.paper_tokens["evalbias", "random", 16]) == (80.1, 240)


def check_key_points(made: dict[str, pd.DataFrame], parameters: dict, folder: Path) -> None:
    # The planted judge marks two points, and one more a note that it sees.
    listed = pd.read_json(folder / "04_key_points_listed.jsonl", lines=True, dtype={"id": str})
    judgments = made["judgments"].astype({"id": str})[["benchmark", "id", "judge", "method", "notes"]]
    points = listed.merge(judgments, on=["benchmark", "id", "judge", "method"])
    assert len(points) == (~judgments.method.isin(FLOORS)).sum() and (points.points == 2 + points.notes).all()
    most = points.groupby(["benchmark", "id"]).points.transform("max")
    assert points.coverage.tolist() == pytest.approx((points.points / most).tolist())
    gains = made["_differences"]
    assert (gains.points > 0).all()


@pytest.mark.slow
def test_notebook_02_finds_the_planted_order_of_selections(tmp_path):
    # Criticizing is planted better than random, random better than praising, and removal better than none.
    pairs = [planted_pair(n, *((4, 6) if n % 2 else (6, 3))) for n in range(200)]
    lines = (pair.model_dump_json(exclude_none=True, exclude={"benchmark"}) for pair in pairs)
    (tmp_path / "planted.jsonl").write_text("\n".join(lines))
    parameters = given_by(ROOT / "params/demo/02_selection.yaml")
    with FakeServer() as server:
        parameters = redirected(parameters, server, server, tmp_path) | {
            "benchmarks": [str(tmp_path / "planted.jsonl")],
            "judges": [server.model("fallible-judge")],
            "crowd": [server.model(name) for name in ("crowd-0", "crowd-9", "crowd-1", "crowd-8")],
            "limit": None,
            "order": "given",
            "verdict": "text",
            "concurrency": 32,
        }
        made = run("02_selection", parameters, tmp_path)
    gains = made["_comparisons"].set_index(["method", "baseline"])
    for budget in ("2", "4"):
        criticizing = gains.loc[(f"cce-criticizing@{budget}", f"cce-random@{budget}")]
        praising = gains.loc[(f"cce-praising@{budget}", f"cce-random@{budget}")]
        removal = gains.loc[(f"cce@{budget}", f"cce-criticizing@{budget}")]
        assert praising.difference_high < 0 < criticizing.difference_low
        assert (round(removal.difference, 6), removal.mcnemar_p < 0.05) == (4, True)
    accuracies = made[""].set_index("method").accuracy
    assert accuracies[["cce-praising@4", "cce-criticizing@4", "cce@4"]].tolist() == [52.0, 84.0, 88.0]
