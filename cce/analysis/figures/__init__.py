"""Figures: Tables 1 to 4 and Figure 4 as dot plots here, one pair and the curves beside.

Each function draws a table of `cce.analysis`, saves the figure by `style.save`, to which `path` and `source` go, and
returns it.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from cce.analysis.comparison import CONTRASTS, at_budget
from cce.analysis.figures.beyond import frontier, open_questions
from cce.analysis.figures.calibration import calibration
from cce.analysis.figures.curves import loss_curves, scaling
from cce.analysis.figures.dot_plot import NOT_RUN, dot_plot, one_pair, our_marks
from cce.analysis.figures.published import published_verdicts
from cce.analysis.figures.style import NOT_IN_PAPER, TITLES, model_title, save, styled, title, titles
from cce.analysis.paper import (
    BUDGET,
    BUDGETS,
    REFERENCE,
    cells,
    paper_accuracy,
    paper_gain,
    paper_name,
    student_cells,
    table3,
)
from cce.names import AVERAGE, TAUGHT, UNTRAINED, family, method_parts, short_name

__all__ = ["calibration", "distillation", "frontier", "judge_accuracy", "key_points_and_coverage", "loss_curves"]
__all__ += ["one_pair", "open_questions", "published_verdicts", "rejection", "scaling", "selection_differences"]

AGAINST = "\nagainst "
MEASURES = {"points": "key points per rationale", "coverage": "coverage of the full list (%)"}
# The panel of each column, ours or the paper's: it does not say which of its two rates is which of ours.
SCORES = {
    "mtbench": "MT-Bench score (1\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}10)",
    "win_rate": "AlpacaEval-2 win rate\N{NO-BREAK SPACE}(%)",
    "length_controlled": "AlpacaEval-2 length-controlled win rate\N{NO-BREAK SPACE}(%)",
    "alpaca_first": "the paper's AlpacaEval-2 (%), first of two",
    "alpaca_second": "the paper's AlpacaEval-2 (%), second of two",
}


@styled()
def judge_accuracy(table: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw Table 1 from an `accuracy_table`, one panel per benchmark.

    The paper's five always have their panels; a benchmark that it did not run shows GPT-4o's mean over them for scale,
    and says so. Each row is a family of methods: the paper's maj@16 stands in the row of our maj@3.
    """
    families = table.method.map(family)
    rows = {name: ", ".join(methods.unique()) for name, methods in table.method.groupby(families)}
    places = {"panel": table.benchmark.map(title), "row": families.map(rows)}
    places |= {"series": table.judge.map(paper_name), "label": table.judge.map(model_title)}
    marks = pd.concat([our_marks(table, "accuracy", **places), _paper_accuracies(rows, table)])
    return save(_accuracy_plot(marks, table.benchmark), path, source)


@styled()
def selection_differences(comparisons: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw the paired differences of Table 4 from `selection_comparisons`, one colour per judge and budget.

    The panels are those of `judge_accuracy`. The paper's differences are small beside the intervals of a small run,
    so panels without a mark of ours have a scale of their own.
    """
    marks = pd.concat([_our_differences(comparisons), _paper_differences(comparisons)])
    names, ran = titles(comparisons.benchmark), set(comparisons.benchmark.map(title))
    notes = {name: "not run here; its own scale" for name in names if name not in ran}
    notes |= _notes_on_unpublished(comparisons.benchmark)
    xlabel = "difference in accuracy (points) with 95% interval; right of the line the first is better"
    figure, leaders = dot_plot(marks, names, xlabel, notes, line=0), {}
    for name, panel in zip(names, figure.axes, strict=False):
        if (leader := leaders.setdefault(name in ran, panel)) is not panel:
            panel.sharex(leader)
    for leader in leaders.values():
        leader.autoscale(axis="x")
    return save(figure, path, source)


@styled()
def key_points_and_coverage(table: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw both measures of Figure 4 from a `key_point_table`; the paper prints no numbers."""
    names = table.judge.map(model_title) + " with " + table.method
    places = {"row": table.benchmark.map(title), "series": names, "label": names}
    marks = pd.concat([our_marks(table, measure, panel=panel, **places) for measure, panel in MEASURES.items()])
    notes = dict.fromkeys(MEASURES.values(), "the paper: CCE higher in both, no numbers printed")
    figure = dot_plot(marks, list(notes), "mean with 95% interval", notes)
    for panel in figure.axes:
        panel.set_xlim(0, None)
    return save(figure, path, source)


@styled()
def distillation(table: pd.DataFrame, path: str | Path, source: str, base_model: str) -> Figure:
    """Draw Table 2 from a `distillation_table`; `base_model` is what our students started from, `NAME@BASE_URL` too."""
    marks = pd.concat([_our_students(table, base_model), _paper_students(table.benchmark)])
    return save(_accuracy_plot(marks, table.benchmark), path, source)


@styled()
def rejection(table: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw Table 3 from a `rejection_table`, one panel per score; rows are sets of instructions and ways to pick."""
    marks = pd.concat([_scores(table), _scores(table3()).assign(paper=True)])
    notes = {SCORES[name]: "rate not named" for name in ("alpaca_first", "alpaca_second")}
    for rate in ("win_rate", "length_controlled"):
        notes[SCORES[rate]] = ("" if table[rate].notna().any() else f"{NOT_RUN}; ") + "the paper's: right"
    figure = dot_plot(marks, list(SCORES.values()), "score with 95% interval", notes)
    # All of AlpacaEval-2 on one scale, whichever of the paper's numbers is which.
    percent = marks[marks.panel != SCORES["mtbench"]][["value", "high"]].max(axis=None)
    for panel, name in zip(figure.axes, SCORES, strict=False):
        panel.set_xlim(0, 10 if name == "mtbench" else 1.05 * percent)
    return save(figure, path, source)


def _accuracy_plot(marks: pd.DataFrame, benchmarks: pd.Series) -> Figure:
    """Accuracies in percent in the panels of these benchmarks, on axes that end at 100."""
    xlabel = "accuracy (%) with 95% interval; the line marks chance"
    figure = dot_plot(marks, titles(benchmarks), xlabel, _notes_on_unpublished(benchmarks), line=50)
    # The axes begin at the quarter below all marks.
    begin = min(50, 25 * int(marks[["value", "low"]].min(axis=None) // 25))
    for panel in figure.axes:
        panel.set(xlim=(begin, 100), xticks=range(begin, 101, 25 if begin else 50))
    return figure


def _notes_on_unpublished(benchmarks: pd.Series) -> dict[str, str]:
    return {name: NOT_IN_PAPER for name in benchmarks.unique() if name not in (*TITLES, AVERAGE)}


def _paper_places(benchmarks: pd.Series) -> list[tuple[str, str, str]]:
    """Which numbers of the paper stand where: their benchmark, their panel, and how the names of their series end."""
    own = [(benchmark, title(benchmark), "") for benchmark in (*TITLES, AVERAGE)]
    return own + [(AVERAGE, name, ", mean of five benchmarks") for name in _notes_on_unpublished(benchmarks)]


def _paper_accuracies(rows: Mapping[str, str], table: pd.DataFrame) -> pd.DataFrame:
    # The paper's cells for our judges; GPT-4o's where it has none of these.
    known = {judge for _, judge, _ in cells()}
    judges = [name for name in map(paper_name, table.judge.unique()) if name in known] or [REFERENCE]
    return pd.DataFrame(
        {"panel": panel, "row": row, "series": judge + mean, "label": f"{judge}, budget {BUDGET}{mean}"}
        | {"value": paper_accuracy(benchmark, judge, method)}
        for benchmark, panel, mean in _paper_places(table.benchmark)
        for judge in ([REFERENCE] if mean else judges)
        for name, row in rows.items()
        for method in (name, f"{name}@{BUDGET}")
    ).assign(paper=True)


def _our_differences(comparisons: pd.DataFrame) -> pd.DataFrame:
    numbers = [method_parts(method).budget for method in comparisons.method]
    budgets = pd.Series([f" @{number}" if number else "" for number in numbers], comparisons.index)
    places = {"panel": comparisons.benchmark.map(title), "series": comparisons.judge.map(paper_name) + budgets}
    places["row"] = comparisons.method.map(family) + AGAINST + comparisons.baseline.map(family)
    return our_marks(comparisons, "difference", label=comparisons.judge.map(model_title) + budgets, **places)


def _paper_differences(comparisons: pd.DataFrame) -> pd.DataFrame:
    ours = dict.fromkeys(zip(comparisons.method.map(family), comparisons.baseline.map(family), strict=True))
    contrasts = list(ours) or [(method, baseline) for baseline, methods in CONTRASTS.items() for method in methods]
    return (
        pd.DataFrame(
            {"panel": panel, "row": method + AGAINST + baseline}
            | dict.fromkeys(("series", "label"), f"{REFERENCE} @{budget}{mean}")
            | {"value": paper_gain(benchmark, REFERENCE, f"{method}@{budget}", at_budget(baseline, budget))}
            for benchmark, panel, mean in _paper_places(comparisons.benchmark)
            for method, baseline in contrasts
            for budget in BUDGETS
        )
        .dropna(subset="value")
        .assign(paper=True)
    )


def _our_students(table: pd.DataFrame, base_model: str) -> pd.DataFrame:
    of_base = (table.student == UNTRAINED) | table.student.str.startswith(TAUGHT)
    places = {"panel": table.benchmark.map(title), "row": table.student.map(short_name).str.split("/").str[-1]}
    for part, name in {"series": paper_name, "label": model_title}.items():
        places[part] = of_base.map({True: name(base_model), False: "not trained here"})
    return our_marks(table, "accuracy", **places)


def _paper_students(benchmarks: pd.Series) -> pd.DataFrame:
    cells = pd.Series(student_cells()).rename_axis(["benchmark", "student", "judgments", "samples"])
    cells = cells.reset_index(name="value").assign(published=lambda cells: cells.judgments == "published judge")
    places = pd.DataFrame(_paper_places(benchmarks), columns=["benchmark", "panel", "mean"])
    # The paper's own students come first.
    marks = places.merge(cells.sort_values("published", kind="stable")).assign(paper=True)
    trained = marks.judgments + (marks.samples // 1000).map(", {}K".format)
    names = marks.student.mask(marks.published, marks.judgments) + marks["mean"]
    return marks.assign(row=trained.mask(marks.published, marks.student), series=names, label=names)


def _scores(table: pd.DataFrame) -> pd.DataFrame:
    rows = table.instructions + table["count"].map(" {:,}, ".format) + table.sampling
    places = {"row": rows.where(table.sampling != UNTRAINED, UNTRAINED)}
    places |= {"series": table.base_model.map(paper_name), "label": table.base_model.map(model_title)}
    marks = [our_marks(table, name, panel=panel, **places) for name, panel in SCORES.items() if name in table]
    return pd.concat(marks).dropna(subset="value")
