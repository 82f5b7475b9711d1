"""Tables 1 and 4 and Figure 4: accuracy, gains by selection, and key points, the paper's numbers beside ours."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cce.analysis.accuracy import AVERAGE
from cce.analysis.comparison import CONTRASTS
from cce.analysis.figures.dot_plot import dot_plot, our_marks, paper_marks
from cce.analysis.figures.style import NOT_IN_PAPER, TITLES, model_title, save, styled, title, titles
from cce.analysis.paper import BUDGET, REFERENCE, cells, paper_accuracy, paper_gain, paper_name
from cce.names import family, method_parts

PAPER_BUDGETS, AGAINST = (8, 16), "\nagainst "
OWN_SCALE = "not run here; its own scale"
MEASURES = {"points": "key points a rationale", "coverage": "coverage of the pool (%)"}
DIRECTION = "the paper: CCE higher in both, no numbers printed"


def judge_accuracy(table: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw Table 1, one panel per benchmark.

    `table` is what `accuracy_table` returns; for `path` and `source` see `save`. Our own benchmarks come first; the
    paper's five always have their panels. A benchmark that the paper did not run shows GPT-4o's mean over the five for
    scale, and says so. Each row is a family of methods: the paper's maj@16 stands in the row of our maj@3.
    """
    with styled():
        families = table.method.map(family)
        rows = {name: ", ".join(methods.unique()) for name, methods in table.method.groupby(families)}
        places = {"panel": table.benchmark.map(title), "row": families.map(rows)}
        places |= {"series": table.judge.map(paper_name), "label": table.judge.map(model_title)}
        marks = pd.concat([our_marks(table, "accuracy", **places), _paper_accuracies(rows, table)])
        return save(accuracy_plot(marks, table.benchmark), path, source)


def selection_differences(comparisons: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw the paired differences of Table 4, one panel per benchmark and one colour per judge and budget.

    `comparisons` is what `selection_comparisons` returns; for `path` and `source` see `save`. The panels are those of
    `judge_accuracy`. The paper's differences are small beside the intervals of a small run, so panels without a mark
    of ours have a scale of their own.
    """
    with styled():
        marks = pd.concat([_our_differences(comparisons), _paper_differences(comparisons)])
        panels, ran = titles(comparisons.benchmark), set(comparisons.benchmark.map(title))
        notes = {panel: OWN_SCALE for panel in panels if panel not in ran}
        notes |= dict.fromkeys(_unpublished(comparisons.benchmark), NOT_IN_PAPER)
        xlabel = "difference in accuracy (points) with 95% interval; right of the line the first is better"
        figure = dot_plot(marks, panels, xlabel, notes, line=0, sharex=False)
        for with_ours in (True, False):
            _share([axes for panel, axes in zip(panels, figure.axes, strict=False) if (panel in ran) == with_ours])
        return save(figure, path, source)


def key_points_and_coverage(table: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw both measures of Figure 4, one row per benchmark and one colour per judge and method.

    `table` is what `key_point_table` returns; for `path` and `source` see `save`. The paper prints no numbers.
    """
    with styled():
        names = table.judge.map(model_title) + " with " + table.method
        places = {"row": table.benchmark.map(title), "series": names, "label": names}
        marks = pd.concat([our_marks(table, measure, panel=panel, **places) for measure, panel in MEASURES.items()])
        panels = list(MEASURES.values())
        figure = dot_plot(marks, panels, "mean with 95% interval", dict.fromkeys(panels, DIRECTION), sharex=False)
        for panel in figure.axes:
            panel.set_xlim(0, None)
        return save(figure, path, source)


def accuracy_plot(marks: pd.DataFrame, benchmarks: pd.Series) -> Figure:
    """Draw accuracies in percent in the panels of these benchmarks, on one axis that ends at 100."""
    notes = dict.fromkeys(_unpublished(benchmarks), NOT_IN_PAPER)
    xlabel = "accuracy (%) with 95% interval; the line marks chance"
    figure = dot_plot(marks, titles(benchmarks), xlabel, notes, line=50)
    # The axis begins at the quarter below all marks.
    begin = min(50, 25 * int(marks[["value", "low"]].min(axis=None) // 25))
    figure.axes[0].set(xlim=(begin, 100), xticks=range(begin, 101, 25 if begin else 50))
    return figure


def paper_places(benchmarks: pd.Series) -> list[tuple[str, str, str]]:
    """Which numbers of the paper stand where: their benchmark, their panel, and how the names of their series end.

    The panel of a benchmark that the paper did not run has its mean over five, for scale.
    """
    own = [(benchmark, title(benchmark), "") for benchmark in (*TITLES, AVERAGE)]
    return own + [(AVERAGE, benchmark, ", mean of five benchmarks") for benchmark in _unpublished(benchmarks)]


def _unpublished(benchmarks: pd.Series) -> list[str]:
    return [name for name in benchmarks.unique() if name not in (*TITLES, AVERAGE)]


def _paper_accuracies(rows: Mapping[str, str], table: pd.DataFrame) -> pd.DataFrame:
    # The paper's cells for our judges; GPT-4o's where it has none of these.
    known = {judge for _, judge, _ in cells()}
    judges = [name for name in map(paper_name, table.judge.unique()) if name in known] or [REFERENCE]
    return paper_marks(
        {"panel": panel, "row": row, "series": judge + mean, "label": f"{judge}, budget {BUDGET}{mean}"}
        | {"value": paper_accuracy(benchmark, judge, method)}
        for benchmark, panel, mean in paper_places(table.benchmark)
        for judge in ([REFERENCE] if mean else judges)
        for name, row in rows.items()
        for method in (name, f"{name}@{BUDGET}")
    )


def _our_differences(comparisons: pd.DataFrame) -> pd.DataFrame:
    budgets = comparisons.method.map(lambda method: f" @{method_parts(method).budget}")
    places = {"panel": comparisons.benchmark.map(title), "series": comparisons.judge.map(paper_name) + budgets}
    places["row"] = comparisons.method.map(family) + AGAINST + comparisons.baseline.map(family)
    return our_marks(comparisons, "difference", label=comparisons.judge.map(model_title) + budgets, **places)


def _paper_differences(comparisons: pd.DataFrame) -> pd.DataFrame:
    ours = dict.fromkeys(zip(comparisons.method.map(family), comparisons.baseline.map(family), strict=True))
    contrasts = list(ours) or [(method, baseline) for baseline, methods in CONTRASTS.items() for method in methods]
    return paper_marks(
        {"panel": panel, "row": method + AGAINST + baseline}
        | dict.fromkeys(("series", "label"), f"{REFERENCE} @{budget}{mean}")
        | {"value": paper_gain(benchmark, REFERENCE, f"{method}@{budget}", f"{baseline}@{budget}")}
        for benchmark, panel, mean in paper_places(comparisons.benchmark)
        for method, baseline in contrasts
        for budget in PAPER_BUDGETS
    )


def _share(panels: Sequence[Axes]) -> None:
    for panel in panels[1:]:
        panel.sharex(panels[0])
    for panel in panels[:1]:
        panel.autoscale(axis="x")
