"""Figure 4 as a figure: key points and coverage of the rationales, by benchmark and method."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from cce.analysis.figures.dots import dots
from cce.analysis.figures.look import model_title, save, style, title

THE_PAPER = "the paper: CCE higher in both, no numbers printed"
MEASURES = {"points": "key points a rationale", "coverage": "coverage of the pool (%)"}


def key_points_and_coverage(table: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw both measures, a row a benchmark, a colour a judge and method; the paper prints a direction, no numbers.

    Args:
        table: as `key_point_table` makes it.
        path: the figure is written as path.svg and path.png.
        source: what the numbers come from; date and commit are added to it.
    """
    with style():
        marks = pd.concat([_marks(table, measure, panel) for measure, panel in MEASURES.items()])
        notes = dict.fromkeys(MEASURES.values(), THE_PAPER)
        figure = dots(marks, list(MEASURES.values()), "mean with 95% interval", notes, sharex=False)
        for panel in figure.axes:
            panel.set_xlim(0, None)
        return save(figure, path, source)


def _marks(table: pd.DataFrame, measure: str, panel: str) -> pd.DataFrame:
    who = table.judge.map(model_title) + " with " + table.method
    numbers = {"value": table[measure], "low": table[f"{measure}_low"], "high": table[f"{measure}_high"]}
    places = {"panel": panel, "row": table.benchmark.map(title), "who": who, "label": who}
    return pd.DataFrame(places | numbers).assign(paper=False)
