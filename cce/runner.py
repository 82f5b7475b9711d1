"""Run a profile: every notebook that has a parameter file in params/<profile>/, through papermill.

What a profile's notebooks share stands in its common.yaml; a notebook's own file takes precedence. Papermill only warns
of a parameter that a notebook does not declare, and succeeds where a notebook made nothing. Here both are errors, and
the first is raised before anything runs.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import papermill
import yaml
from papermill.exceptions import PapermillExecutionError

from cce.benchmarks.pair import shard_of
from cce.errors import BadInput, NotebookFailed
from cce.parameters import check
from cce.project import root

COMMON = "common"


def run_profile(profile: str, notebooks: Sequence[str] | None = None, shard: str | None = None) -> list[Path]:
    """Run a profile's notebooks in order, all or those named; return the files that they promised and made.

    Executed notebooks go to runs/<profile>/. With a shard, such as "2/4", each runs on that part of its pairs, and all
    results go to a folder of the shard's own; a notebook without the parameter `shard` is left out.
    Raises BadInput for an unknown profile, notebook, parameter or shard, and for a named notebook that takes no shard;
    NotebookFailed where a notebook raises or leaves a promised file unmade.
    """
    plans = checked(profile, notebooks)
    if shard is None:
        return [made for stem, parameters in plans for made in _run(profile, stem, parameters)]
    part, parts = shard_of(shard)
    folder = f"shard-{part}-of-{parts}"
    plans = [
        (stem, _on_shard(parameters, shard, folder))
        for stem, parameters in plans
        if _takes_shard(stem, named=bool(notebooks))
    ]
    return [made for stem, parameters in plans for made in _run(f"{profile}/{folder}", stem, parameters)]


def checked(profile: str, notebooks: Sequence[str] | None) -> list[tuple[str, dict]]:
    """A profile's notebooks in order, all or those named, by their stem, with the parameters of each.

    Raises BadInput for an unknown profile, notebook or parameter, and for a value that a notebook does not take.
    """
    files = _files(profile)
    unknown = sorted(set(notebooks or ()) - {file.stem for file in files})
    if unknown:
        raise BadInput(f"profile {profile!r} has no notebook {unknown[0]!r}: {', '.join(file.stem for file in files)}")
    common = _common(files)
    files = [file for file in files if not notebooks or file.stem in notebooks]
    return [(file.stem, _checked_parameters(file, common)) for file in files]


def _files(profile: str) -> list[Path]:
    files = sorted(file for file in root().glob("params/*/*.yaml") if file.stem != COMMON)
    profiles = {file.parent.name for file in files}
    if profile not in profiles:
        raise BadInput(f"profile {profile!r}: no parameter files in params/; there are: {', '.join(sorted(profiles))}")
    return [file for file in files if file.parent.name == profile]


def _common(files: Sequence[Path]) -> dict:
    file = files[0].with_stem(COMMON)
    if not file.is_file():
        return {}
    common = yaml.safe_load(file.read_text()) or {}
    declared = {name for other in files if _notebook(other.stem).is_file() for name in _declared(other.stem)}
    unknown = sorted(set(common) - declared)
    if unknown:
        raise BadInput(f"{file}: no notebook of this profile has a parameter {', '.join(unknown)}")
    check(common, str(file))
    return common


def _on_shard(parameters: dict, shard: str, folder: str) -> dict:
    # Not the store: shards on one machine share it.
    return parameters | {"shard": shard} | {name: f"{parameters[name]}/{folder}" for name in ("out", "figures")}


def _takes_shard(stem: str, named: bool) -> bool:
    if "shard" in _declared(stem):
        return True
    reason = f"{stem} declares no parameter shard: it is not done in parts"
    if named:
        raise BadInput(
            f"{reason}; make these by `cce judge ... --shard`, merge the stores by `cce store merge`, then run it whole"
        )
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


def _checked_parameters(file: Path, common: dict) -> dict:
    notebook = _notebook(file.stem)
    if not notebook.is_file():
        raise BadInput(f"{file}: there is no notebook {notebook} of that name")
    own = yaml.safe_load(file.read_text()) or {}
    declared = _declared(file.stem)
    unknown = sorted(set(own) - set(declared))
    if unknown:
        raise BadInput(
            f"{file}: {notebook.name} has no parameter {', '.join(unknown)}; it declares {', '.join(declared)}"
        )
    given = {name: value for name, value in common.items() if name in declared} | own
    check(given, str(file))
    missing = {"out", "figures"} - set(given)
    if missing:
        raise BadInput(
            f"{file}: name {' and '.join(sorted(missing))}, so that profiles do not overwrite each other's results"
        )
    return given


def _notebook(stem: str) -> Path:
    return root() / "notebooks" / f"{stem}.ipynb"


def _declared(stem: str) -> dict:
    return papermill.inspect_notebook(str(_notebook(stem)))


def _run(folder: str, stem: str, parameters: dict) -> list[Path]:
    executed = root() / "runs" / folder / f"{stem}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    start = time.time()
    execute(stem, executed, parameters)
    promised = promised_files(stem, parameters)
    unmade = [str(file) for file in promised if not file.is_file() or file.stat().st_mtime < start - 1]
    if unmade:
        raise NotebookFailed(f"{stem}: the notebook ran, but did not make {', '.join(unmade)}")
    return [executed, *promised]


def execute(stem: str, executed: Path, parameters: dict, quiet: bool = False) -> None:
    """Execute the notebook of this stem into the file `executed`; a quiet one shows neither bar nor warnings.

    Raises NotebookFailed where a cell raises.
    """
    try:
        _execute(_notebook(stem), executed, parameters, quiet)
    except PapermillExecutionError as error:
        where = "" if quiet else f"\n(the executed notebook: {executed})"
        raise NotebookFailed(f"{stem}: {error.ename}: {error.evalue}{where}") from None


def _execute(notebook: Path, executed: Path, parameters: dict, quiet: bool = False) -> None:
    # Parameters are checked here; papermill would warn of the options of a dry run.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    with _progress(wanted=sys.stderr.isatty() and not quiet):
        papermill.execute_notebook(
            str(notebook),
            str(executed),
            parameters,
            progress_bar=False,
            stderr_file=None if quiet else sys.stderr,
            coalesce_streams=True,
            cwd=str(root()),
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
        )


@contextmanager
def _progress(wanted: bool) -> Iterator[None]:
    # The kernel's standard error is the progress bar: passed on to a terminal, and folded in the saved notebook.
    if wanted:
        os.environ["CCE_PROGRESS"] = "1"
    try:
        yield
    finally:
        os.environ.pop("CCE_PROGRESS", None)
