"""Run a profile: every notebook that has a parameter file in params/<profile>/, through papermill.

What its notebooks share stands in common.yaml; a notebook's own file takes precedence. To papermill a parameter that
no notebook declares and a notebook that made nothing are no errors. Here they are, the first before anything runs.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import papermill
import yaml
from papermill.exceptions import PapermillExecutionError

from cce.benchmarks.pair import shard_of
from cce.errors import BadInput, NotebookFailed
from cce.parameters import check
from cce.project import root


def run_profile(profile: str, notebooks: Sequence[str] | None = None, shard: str | None = None) -> list[Path]:
    """Run a profile's notebooks in order, all or those named; return the files that they promised and made.

    Executed notebooks go to runs/<profile>/. With a shard, such as "2/4", each runs on that part of its pairs, and all
    results go to a folder of the shard's own; a notebook without the parameter `shard` is left out.
    Raises BadInput for an unknown profile, notebook, parameter or shard, and for a named notebook that takes no shard;
    NotebookFailed where a notebook raises or leaves a promised file unmade.
    """
    plans, folder = checked(profile, notebooks), profile
    if shard is not None:
        own = "shard-{}-of-{}".format(*shard_of(shard))
        folder = f"{profile}/{own}"
        plans = [(stem, given) for stem, given in plans if _takes_shard(stem, named=bool(notebooks))]
        for _, given in plans:
            # Not the store: shards on one machine share it.
            given.update(shard=shard, out=f"{given['out']}/{own}", figures=f"{given['figures']}/{own}")
    return [made for stem, parameters in plans for made in _run(folder, stem, parameters)]


def checked(profile: str, notebooks: Sequence[str] | None) -> list[tuple[str, dict]]:
    """A profile's notebooks in order, all or those named, by their stem, with the parameters of each.

    Raises BadInput for an unknown profile, notebook or parameter, and for a value that a notebook does not take.
    """
    files = sorted(file for file in root().glob("params/*/*.yaml") if file.stem != "common")
    profiles = sorted({file.parent.name for file in files})
    if profile not in profiles:
        raise BadInput(f"profile {profile!r}: no parameter files in params/; there are: {', '.join(profiles)}")
    files = {file.stem: file for file in files if file.parent.name == profile}
    if unknown := sorted(set(notebooks or ()) - set(files)):
        raise BadInput(f"profile {profile!r} has no notebook {unknown[0]!r}: {', '.join(files)}")
    common = _common(files)
    return [(stem, _given(files[stem], common)) for stem in files if not notebooks or stem in notebooks]


def _common(files: dict[str, Path]) -> dict:
    file = next(iter(files.values())).with_stem("common")
    common = (yaml.safe_load(file.read_text()) if file.is_file() else None) or {}
    declared = {name for stem in files if _notebook(stem).is_file() for name in _declared(stem)}
    if unknown := ", ".join(sorted(set(common) - declared)):
        raise BadInput(f"{file}: no notebook of this profile has a parameter {unknown}")
    check(common, str(file))
    return common


def _given(file: Path, common: dict) -> dict:
    notebook = _notebook(file.stem)
    if not notebook.is_file():
        raise BadInput(f"{file}: there is no notebook {notebook} of that name")
    own, declared = yaml.safe_load(file.read_text()) or {}, _declared(file.stem)
    if unknown := ", ".join(sorted(set(own) - set(declared))):
        raise BadInput(f"{file}: {notebook.name} has no parameter {unknown}; it declares {', '.join(declared)}")
    given = {name: value for name, value in common.items() if name in declared} | own
    check(given, str(file))
    if missing := " and ".join(sorted({"out", "figures"} - set(given))):
        raise BadInput(f"{file}: name {missing}, so that profiles do not overwrite each other's results")
    return given


def _takes_shard(stem: str, named: bool) -> bool:
    if "shard" in _declared(stem):
        return True
    reason = f"{stem} declares no parameter shard: it is not done in parts"
    if named:
        remedy = "make these by `cce judge ... --shard`, merge the stores by `cce store merge`, then run it whole"
        raise BadInput(f"{reason}; {remedy}")
    print(f"left out: {reason}", file=sys.stderr)
    return False


def failed_in(files: Sequence[Path]) -> tuple[int, int]:
    """How many judgments in these files are missing because calls failed for good, and of how many."""
    rows = [json.loads(line) for file in files if file.suffix == ".jsonl" for line in file.open(encoding="utf-8")]
    return sum(row.get("failed") is not None for row in rows), len(rows)


def promised_files(stem: str, parameters: dict) -> list[Path]:
    """What a notebook must make: table, judgments, and the figure twice, all under its own stem."""
    out, figures = root() / parameters["out"], root() / parameters["figures"]
    return [out / f"{stem}.csv", out / f"{stem}.jsonl", figures / f"{stem}.svg", figures / f"{stem}.png"]


def _notebook(stem: str) -> Path:
    return root() / "notebooks" / f"{stem}.ipynb"


def _declared(stem: str) -> dict:
    return papermill.inspect_notebook(str(_notebook(stem)))


def _run(folder: str, stem: str, parameters: dict) -> list[Path]:
    executed, start = root() / "runs" / folder / f"{stem}.ipynb", time.time()
    executed.parent.mkdir(parents=True, exist_ok=True)
    execute(stem, executed, parameters)
    promised = promised_files(stem, parameters)
    if unmade := [str(file) for file in promised if not file.is_file() or file.stat().st_mtime < start - 1]:
        raise NotebookFailed(f"{stem}: the notebook ran, but did not make {', '.join(unmade)}")
    return [executed, *promised]


def execute(stem: str, executed: Path, parameters: dict, quiet: bool = False) -> None:
    """Execute the notebook of this stem into the file `executed`; a quiet one shows neither bar nor warnings.

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
        papermill.execute_notebook(str(_notebook(stem)), str(executed), parameters, **options, **files)
    except PapermillExecutionError as error:
        where = "" if quiet else f"\n(the executed notebook: {executed})"
        raise NotebookFailed(f"{stem}: {error.ename}: {error.evalue}{where}") from None
    finally:
        os.environ.pop("CCE_PROGRESS", None)
