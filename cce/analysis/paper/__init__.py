"""The numbers that the paper prints: its tables, one file each, single cells of them, and checks of them.

Source: "Crowd Comparative Reasoning: Unlocking Comprehensive Evaluations for LLM-as-a-Judge", Zhang et al.,
ACL 2025, arXiv 2502.12501. The files hold the cells of its Tables 1 to 4 and 6, accuracy in percent. Figure 3's
values were read off the figure, to about 0.1 points of accuracy and 2 tokens.
"""

from functools import cache
from importlib import import_module
from math import nan
from pathlib import Path

import pandas as pd

from cce.errors import BadInput
from cce.names import cce_family, method_parts, short_name

# The judge of Table 4, of Figure 3 and of the headline, and the paper's budget in Table 1.
REFERENCE, BUDGET = "gpt-4o", 16
# A student of Table 2: its name, the judgments that taught it, and their number.
Student = tuple[str, str, int]
STUDENT = ["student", "judgments", "samples"]


def __getattr__(name: str):
    # The checks are computed from the tables here, and so are loaded after them.
    return getattr(import_module("cce.analysis.paper.checks"), name)


def as_printed(file: str) -> pd.DataFrame:
    """A file of this folder as it stands: for a table, its rows, columns and printed averages."""
    return pd.read_csv(Path(__file__).with_name(file))


def table1() -> pd.DataFrame:
    """Table 1 in long form: judge, method, benchmark, paper (accuracy in percent)."""
    table = as_printed("table1_judge_accuracy.csv").drop(columns="average")
    return table.melt(["judge", "method"], var_name="benchmark", value_name="paper")


def table2() -> pd.DataFrame:
    """Table 2 in long form: student, judgments (that taught it), samples (of them), benchmark, paper (percent).

    Its first five students are judges published by others: their `judgments` are "published judge".
    """
    table = students().drop(columns="average").reset_index()
    return table.melt(STUDENT, var_name="benchmark", value_name="paper")


def students() -> pd.DataFrame:
    """Table 2 as printed: the five benchmarks and average, by student, judgments and samples."""
    names = {"training_judgments": "judgments", "training_samples": "samples"}
    return as_printed("table2_distillation.csv").rename(columns=names).set_index(STUDENT)


def table3() -> pd.DataFrame:
    """Table 3: base_model, instructions, count (of them), sampling (random, vanilla or crowd) and three scores.

    The instructions have the names that the kit loads them by, lima and tulu3_sft. The scores are mtbench (1 to 10),
    alpaca_first and alpaca_second (percent). AlpacaEval-2 is printed as two numbers that the text does not name: the
    win rate and the length-controlled one, in an unknown order.
    """
    table = as_printed("table3_rejection_sampling.csv")
    table["sampling"] = table.sampling.str.removesuffix(" rejection")
    table["instructions"] = table.instructions.replace({"tulu3": "tulu3_sft"})
    names = {"instruction_count": "count", "alpacaeval2_first": "alpaca_first", "alpacaeval2_second": "alpaca_second"}
    return table.rename(columns=names)


def table4() -> pd.DataFrame:
    """Table 4, judge GPT-4o, in long form: selection, removal (of the outcome), budget, benchmark, paper (percent)."""
    table = as_printed("table4_selection.csv").drop(columns="average")
    table = table.rename(columns={"outcome_removal": "removal", "crowd_judgments": "budget"})
    table["removal"] = table.removal == "yes"
    return table.melt(["selection", "removal", "budget"], var_name="benchmark", value_name="paper")


def figure3() -> pd.DataFrame:
    """Figure 3, judge GPT-4o, `overall` included: benchmark, budget, accuracy (percent), tokens (of the rationale)."""
    return as_printed("figure3_scaling.csv").rename(columns={"crowd_judgments": "budget", "cot_tokens": "tokens"})


def table6() -> pd.DataFrame:
    """Table 6: benchmark, pairs, focus."""
    return as_printed("table6_benchmarks.csv")


def paper_name(model: str) -> str:
    """A model as the paper writes it: `Qwen/Qwen2.5-7B-Instruct@http://...` is qwen2.5-7b-instruct."""
    return short_name(model).split("/")[-1].lower()


@cache
def cells() -> dict[tuple[str, str, str], float]:
    """Accuracy in percent by (benchmark, judge, method); the benchmark "average" is the mean of the row's five."""
    curve, selections = figure3().rename(columns={"accuracy": "paper"}), table4()
    # The figure was drawn with random selection; nothing is selected at 0.
    curve["method"] = [f"cce-random@{budget}" if budget else "vanilla" for budget in curve.budget]
    selections["method"] = [f"{cce_family(row.selection, row.removal)}@{row.budget}" for row in selections.itertuples()]
    table = _with_averages(pd.concat([table1(), selections.assign(judge=REFERENCE)]), ["judge", "method"])
    # Last, so that a printed cell goes before one that was read off the figure.
    rows = pd.concat([curve.assign(judge=REFERENCE), table])
    return dict(zip(zip(rows.benchmark, rows.judge, rows.method, strict=True), rows.paper, strict=True))


@cache
def student_cells() -> dict[tuple[str, str, str, int], float]:
    """Accuracy in percent by (benchmark, *student); the benchmark "average" is the mean of the row's five."""
    return _with_averages(table2(), STUDENT).set_index(["benchmark", *STUDENT]).paper.to_dict()


def paper_accuracy(benchmark: str, judge: str, method: str) -> float:
    """The paper's accuracy in percent for this judge, whatever its address; NaN where the paper has none."""
    return cells().get((benchmark, paper_name(judge), method), nan)


def paper_student(benchmark: str, student: Student | None) -> float:
    """The accuracy in percent of one of Table 2's students; NaN for None, and on a benchmark that it was not run on.

    Raises BadInput for a student that the table does not have.
    """
    if student and ("average", *student) not in student_cells():
        known = sorted({cell[1:] for cell in student_cells()})
        raise BadInput(f"{student} is no student of the paper's Table 2, which has {', '.join(map(str, known))}")
    return student_cells().get((benchmark, *(student or ())), nan)


def paper_scores(base_model: str, instructions: str, count: int, sampling: str) -> dict[str, float]:
    """The paper's mtbench, alpaca_first and alpaca_second (see `table3`); NaN where it has no such row."""
    table = table3().set_index(["base_model", "instructions", "count", "sampling"])
    row = (paper_name(base_model), instructions, count, sampling)
    return table.loc[row].to_dict() if row in table.index else dict.fromkeys(table.columns, nan)


def paper_gain(benchmark: str, judge: str, method: str, baseline: str) -> float:
    """By how many points the paper's judge gains with the method over the baseline; NaN where the paper lacks one."""
    return round(paper_accuracy(benchmark, judge, method) - paper_accuracy(benchmark, judge, baseline), 1)


def sought_gain(benchmark: str, judge: str, method: str, baseline: str) -> float:
    """The gain, in points, that a run should be able to see: the paper's own for this cell.

    Where it has none, GPT-4o's mean gain over the five benchmarks at this budget, or else at the paper's budget of
    16; NaN without that too.
    """
    parts = map(method_parts, (method, baseline))
    at_paper_budget = [f"{name}@{BUDGET}" if budget else name for name, budget in parts]
    average = ("average", REFERENCE)
    places = [(benchmark, judge, method, baseline), (*average, method, baseline), (*average, *at_paper_budget)]
    return next((gain for gain in (paper_gain(*place) for place in places) if gain == gain), nan)


def _with_averages(table: pd.DataFrame, row: list[str]) -> pd.DataFrame:
    means = table.groupby(row).paper.mean().round(1).reset_index()
    return pd.concat([table, means.assign(benchmark="average")])
