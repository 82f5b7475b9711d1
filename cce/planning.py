"""Plan a profile: what its notebooks will ask for, in calls, tokens, US dollars and hours, before any of it is spent.

A plan is a dry run (`cce.models.dry_run`): every notebook's cells run on real pairs, and so decide by their own logic
what they need. By default these pairs are a sample (`cce.benchmarks.sample`), which tells of all with an interval. What
the profile's store holds costs nothing, and what several notebooks share is counted once.
"""

import ast
import json
import os
import sys
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pandas as pd

from cce.benchmarks.sample import SAMPLE, Sample, Stratum
from cce.errors import NotebookFailed
from cce.models.dry_run import forget
from cce.models.ledger import Ledger, Need
from cce.names import family
from cce.project import root
from cce.runner import NOTHING, checked, elsewhere, notebook_of
from cce.spending import limit
from cce.text import tell

# What asks models, or makes one of whom others ask: a plan needs these of a notebook, and what they need.
ASKING = {"answer_questions", "check_analyst", "complete", "evaluate", "grade", "judge", "judge_by_each", "key_points"}
ASKING |= {"judged_by_students", "pick", "preferences", "sample_responses", "train"}
MODULES = {"analysis", "cce", "pd"}
# Questions in the sample of a set: a method that shows another pair's notes needs two, and so does an interval. Who
# teaches must have judged for A and for B; what no label contradicts may be nothing, and does not change what is asked.
QUESTIONS, TO_TEACH, SAMPLED = 2, 8, {"drop_contradicted": False}
# The method that an adaptive plan replaces.
REPLACED = "cce"

# A notebook's stem with its parameters; and what it needs with the strata of its sample, or why that is not known.
Plan, Found = tuple[str, dict], tuple[pd.DataFrame, list[Stratum]] | NotebookFailed


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
) -> tuple[list[Planned], NotebookFailed | None]:
    """Plan a profile's notebooks in order, all or those named; nothing is asked, and no file of a run is touched.

    By a sample of their pairs, or where `exact` by all. Returns those up to the first that fails, and its failure, as
    where data is missing. Raises BadInput as `run_profile` does.
    """
    plans, bought, planned = checked(profile, notebooks, by_hand), defaultdict(set), []
    with TemporaryDirectory(prefix="cce-plan-") as folder:
        found = _side_by_side(plans, Path(folder), exact)
    for stem, parameters in plans:
        if isinstance(found[stem], NotebookFailed):
            return _adaptable(planned), found[stem]
        needed, strata = found[stem]
        known = bought[parameters.get("store")]
        needed["in_store"] |= needed.key.isin(known)
        known.update(needed.key)
        planned.append(Planned(stem, needed, strata, len(parameters.get("crowd", []))))
    return _adaptable(planned), None


def _side_by_side(plans: Sequence[Plan], folder: Path, exact: bool) -> dict[str, Found]:
    """What each notebook needs, by its stem. Those with the most methods take longest, and begin first."""
    order = sorted(plans, key=lambda plan: -len(plan[1].get("methods", [])))
    with ProcessPoolExecutor(min(len(plans), os.cpu_count() or 1), initializer=forget) as pool:
        found = pool.map(_planned, order, repeat(folder), repeat(exact))
        return {stem: one for (stem, _), one in zip(order, found, strict=True)}


def _planned(plan: Plan, folder: Path, exact: bool) -> Found:
    stem, parameters = plan
    tell(f"planning {stem}", file=sys.stderr)
    # A notebook on one pair has no sample of it.
    questions = TO_TEACH if "base" in parameters else QUESTIONS
    sample = None if exact or "pair" in parameters else _sample(questions, parameters.get("scoring"))
    sampled = SAMPLED if sample and "drop_contradicted" in parameters else {}
    try:
        return _needed(stem, parameters | sampled, folder, sample)
    except NotebookFailed as failure:
        return failure


@cache
def _sample(questions: int, scoring: str | None) -> Sample:
    # What a process has read for one notebook is there for its next. Rules of scoring read some sets differently.
    return Sample(questions)


def _needed(stem: str, parameters: dict, folder: Path, sample: Sample | None) -> tuple[pd.DataFrame, list[Stratum]]:
    ledger = Ledger()
    # `dry_run` is an option that notebooks do not declare: `begin` finds it all the same.
    strata = _executed(stem, elsewhere(stem, parameters, folder) | {"dry_run": ledger}, sample)
    kept = {key for key, method in ledger.asked if family(method) != REPLACED}
    needed = pd.DataFrame(list(ledger.needed.values()), columns=Need._fields)
    return needed.assign(replaced=~needed.key.isin(kept)), strata


def _executed(stem: str, given: dict, sample: Sample | None) -> list[Stratum]:
    """Execute a notebook's cells in this process, up to the last that may ask; return the strata of its sample."""
    names, quiet, before = {"display": lambda *_: None}, StringIO(), SAMPLE.set(sample)
    if sample:
        sample.strata = []
    try:
        with chdir(root()), redirect_stdout(quiet), redirect_stderr(quiet), warnings.catch_warnings(action="ignore"):
            for code, declares in _cells(stem):
                exec(compile(code, stem, "exec"), names)
                names |= given if declares else {}
    except Exception as error:
        raise NotebookFailed(f"{stem}: {type(error).__name__}: {error}") from None
    finally:
        SAMPLE.reset(before)
        limit()  # the notebook's own bounds on spending are not this process's
    return sample.strata if sample else []


def _cells(stem: str) -> list[tuple[ast.Module, bool]]:
    """Of each cell of a notebook what asks, or makes something for what does; and whether it declares parameters."""
    cells = [cell for cell in json.loads(notebook_of(stem).read_bytes())["cells"] if cell["cell_type"] == "code"]
    code = [(ast.parse("".join(cell["source"])), "parameters" in cell["metadata"].get("tags", [])) for cell in cells]
    wanted: set[str] = set()
    for module, declares in reversed(code):
        kept = [one for one in reversed(module.body) if declares or _serves(one, wanted)]
        module.body = kept[::-1]
    return code if wanted else []


def _serves(statement: ast.stmt, wanted: set[str]) -> bool:
    """Whether it asks, or makes or changes what is wanted by those after it; then what it needs is wanted as well."""
    nodes = list(ast.walk(statement))
    calls = [node.func for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    makes = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    makes |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    changed = [call.value for call in calls] if isinstance(statement, ast.Expr) else []
    changed += [
        node.value for node in nodes if isinstance(getattr(node, "ctx", None), ast.Store) and hasattr(node, "value")
    ]
    makes |= {node.id for node in changed if isinstance(node, ast.Name)} - MODULES
    asks = any(call.attr in ASKING for call in calls)
    if not (asks or makes & wanted or (wanted and isinstance(statement, ast.Import | ast.ImportFrom))):
        return False
    wanted |= {node.id for node in nodes if isinstance(node, ast.Name)}
    return True


def _adaptable(planned: Sequence[Planned]) -> list[Planned]:
    """The same, where only what no other notebook's method needs counts as replaced."""
    if not planned:
        return []
    every = pd.concat([one.needed[["key", "replaced"]] for one in planned]).groupby("key").replaced.all()
    return [one._replace(needed=one.needed.assign(replaced=one.needed.key.map(every))) for one in planned]
