"""Run a profile: every notebook that has a parameter file in params/<profile>/, through papermill.

What its notebooks share stands in common.yaml, a notebook's own in NOTEBOOK.yaml, and what is different in a further
run of it in NOTEBOOK.VARIANT.yaml. The later goes before the earlier, and what is given by hand before all.

To papermill a parameter that no notebook declares and a notebook that made nothing are no errors. Here they are, the
first before anything runs.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import papermill
import yaml
from papermill.exceptions import PapermillExecutionError

from cce.benchmarks.pair import shard_of
from cce.errors import BadInput, NotebookFailed
from cce.parameters import check
from cce.project import root
from cce.text import tell

NOTHING: Mapping[str, object] = {}


def run_profile(
    profile: str,
    notebooks: Sequence[str] | None = None,
    shard: str | None = None,
    by_hand: Mapping[str, object] = NOTHING,
) -> list[Path]:
    """Run a profile's notebooks in order, all or those named; return the files that they promised and made.

    Executed notebooks go to runs/<profile>/, and further runs of one to folders of their own below it. With a shard,
    such as "2/4", each runs on that part of its pairs, and all results go to a folder of the shard's own; a notebook
    without the parameter `shard` is left out. Parameters `by_hand` go before those of all files.
    Raises BadInput for an unknown profile, notebook, parameter or shard, and for a named notebook that takes no shard;
    NotebookFailed where a notebook raises or leaves a promised file unmade.
    """
    plans, below = checked(profile, notebooks, by_hand), ""
    if shard is not None:
        below = "/shard-{}-of-{}".format(*shard_of(shard))
        plans = [(name, given) for name, given in plans if _takes_shard(name, named=bool(notebooks))]
        for _, given in plans:
            # Not the store: shards on one machine share it.
            given.update(shard=shard, out=given["out"] + below, figures=given["figures"] + below)
    return [made for name, given in plans for made in _run(profile + _variant(name) + below, name, given)]


def checked(
    profile: str, notebooks: Sequence[str] | None, by_hand: Mapping[str, object] = NOTHING
) -> list[tuple[str, dict]]:
    """A profile's notebooks in order, all or those named, by the stem of their file, with the parameters of each.

    Raises BadInput for an unknown profile, notebook or parameter, and for a value that a notebook does not take.
    """
    # By stem: the first run of a notebook comes before its further ones.
    files = sorted(root().glob("params/*/*.yaml"), key=lambda file: file.stem)
    files = [file for file in files if file.stem != "common"]
    profiles = sorted({file.parent.name for file in files})
    if profile not in profiles:
        raise BadInput(f"profile {profile!r}: no parameter files in params/; there are: {', '.join(profiles)}")
    files = {file.stem: file for file in files if file.parent.name == profile}
    if unknown := sorted(set(notebooks or ()) - set(files)):
        raise BadInput(f"profile {profile!r} has no notebook {unknown[0]!r}: {', '.join(files)}")
    common, chosen = _common(files), [name for name in files if not notebooks or name in notebooks]
    if unknown := sorted(set(by_hand) - {name for stem in chosen for name in _declared(stem)}):
        raise BadInput(f"-p {unknown[0]}: none of {', '.join(chosen)} has a parameter of this name")
    check(by_hand, "-p")
    return [(name, _given(files[name], common, by_hand)) for name in chosen]


def _common(files: dict[str, Path]) -> dict:
    file = next(iter(files.values())).with_stem("common")
    common = (yaml.safe_load(file.read_text()) if file.is_file() else None) or {}
    declared = {name for stem in files if _notebook(stem).is_file() for name in _declared(stem)}
    if unknown := ", ".join(sorted(set(common) - declared)):
        raise BadInput(f"{file}: no notebook of this profile has a parameter {unknown}")
    check(common, str(file))
    return common


def _given(file: Path, common: dict, by_hand: Mapping[str, object]) -> dict:
    notebook, variant = _notebook(file.stem), _variant(file.stem)
    if not notebook.is_file():
        raise BadInput(f"{file}: there is no notebook {notebook} of that name")
    own, declared = yaml.safe_load(file.read_text()) or {}, _declared(file.stem)
    if unknown := ", ".join(sorted(set(own) - set(declared))):
        raise BadInput(f"{file}: {notebook.name} has no parameter {unknown}; it declares {', '.join(declared)}")
    base = file.with_stem(notebook.stem)
    own = ((yaml.safe_load(base.read_text()) or {}) if variant and base.is_file() else {}) | own
    given = {name: value for name, value in (common | own | by_hand).items() if name in declared}
    check(given, str(file))
    if missing := " and ".join(sorted({"out", "figures"} - set(given))):
        raise BadInput(f"{file}: name {missing}, so that profiles do not overwrite each other's results")
    return given | {name: given[name] + variant for name in ("out", "figures")}


def _takes_shard(stem: str, named: bool) -> bool:
    if "shard" in _declared(stem):
        return True
    reason = f"{stem} declares no parameter shard: it is not done in parts"
    if named:
        remedy = "make these by `cce judge ... --shard`, merge the stores by `cce store merge`, then run it whole"
        raise BadInput(f"{reason}; {remedy}")
    tell(f"left out: {reason}", file=sys.stderr)
    return False


def failed_in(files: Sequence[Path]) -> tuple[int, int]:
    """How many judgments in these files are missing because calls failed for good, and of how many."""
    rows = [json.loads(line) for file in files if file.suffix == ".jsonl" for line in file.open(encoding="utf-8")]
    return sum(row.get("failed") is not None for row in rows), len(rows)


def promised_files(name: str, parameters: dict) -> list[Path]:
    """What a notebook must make: table, judgments, and the figure twice, all under its own stem."""
    stem = _notebook(name).stem
    out, figures = root() / parameters["out"], root() / parameters["figures"]
    return [out / f"{stem}.csv", out / f"{stem}.jsonl", figures / f"{stem}.svg", figures / f"{stem}.png"]


def _notebook(name: str) -> Path:
    return root() / "notebooks" / f"{name.partition('.')[0]}.ipynb"


def _variant(name: str) -> str:
    """The folder of a further run, below that of the first: `/VARIANT`, or nothing for the first."""
    return "/" + variant if (variant := name.partition(".")[2]) else ""


def _declared(stem: str) -> dict:
    return papermill.inspect_notebook(str(_notebook(stem)))


def _run(folder: str, name: str, parameters: dict) -> list[Path]:
    executed, start = root() / "runs" / folder / _notebook(name).name, time.time()
    try:
        executed.parent.mkdir(parents=True, exist_ok=True)
        # What cannot be written is said before anything is asked.
        (probe := executed.with_name(executed.name + ".part")).touch()
        probe.unlink()
    except OSError as problem:
        raise BadInput(f"{executed}: {problem.strerror}; a run writes into runs/, below {root()}") from None
    execute(name, executed, parameters)
    promised = promised_files(name, parameters)
    if unmade := [str(file) for file in promised if not file.is_file() or file.stat().st_mtime < start - 1]:
        raise NotebookFailed(f"{name}: the notebook ran, but did not make {', '.join(unmade)}")
    return [executed, *promised]


def execute(name: str, executed: Path, parameters: dict, quiet: bool = False) -> None:
    """Execute the notebook of this name into the file `executed`; a quiet one shows neither bar nor warnings.

    Raises NotebookFailed where a cell raises.
    """
    # Parameters are checked here; papermill would warn of the options of a dry run.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    options = {"progress_bar": False, "coalesce_streams": True, "extra_arguments": ["--IPKernelApp.log_level=ERROR"]}
    # The kernel's standard error is the progress bar: passed on to a terminal, and folded in the saved notebook.
    if sys.stderr.isatty() and not quiet:
        os.environ["CCE_PROGRESS"] = "1"
    try:
        files = {"stderr_file": None if quiet else sys.stderr, "cwd": str(root())}
        papermill.execute_notebook(str(_notebook(name)), str(executed), parameters, **options, **files)
    except PapermillExecutionError as error:
        where = "" if quiet else f"\n(the executed notebook: {executed})"
        raise NotebookFailed(f"{name}: {error.ename}: {error.evalue}{where}") from None
    finally:
        os.environ.pop("CCE_PROGRESS", None)
