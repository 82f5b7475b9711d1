"""Table 2: how often a trained judge writes a verdict that can be read, and how often it is right.

A student is known by its short name, which frames of judgments have in the column `judge`: "untrained", "student: " and
what taught it ("student: vanilla", "student: cce@8", "student: labels"), or any other judge's name.
"""

from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd

from cce.analysis.accuracy import COUNTS, GROUP, accuracy_table, by_group, scored
from cce.analysis.comparison import contrasted
from cce.analysis.paper import ACCURACY, Student, paper_student, student_cells
from cce.analysis.statistics import proportion
from cce.benchmarks.scoring import Scoring
from cce.errors import BadInput
from cce.names import NO_JUDGE, family

UNTRAINED, TAUGHT = "untrained", "student: "
# By short name, the student of Table 2 that one of ours repeats, such as ("qwen2.5-7b", "cce", 10000).
Repeated = Mapping[str, Student] | None
READABLE = ["readable", "readable_low", "readable_high"]
COLUMNS = ["benchmark", "student", *COUNTS, "correct", *READABLE, *ACCURACY, "paper", "consistent", "rationale_tokens"]


def distillation_table(judgments: pd.DataFrame, scoring: Scoring = "paper", paper: Repeated = None) -> pd.DataFrame:
    """Summarise the judgments of students, with one row per benchmark and student, averages included.

    Takes judgments as `evaluate` makes them, with the students' short names as judges, one method each (where no model
    judged, the method's name stands for the student's). Returns COLUMNS: readable is the percent of single judgments,
    over all orders, that named an answer, with its 95% interval; rationale_tokens is the mean in the order given; the
    rest is as in `accuracy_table`.
    Raises BadInput where one student judged a pair twice, or Table 2 lacks a student that `paper` names.
    """
    scores = scored(_by_student(judgments), scoring)
    table = accuracy_table(scores).merge(by_group(scores, _reading), on=GROUP, validate="one_to_one")
    table["paper"] = list(map(paper_student, table.benchmark, map((paper or {}).get, table.method)))
    return table.rename(columns={"method": "student"})[COLUMNS]


def student_differences(judgments: pd.DataFrame, scoring: Scoring = "paper", paper: Repeated = None) -> pd.DataFrame:
    """Compare every taught student with the one that vanilla judgments taught, and with the untrained one.

    Takes and raises what `distillation_table` does. Returns the rows of `comparison_table`, with the students as
    methods of one judge "students", the paper's difference as `paper` names the two, and no plan (NaN).
    """
    scores, known = scored(_by_student(judgments), scoring), paper or {}
    taught = [name for name in scores.method.unique() if name.startswith(TAUGHT)]
    table = contrasted(scores, dict.fromkeys([f"{TAUGHT}vanilla", UNTRAINED], taught))
    papers = [list(map(paper_student, table.benchmark, map(known.get, table[of]))) for of in ("method", "baseline")]
    return table.assign(paper=np.subtract(*papers).round(1))


def teaching_table(judgments: pd.DataFrame, sets: Mapping[str, Sequence]) -> pd.DataFrame:
    """What became of the teacher's judgments, with one row per method.

    Takes the teacher's judgments, and the examples by method, as `teaching_sets` makes them. Returns method, pairs,
    verdicts (A or B), contradicted (by the label), accuracy (percent of the verdicts), tokens (mean length of a
    rationale) and examples (what the student was given).
    """
    rows = []
    for method, group in judgments.groupby("method", sort=False):
        verdicts = group[group.verdict.isin(["A", "B"])]
        agreed = int((verdicts.verdict == verdicts.label).sum())
        counts = {"pairs": len(group), "verdicts": len(verdicts), "contradicted": len(verdicts) - agreed}
        means = {"accuracy": 100 * agreed / max(len(verdicts), 1), "tokens": group.rationale_tokens.mean()}
        rows.append({"method": method, **counts, **means, "examples": len(sets[method])})
    return pd.DataFrame(rows).round(1)


def losses(folders: Mapping[str, Path]) -> pd.DataFrame:
    """The training loss of each student, by name, from its folder: the columns student, step, loss (nats per token)."""
    files = [pd.read_csv(folder / "loss.csv").assign(student=name) for name, folder in folders.items()]
    return pd.concat(files, ignore_index=True)[["student", "step", "loss"]]


def paper_students(base: str, sets: Mapping[str, Sequence]) -> dict[str, Student]:
    """By short name, the students of Table 2 that ours repeat: the same base, taught alike, with as many examples.

    `sets` are the examples by method, as `teaching_sets` makes them; a set of several methods is the paper's mixed one.
    """
    student = next((name for name in ("llama-3.1-8b", "qwen2.5-7b") if name in base.lower()), base)
    kinds = {name: "cce+vanilla" if " + " in name else family(name) for name in sets}
    wanted = {f"{TAUGHT}{name}": (student, kind, len(sets[name])) for name, kind in kinds.items()}
    return {name: one for name, one in wanted.items() if ("average", *one) in student_cells()}


def _by_student(judgments: pd.DataFrame) -> pd.DataFrame:
    # The students stand as methods of one judge, so that tables of methods serve for them.
    names = judgments.judge.where(judgments.judge != NO_JUDGE, judgments.method)
    students = judgments.assign(method=names, judge="students")
    twice = students.method[students.duplicated(["benchmark", "method", "id"])]
    if len(twice):
        raise BadInput(f"{twice.iloc[0]!r} judged a pair twice; name the judges so that each has one method")
    return students


def _reading(every: pd.DataFrame) -> dict:
    scores = every.dropna(subset="score")
    if scores.empty:
        return dict.fromkeys([*READABLE, "rationale_tokens"], nan)
    swapped = scores.text_swapped.notna()
    read = pd.concat([scores.p_given, scores.p_swapped[swapped]]).notna()
    # Two judgments of a pair, which depend on each other, count together as one of another pair does.
    weight = scores.weight / (1 + swapped)
    weight, cluster = (pd.concat([column, column[swapped]]) for column in (weight, scores.cluster))
    tokens = np.average(scores.rationale_tokens, weights=scores.weight)
    return proportion(read, weight, cluster).named("readable", 100, 1) | {"rationale_tokens": round(tokens, 1)}
