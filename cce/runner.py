"""Run a profile: every notebook that has a parameter file in params/<profile>/, through papermill.

What its notebooks share stands in common.yaml, a notebook's own in NOTEBOOK.yaml, and what is different in a further
run of it in NOTEBOOK.VARIANT.yaml. The later goes before the earlier, and what is given by hand before all.

To papermill a parameter that no notebook declares and a notebook that made nothing are no errors. Here they are, the
first before anything runs.
"""

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, chdir, contextmanager, suppress
from functools import partial
from pathlib import Path

import papermill
import psutil
from papermill.exceptions import PapermillExecutionError

from cce.benchmarks.pair import shard_of
from cce.errors import BadInput, NotebookFailed
from cce.inputs import files_read
from cce.outputs import alone, check_writable, clearly, keep_apart
from cce.parameters import check
from cce.project import root
from cce.text import tell
from cce.yaml_files import read_yaml

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
    Raises BadInput for an unknown profile, notebook, parameter or shard, for a named notebook that takes no shard, and
    for results that would lie where something is read or another run writes; OutputUnusable where they cannot be
    written; NotebookFailed where a notebook raises or leaves a promised file unmade.
    """
    plans, below = checked(profile, notebooks, by_hand), ""
    if shard is not None:
        below = "/shard-{}-of-{}".format(*shard_of(shard))
        plans = [(name, given) for name, given in plans if _takes_shard(name, named=bool(notebooks))]
        for _, given in plans:
            # Not the store: shards on one machine share it.
            given.update(shard=shard, out=given["out"] + below, figures=given["figures"] + below)
    runs = [(root() / "runs" / (profile + _variant(name) + below), name, given) for name, given in plans]
    with _reserved([_written(*run) for run in runs], [given for _, given in plans]), _one_bound(profile):
        return [made for run in runs for made in _run(*run)]


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
    common = read_yaml(file) if file.is_file() else {}
    declared = {name for stem in files if notebook_of(stem).is_file() for name in _declared(stem)}
    if unknown := ", ".join(sorted(set(common) - declared)):
        raise BadInput(f"{file}: no notebook of this profile has a parameter {unknown}")
    check(common, str(file))
    return common


def _given(file: Path, common: dict, by_hand: Mapping[str, object]) -> dict:
    notebook, variant = notebook_of(file.stem), _variant(file.stem)
    if not notebook.is_file():
        raise BadInput(f"{file}: there is no notebook {notebook} of that name")
    own, declared = read_yaml(file), _declared(file.stem)
    if unknown := ", ".join(sorted(set(own) - set(declared))):
        raise BadInput(f"{file}: {notebook.name} has no parameter {unknown}; it declares {', '.join(declared)}")
    base = file.with_stem(notebook.stem)
    own = (read_yaml(base) if variant and base.is_file() else {}) | own
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
    stem = notebook_of(name).stem
    out, figures = root() / parameters["out"], root() / parameters["figures"]
    return [out / f"{stem}.csv", out / f"{stem}.jsonl", figures / f"{stem}.svg", figures / f"{stem}.png"]


def elsewhere(name: str, parameters: dict, folder: Path) -> dict:
    """The parameters with what the notebook writes, but for its store, in a folder of its own below this one."""
    places = [place for place in ("out", "figures", "trained") if place in parameters]
    return parameters | {place: str(folder / name / place) for place in places}


def notebook_of(name: str) -> Path:
    """The file of the notebook of this name, which may be that of a further run."""
    return root() / "notebooks" / f"{name.partition('.')[0]}.ipynb"


def _variant(name: str) -> str:
    """The folder of a further run, below that of the first: `/VARIANT`, or nothing for the first."""
    return "/" + variant if (variant := name.partition(".")[2]) else ""


def _declared(stem: str) -> dict:
    return papermill.inspect_notebook(str(notebook_of(stem)))


def _written(folder: Path, name: str, parameters: dict) -> list[Path]:
    return [folder / notebook_of(name).name, *promised_files(name, parameters)]


@contextmanager
def _reserved(files: Sequence[Sequence[Path]], given: Sequence[dict]) -> Iterator[None]:
    """Hold what each notebook writes for this run alone, once it is certain that all of it can be written."""
    for written, parameters in zip(files, given, strict=True):
        _check_apart(written, parameters)
    with ExitStack() as held:
        for file in (file for written in files for file in written):
            with clearly(file):
                file.parent.mkdir(parents=True, exist_ok=True)
            check_writable(file)
            # The records are held by the notebook itself, whoever runs it.
            if file.suffix != ".jsonl":
                held.enter_context(alone(file))
        yield


def _check_apart(written: Sequence[Path], parameters: dict) -> None:
    named = [text for value in parameters.values() for text in _texts(value)]
    # Its further tables begin with its name as well.
    further = [file for one in written[1:] for file in one.parent.glob(f"{one.stem}*")]
    # As in the notebooks, relative paths start at the project's root.
    with chdir(root()):
        read = files_read(named, *(parameters.get(name) for name in ("store", "prompts", "data_dir")))
        keep_apart(read, {"the result": [*written, *further]})


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for one in inner for text in _texts(one)]


@contextmanager
def _one_bound(profile: str) -> Iterator[None]:
    """Let bounds on spending count what all notebooks of the profile spend, and what they spent before."""
    os.environ["CCE_RUN"] = str(root() / "runs" / profile)
    try:
        yield
    finally:
        del os.environ["CCE_RUN"]


def _run(folder: Path, name: str, parameters: dict) -> list[Path]:
    (executed, *promised), start = _written(folder, name, parameters), time.time()
    with clearly(executed):
        execute(name, executed, parameters)
    if unmade := [str(file) for file in promised if not file.is_file() or file.stat().st_mtime < start - 1]:
        raise NotebookFailed(f"{name}: the notebook ran, but did not make {', '.join(unmade)}")
    return [executed, *promised]


def _waited(running: Future) -> None:
    try:
        running.result()
    except KeyboardInterrupt:
        # Its cell stops, and waits for what is under way; a second stop ends it.
        for stop in (signal.SIGINT, signal.SIGKILL):
            for kernel in _kernels():
                kernel.send_signal(stop)
            with suppress(KeyboardInterrupt):
                wait([running])
                break
        raise


def _kernels() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if any("ipykernel" in word for word in child.cmdline())]


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
        run = partial(papermill.execute_notebook, str(notebook_of(name)), str(executed), parameters)
        # In a thread, so that a stop reaches this function, and not papermill, which would end the kernel at once.
        with ThreadPoolExecutor(1) as thread:
            _waited(thread.submit(run, **options, **files))
    except PapermillExecutionError as error:
        where = "" if quiet else f"\n(the executed notebook: {executed})"
        raise NotebookFailed(f"{name}: {error.ename}: {error.evalue}{where}") from None
    finally:
        os.environ.pop("CCE_PROGRESS", None)
