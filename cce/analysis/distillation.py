"""Table 2: trained judges, how often one writes a verdict that can be read and how often it is right.

A student goes by its short name, which the frames of judgments have in the column `judge`: "untrained", or "student: "
and what taught it ("student: vanilla", "student: cce@8", "student: labels"), or any other judge's name.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cce.analysis.accuracy import accuracy_table
from cce.analysis.comparison import COLUMNS as COMPARISON
from cce.analysis.comparison import comparison_table
from cce.analysis.paired import GROUP
from cce.analysis.paper.cells import Student, paper_student, student_cells
from cce.analysis.scoring import present, scored
from cce.analysis.statistics import interval
from cce.benchmarks.scoring import Scoring
from cce.errors import BadInput
from cce.names import NO_JUDGE

UNTRAINED, TAUGHT = "untrained", "student: "
# What the taught students are compared with.
BASELINES = [f"{TAUGHT}vanilla", UNTRAINED]
# The bases of the paper's students.
PAPER_BASES = ("llama-3.1-8b", "qwen2.5-7b")
# The judge's name where students stand as methods, so that tables of methods serve for them.
STUDENTS = "students"


def distillation_table(
    judgments: pd.DataFrame, scoring: Scoring = "paper", paper: Mapping[str, Student] | None = None
) -> pd.DataFrame:
    """Summarise the judgments of students, a row a student and benchmark, and their averages.

    Args:
        judgments: as `evaluate` makes them, with the students' short names as judges, one method each. Where no model
            judged, as with `length`, the method's name stands for the student's.
        scoring: paper or standard; see `cce.benchmarks.scoring`.
        paper: by short name, the student of the paper's Table 2 that a student of ours repeats, such as
            ("qwen2.5-7b", "cce", 10000).

    Returns the columns benchmark, student, pairs, missing (as in `accuracy_table`), correct, readable (percent of
    single judgments, over the orders asked for, that named an answer), accuracy (percent) and paper (percent, NaN where
    the paper has no such cell), consistent (percent, as in `accuracy_table`) and rationale_tokens (mean length in the
    order given). readable and accuracy have their 95% intervals beside them (_low, _high).
    Raises BadInput where one student judged a pair twice, or Table 2 lacks a student that `paper` names.
    """
    scores = scored(_by_student(judgments), scoring)
    readings = present(scores).groupby(GROUP, sort=False).apply(_reading).reset_index()
    table = accuracy_table(scores).merge(readings, "left", on=GROUP, validate="one_to_one")
    table = table.drop(columns="judge").rename(columns={"method": "student"})
    students = [(paper or {}).get(name) for name in table.student]
    return table.assign(paper=list(map(paper_student, table.benchmark, students)))[COLUMNS]


COLUMNS = ["benchmark", "student", "pairs", "missing", "correct", "readable", "readable_low", "readable_high"]
COLUMNS += ["accuracy", "accuracy_low", "accuracy_high", "paper", "consistent", "rationale_tokens"]


def teaching_table(judgments: pd.DataFrame, sets: Mapping[str, Sequence]) -> pd.DataFrame:
    """What became of the teacher's judgments, a row a method.

    Args:
        judgments: the teacher's, as `evaluate` makes them.
        sets: the examples by method, as `teaching_sets` makes them; a set of several methods is left out.

    Returns the columns method, pairs, verdicts (A or B), contradicted (verdicts against the label), accuracy (percent
    of the verdicts that agree with it), tokens (mean length of a rationale) and examples (what the student was given).
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
    """The training loss of each student, by name, from its folder: the columns student, step, loss (nats a token)."""
    files = [pd.read_csv(folder / "loss.csv").assign(student=name) for name, folder in folders.items()]
    return pd.concat(files, ignore_index=True)[["student", "step", "loss"]]


def paper_students(base: str, sets: Mapping[str, Sequence]) -> dict[str, Student]:
    """By short name, the students of Table 2 that our students repeat: of this base, taught so, with as many examples.

    `sets` are the examples by what taught, as `teaching_sets` makes them; a set of several methods is the paper's
    mixed one.
    """
    student = next((known for known in PAPER_BASES if known in base.lower()), base)
    kinds = {name: "cce+vanilla" if " + " in name else name.split("@")[0] for name in sets}
    wanted = {f"{TAUGHT}{name}": (student, kind, len(sets[name])) for name, kind in kinds.items()}
    return {name: one for name, one in wanted.items() if ("average", *one) in student_cells()}


def student_differences(
    judgments: pd.DataFrame, scoring: Scoring = "paper", paper: Mapping[str, Student] | None = None
) -> pd.DataFrame:
    """Compare every taught student with the one that vanilla judgments taught, and with the untrained one.

    Takes and raises what `distillation_table` does. Returns the rows of `comparison_table`, the students as methods of
    one judge "students": paired differences on the same pairs. The paper's difference is that of the two students that
    `paper` names; `sought` and `pairs_needed` are NaN.
    """
    scores = scored(_by_student(judgments), scoring)
    taught = [name for name in scores.method.unique() if name.startswith(TAUGHT)]
    tables = [comparison_table(scores[scores.method.isin([*taught, baseline])], baseline) for baseline in BASELINES]
    table = pd.concat([table for table in tables if len(table)] or [pd.DataFrame(columns=COMPARISON)])
    return table.assign(paper=[_paper_gain(row, paper or {}) for row in table.itertuples()]).reset_index(drop=True)


def _paper_gain(row, paper: Mapping[str, Student]) -> float:
    taught, baseline = (paper_student(row.benchmark, paper.get(name)) for name in (row.method, row.baseline))
    return round(taught - baseline, 1)


def _by_student(judgments: pd.DataFrame) -> pd.DataFrame:
    names = judgments.judge.where(judgments.judge != NO_JUDGE, judgments.method)
    students = judgments.assign(method=names, judge=STUDENTS)
    twice = students[students.duplicated(["benchmark", "method", "id"])]
    if len(twice):
        raise BadInput(f"{twice.method.iloc[0]!r} judged a pair twice; name the judges so that each has one method")
    return students


def _reading(scores: pd.DataFrame) -> pd.Series:
    swapped = scores.text_swapped.notna()
    read = pd.concat([scores.p_given, scores.p_swapped[swapped]]).notna()
    # Two judgments of a pair, which depend on each other, count together as one of another pair does.
    weight = scores.weight / (1 + swapped)
    weight, cluster = (pd.concat([column, column[swapped]]) for column in (weight, scores.cluster))
    shares = [np.average(read, weights=weight), *interval(read, weight, cluster)]
    tokens = np.average(scores.rationale_tokens, weights=scores.weight)
    names = ["readable", "readable_low", "readable_high", "rationale_tokens"]
    return pd.Series([*(round(100 * share, 1) for share in shares), round(tokens, 1)], names)
