"""One number of the paper at a time: accuracies from its Tables 1, 2 and 4 and its Figure 3, scores from Table 3."""

from functools import cache
from math import nan

import pandas as pd

from cce.analysis.paper import figure3, paper_name, table1, table2, table3, table4
from cce.errors import BadInput
from cce.names import cce_family

# The judge of Table 4, of Figure 3 and of the headline.
REFERENCE = "gpt-4o"
# The paper's budget in Table 1.
BUDGET = 16
# A student of Table 2: its name, the judgments that taught it, and their number.
Student = tuple[str, str, int]


@cache
def cells() -> dict[tuple[str, str, str], float]:
    """Accuracy in percent by (benchmark, judge, method); the benchmark "average" is the mean of the row's five."""
    table = pd.concat([table1(), _selections()])
    means = table.groupby(["judge", "method"]).paper.mean().round(1).reset_index().assign(benchmark="average")
    # Last, so that a printed cell goes before one that was read off the figure.
    rows = pd.concat([_curve(), table, means])
    return dict(zip(zip(rows.benchmark, rows.judge, rows.method, strict=True), rows.paper, strict=True))


def _curve() -> pd.DataFrame:
    # The figure was drawn with random selection; nothing is selected at 0.
    curve = figure3()
    methods = ["vanilla" if budget == 0 else f"cce-random@{budget}" for budget in curve.budget]
    return curve.rename(columns={"accuracy": "paper"}).assign(judge=REFERENCE, method=methods)


def _selections() -> pd.DataFrame:
    table = table4()
    rows = zip(table.selection, table.removal, table.budget, strict=True)
    methods = [f"{cce_family(selection, removal)}@{budget}" for selection, removal, budget in rows]
    return table.assign(judge=REFERENCE, method=methods)[["judge", "method", "benchmark", "paper"]]


def paper_accuracy(benchmark: str, judge: str, method: str) -> float:
    """The paper's accuracy in percent for this judge's own name, without address; NaN where it has none."""
    return cells().get((benchmark, paper_name(judge), method), nan)


@cache
def student_cells() -> dict[tuple[str, str, str, int], float]:
    """Accuracy in percent by (benchmark, *student), a student being its name, judgments and samples as in `table2`.

    The benchmark "average" is the mean of the row's five.
    """
    table, row = table2(), ["student", "judgments", "samples"]
    means = table.groupby(row).paper.mean().round(1).reset_index().assign(benchmark="average")
    return pd.concat([table, means]).set_index(["benchmark", *row]).paper.to_dict()


def paper_student(benchmark: str, student: Student | None) -> float:
    """The accuracy in percent of one of Table 2's students; NaN for none, and on a benchmark that it was not run on.

    Raises BadInput for a student that the table does not have.
    """
    if student and ("average", *student) not in student_cells():
        students = sorted({cell[1:] for cell in student_cells()})
        raise BadInput(f"{student} is no student of the paper's Table 2, which has {', '.join(map(str, students))}")
    return student_cells().get((benchmark, *(student or ())), nan)


def paper_scores(base_model: str, instructions: str, count: int, sampling: str) -> dict[str, float]:
    """The paper's mtbench, alpaca_first and alpaca_second (Table 3; see `table3`); NaN where it has no such row."""
    table = table3().set_index(["base_model", "instructions", "count", "sampling"])
    row = (paper_name(base_model), instructions, count, sampling)
    return table.loc[row].to_dict() if row in table.index else dict.fromkeys(table.columns, nan)


def paper_gain(benchmark: str, judge: str, method: str, baseline: str) -> float:
    """By how many points the paper's judge gains with the method over the baseline; NaN where the paper lacks one."""
    gain = paper_accuracy(benchmark, judge, method) - paper_accuracy(benchmark, judge, baseline)
    return round(gain, 1)


def sought_gain(benchmark: str, judge: str, method: str, baseline: str) -> float:
    """The gain, in points, that a run should be able to see: the paper's own for this cell.

    Where it has none, GPT-4o's mean gain over the five benchmarks at this budget, or else at the paper's budget of
    16; NaN without that too.
    """
    average = ("average", REFERENCE)
    places = [(benchmark, judge, method, baseline), (*average, method, baseline)]
    places.append((*average, *map(_at_paper_budget, (method, baseline))))
    return next((gain for gain in (paper_gain(*place) for place in places) if gain == gain), nan)


def _at_paper_budget(method: str) -> str:
    return f"{method.split('@')[0]}@{BUDGET}" if "@" in method else method
