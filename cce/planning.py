"""Plan a profile: what its notebooks will ask for, in calls, tokens, US dollars and hours, before any of it is spent.

A plan is a dry run (`cce.models.dry_run`): every notebook's cells run on real pairs, and so decide by their own logic
what they need. By default these pairs are a sample (`cce.benchmarks.sample`), which tells of all with an interval. What
the profile's store holds costs nothing, and what several notebooks share is counted once.
"""

import ast
import json
import sys
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import chdir, closing, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pandas as pd

from cce.benchmarks.sample import SAMPLE, Sample, Stratum
from cce.errors import NotebookFailed
from cce.models.dry_run import forget, open_ledger
from cce.names import family
from cce.project import root
from cce.runner import NOTHING, checked, notebook_of
from cce.spending import limit
from cce.text import tell

# What asks models, or makes one of whom others ask: a sample's plan ends each notebook after the last of these.
ASKING = {"answer_questions", "check_analyst", "complete", "evaluate", "grade", "judge", "judge_by_each", "key_points"}
ASKING |= {"judged_by_students", "pick", "preferences", "sample_responses", "train"}
# A sample has about so many judgments of each set. So few may leave nothing to teach that no label contradicts, and what
# is taught does not change what is asked.
JUDGMENTS, SAMPLED = 120, {"drop_contradicted": False}
# The method that an adaptive plan replaces.
REPLACED = "cce"


class Planned(NamedTuple):
    """What one notebook needs: a row per completion, as the ledger has it, the strata of its sample, and its crowd's
    size. Rows that were drawn for no stratum are not scaled.
    """

    stem: str
    needed: pd.DataFrame
    strata: Sequence[Stratum]
    members: int


def plan_profile(
    profile: str, notebooks: Sequence[str] | None = None, by_hand: Mapping[str, object] = NOTHING, exact: bool = False
) -> list[Planned]:
    """Plan a profile's notebooks in order, all or those named; nothing is asked, and no file of a run is touched.

    By a sample of their pairs, or where `exact` by all. Raises what `run_profile` raises.
    """
    planned, bought, samples = [], defaultdict(set), defaultdict(Sample)
    forget()
    with TemporaryDirectory(prefix="cce-plan-") as folder:
        for stem, parameters in checked(profile, notebooks, by_hand):
            tell(f"planning {stem}", file=sys.stderr)
            # A notebook on one pair has no sample of it.
            sample = None if exact or "pair" in parameters else samples[str(parameters.get("scoring"))]
            parameters |= SAMPLED if sample and "drop_contradicted" in parameters else {}
            needed, strata = _needed(stem, parameters, Path(folder), sample)
            known = bought[parameters.get("store")]
            needed["in_store"] |= needed.key.isin(known)
            known.update(needed.key)
            planned.append(Planned(stem, needed, strata, len(parameters.get("crowd", []))))
    return _adaptable(planned)


def _needed(stem: str, parameters: dict, folder: Path, sample: Sample | None) -> tuple[pd.DataFrame, list[Stratum]]:
    ledger = folder / f"{stem}.sqlite"
    elsewhere = {name: str(folder / stem / name) for name in ("out", "figures", "trained") if name in parameters}
    with closing(open_ledger(str(ledger))) as db:
        # `dry_run` is an option that notebooks do not declare: `begin` finds it all the same.
        given = parameters | elsewhere | {"dry_run": str(ledger)}
        strata = _executed(stem, given, sample)
        asked = pd.read_sql("SELECT * FROM asked", db)
        needed = pd.read_sql("SELECT * FROM needed", db).astype({"in_store": bool})
    by = asked.assign(replaced=asked.method.map(family) == REPLACED).groupby("key").replaced.all()
    return needed.assign(replaced=needed.key.map(by).astype(bool)), strata


def _executed(stem: str, given: dict, sample: Sample | None) -> list[Stratum]:
    """Execute a notebook's cells in this process, up to the last that may ask; return the strata of its sample."""
    names, quiet, before = {"display": lambda *_: None}, StringIO(), SAMPLE.set(sample)
    if sample:
        sample.strata, sample.items = [], JUDGMENTS // len(given.get("methods", [""]))
    try:
        with chdir(root()), redirect_stdout(quiet), redirect_stderr(quiet), warnings.catch_warnings(action="ignore"):
            for source, declares in _cells(stem):
                exec(compile(source, stem, "exec"), names)
                names |= given if declares else {}
    except Exception as error:
        raise NotebookFailed(f"{stem}: {type(error).__name__}: {error}") from None
    finally:
        SAMPLE.reset(before)
        limit()  # the notebook's own bounds on spending are not this process's
    return sample.strata if sample else []


def _cells(stem: str) -> list[tuple[str, bool]]:
    """The code of a notebook's cells that a plan needs, and whether it declares the parameters."""
    cells = [cell for cell in json.loads(notebook_of(stem).read_bytes())["cells"] if cell["cell_type"] == "code"]
    code = [("".join(cell["source"]), "parameters" in cell["metadata"].get("tags", [])) for cell in cells]
    last = max((place for place, (source, _) in enumerate(code) if _asks(source)), default=-1)
    return code[: last + 1]


def _asks(source: str) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr in ASKING for node in ast.walk(ast.parse(source)))


def _adaptable(planned: Sequence[Planned]) -> list[Planned]:
    """The same, where only what no other notebook's method needs counts as replaced."""
    every = pd.concat([one.needed[["key", "replaced"]] for one in planned]).groupby("key").replaced.all()
    return [one._replace(needed=one.needed.assign(replaced=one.needed.key.map(every))) for one in planned]
