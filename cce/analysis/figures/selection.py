"""Table 4 as a figure: what a selection gains over another on the same pairs, the paper's differences beside it."""

from math import nan
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cce.analysis.accuracy import AVERAGE
from cce.analysis.comparison import CONTRASTS
from cce.analysis.figures.dots import dots
from cce.analysis.figures.look import MEAN, NOT_IN_PAPER, family, model_title, save, style, title, titles
from cce.analysis.paper import REFERENCE, paper_gain, paper_name
from cce.benchmarks import PUBLISHED

PAPER_BUDGETS = ("8", "16")
OWN_SCALE = "not run here; its own scale"


def selection_differences(comparisons: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw the paired differences of Table 4, a panel a benchmark, a colour a judge and budget.

    Args:
        comparisons: as `selection_comparisons` makes them.
        path: the figure is written as path.svg and path.png.
        source: what the numbers come from; date and commit are added to it.

    The panels are those of `judge_accuracy`. The paper's differences are small beside the intervals of a small run, so
    that panels without a mark of ours have a scale of their own.
    """
    with style():
        others = [name for name in comparisons.benchmark.unique() if name not in (*PUBLISHED, AVERAGE)]
        marks = pd.concat([_ours(comparisons), _papers(comparisons, others)])
        panels = titles(comparisons.benchmark)
        unrun = [panel for panel in panels if panel not in set(comparisons.benchmark.map(title))]
        notes = dict.fromkeys(map(title, others), NOT_IN_PAPER) | dict.fromkeys(unrun, OWN_SCALE)
        label = "difference in accuracy (points) with 95% interval; right of the line the first is better"
        figure = dots(marks, panels, label, notes, line=0, sharex=False)
        _share([axes for panel, axes in zip(panels, figure.axes, strict=False) if panel in unrun])
        _share([axes for panel, axes in zip(panels, figure.axes, strict=False) if panel not in unrun])
        return save(figure, path, source)


def _share(panels: list[Axes]) -> None:
    for panel in panels[1:]:
        panel.sharex(panels[0])
    for panel in panels[:1]:
        panel.autoscale(axis="x")


def _ours(comparisons: pd.DataFrame) -> pd.DataFrame:
    marks = [
        {
            "panel": title(row.benchmark),
            "row": _contrast(family(row.method), family(row.baseline)),
            "who": f"{paper_name(row.judge)} @{row.method.partition('@')[2]}",
            "label": f"{model_title(row.judge)} @{row.method.partition('@')[2]}",
            "value": row.difference,
            "low": row.difference_low,
            "high": row.difference_high,
        }
        for row in comparisons.itertuples()
    ]
    return pd.DataFrame(marks).assign(paper=False)


def _papers(comparisons: pd.DataFrame, others: list[str]) -> pd.DataFrame:
    ours = {(family(row.method), family(row.baseline)): None for row in comparisons.itertuples()}
    contrasts = list(ours) or [(method, baseline) for baseline, methods in CONTRASTS.items() for method in methods]
    places = [(benchmark, title(benchmark), "") for benchmark in (*PUBLISHED, AVERAGE)]
    places += [(AVERAGE, title(benchmark), MEAN) for benchmark in others]
    marks = [
        {
            "panel": panel,
            "row": _contrast(*contrast),
            "who": f"{REFERENCE} @{budget}{mean}",
            "label": f"{REFERENCE} @{budget}{mean}",
            "value": paper_gain(benchmark, REFERENCE, *(f"{name}@{budget}" for name in contrast)),
        }
        for benchmark, panel, mean in places
        for contrast in contrasts
        for budget in PAPER_BUDGETS
    ]
    return pd.DataFrame(marks).assign(paper=True, low=nan, high=nan)


def _contrast(method: str, baseline: str) -> str:
    return f"{method}\nagainst {baseline}"
