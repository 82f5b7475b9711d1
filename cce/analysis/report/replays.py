"""Replays: how each judgment of a run came about, made again from its store alone. No model is asked."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from cce.benchmarks import load_pairs
from cce.benchmarks.pair import Pair
from cce.crowd.batch import Batch
from cce.crowd.case import Case, Protocol
from cce.crowd.methods import crowd_needed, method_named
from cce.crowd.result import Result
from cce.errors import CCEError
from cce.models.client import LLM
from cce.names import NO_JUDGE
from cce.project import root

T = TypeVar("T")
# So many cases at once; nothing is waited for.
CONCURRENCY = 8
UNKNOWN = "no executed notebook in the folder says which pairs these were, and how they were judged"
# What a notebook must have been given for that.
NEEDED = {"benchmarks", "crowd", "limit", "seed", "order", "verdict", "scoring"}
NEEDED |= {"max_tokens", "prompts", "store", "data_dir"}


@dataclass(frozen=True)
class Sitting:
    """What made the judgments of one file: benchmarks and how many pairs of each, the crowd, the judges, the protocol.

    `judges` holds the models of those that the file calls by a short name.
    """

    parameters: dict
    benchmarks: Sequence[str]
    limit: int | None
    crowd: Sequence[str]
    judges: dict[str, str]
    protocol: Protocol

    def pairs(self) -> tuple[dict[tuple[str, str], Pair], dict[str, str]]:
        """The pairs by benchmark and id, and by benchmark why its pairs are not at hand."""
        given, found, missing = self.parameters, {}, {}
        for name in self.benchmarks:
            try:
                how = (given["seed"], given["scoring"], given.get("shard"))
                pairs = load_pairs(name, given["data_dir"], self.limit, *how)
                found |= {(pair.benchmark, pair.id): pair for pair in pairs}
            except CCEError as error:
                missing[Path(name).name] = str(error)
        return found, missing


def sitting(parameters: dict, part: str) -> Sitting:
    """What made the judgments of the file with this end of its name, by the notebook's parameters.

    Notebook 05 has two: its teacher's, and those of the students, which are asked in a way of their own.
    """
    given = parameters
    names = ("order", "verdict", "seed", "max_tokens", "prompts")
    protocol = Protocol(**{name: given[name] for name in names})
    if part == "teacher":
        return Sitting(given, [given["teach_on"]], given["teach_limit"], given["crowd"], {}, protocol)
    if "beside" not in given:
        return Sitting(given, given["benchmarks"], given["limit"], given["crowd"], {}, protocol)
    asked = replace(protocol, order=given["student_order"], verdict="text", max_tokens=given["student_tokens"])
    return Sitting(given, given["benchmarks"], given["limit"], [], _students(given), asked)


def _students(given: dict) -> dict[str, str]:
    # Of several trainings that one method's judgments have taught, the last.
    folders = sorted(Path(given["trained"]).glob("*/student-*"), key=lambda folder: folder.stat().st_mtime)
    trained = {f"student: {folder.parent.name.replace('+', ' + ')}": str(folder) for folder in folders}
    return {model.split("@")[0]: model for model in given["published"]} | trained | given["beside"]


@contextmanager
def replaying(store: str | Path) -> Iterator[None]:
    """Let every completion come from this store while the block runs."""
    before = os.environ.get("CCE_REPLAY")
    os.environ["CCE_REPLAY"] = str(root() / store)
    try:
        yield
    finally:
        os.environ.pop("CCE_REPLAY")
        if before is not None:
            os.environ["CCE_REPLAY"] = before


def replayed(
    sitting: Sitting, rows: Sequence[dict], pairs: Sequence[Pair], keep: Callable[[Result], T]
) -> list[T | str]:
    """What is kept of each row's judgment, its pair being given, or why it cannot be made again.

    A replay that ends in another rationale than the row has is none: the store then holds another run's answers.
    """
    models = []

    @cache
    def model(name: str) -> LLM:
        models.append(LLM(sitting.judges.get(name, name)))
        return models[-1]

    async def step(work: tuple[dict, Pair]) -> T | str:
        row, pair = work
        try:
            result = await _result(row, pair, model, sitting)
        except CCEError as error:
            return str(error)
        if (result["text"], result["verdict"]) != (row["text"], row["verdict"]):
            return "the store leads to another rationale than the one on file"
        return keep(result)

    return Batch("replaying", list(zip(rows, pairs, strict=True)), models).results(step, CONCURRENCY)


async def _result(row: dict, pair: Pair, model: Callable[[str], LLM], sitting: Sitting) -> Result:
    judge = None if row["judge"] == NO_JUDGE else model(row["judge"])
    crowd = map(model, sitting.crowd if crowd_needed(row["method"]) else ())
    protocol = replace(sitting.protocol, seed=row.get("seed", sitting.protocol.seed))
    case = Case(pair, judge, tuple(crowd), protocol)
    return Result(case, row["method"], await method_named(row["method"])(case), None)
