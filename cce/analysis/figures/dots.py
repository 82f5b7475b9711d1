"""Dots with intervals, a panel a benchmark or measure: filled for this run, hollow for the paper."""

import textwrap
from collections.abc import Mapping
from itertools import cycle, islice

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cce.analysis.figures.look import GREYS, NOT_RUN, PAPER_SHAPES, SHAPES, headings, legend, palette, panels

COLUMNS = 6  # panels beside each other at most
ROW = 26  # characters of a row's name in a line


def dots(
    marks: pd.DataFrame,
    titles: list[str],
    xlabel: str,
    notes: Mapping[str, str],
    line: float | None = None,
    sharex: bool = True,
) -> Figure:
    """Draw marks in panels that share their rows and, unless they show different measures, the horizontal axis.

    Args:
        marks: the columns panel, row, who (a voice), label (the voice in the legend), paper (bool), value, low, high
            (NaN for none). A voice of ours that is the paper's as well has one colour and shape.
        titles: the panels in order.
        xlabel: what the values are.
        notes: what stands below a panel's title; without one, a panel that has no mark of this run says so.
        line: where a vertical line marks chance or no difference.
    """
    ran = set(marks.panel[~marks.paper])
    rows = list(dict.fromkeys(marks.row.map(_wrapped)))
    marks = _placed(marks[marks.value.notna()], rows)
    bands = -(-len(titles) // COLUMNS)
    columns = -(-len(titles) // bands)
    figure, axes = panels(len(titles), 0.55 + _height(marks, rows), columns, sharex=sharex, sharey=True)
    for panel, title in zip(axes, titles, strict=True):
        own = marks[marks.panel == title]
        _frame(panel, rows, line)
        _draw(panel, own, marks)
    headings(axes, titles, [notes.get(title, "" if title in ran else NOT_RUN) for title in titles])
    axes[min(columns * (bands - 1) + (columns - 1) // 2, len(axes) - 1)].set_xlabel(xlabel)
    legend(figure)
    return figure


def _wrapped(row: str) -> str:
    return "\n".join(textwrap.fill(line, ROW) for line in row.splitlines())


def _placed(marks: pd.DataFrame, rows: list[str]) -> pd.DataFrame:
    # The marks of one row of a panel stand below each other, around the row's middle.
    in_row = marks.groupby(["panel", "row"], sort=False)
    shift = 0.7 * ((in_row.cumcount() + 0.5) / in_row.value.transform("size") - 0.5)
    labels = marks.paper.map({True: "the paper: ", False: "this run: "}) + marks.label
    return marks.assign(place=marks.row.map(_wrapped).map(rows.index) + shift, label=labels)


def _height(marks: pd.DataFrame, rows: list[str]) -> float:
    """Inches that the rows want."""
    lines = 1 + max(row.count("\n") for row in rows)
    most = marks.groupby(["panel", "row"]).size().max()
    return max(3, len(rows)) * max(0.03 + 0.11 * lines, 0.06 + 0.055 * most)


def _looks(marks: pd.DataFrame) -> dict[str, dict]:
    ours = list(dict.fromkeys(marks.who[~marks.paper]))
    theirs = [who for who in dict.fromkeys(marks.who) if who not in ours]
    colours = [*palette(len(ours)), *islice(cycle(GREYS), len(theirs))]
    shapes = [*islice(cycle(SHAPES), len(ours)), *islice(cycle(PAPER_SHAPES), len(theirs))]
    looks = zip(colours, shapes, strict=True)
    return {who: {"color": colour, "marker": shape} for who, (colour, shape) in zip(ours + theirs, looks, strict=True)}


def _draw(panel: Axes, marks: pd.DataFrame, voices: pd.DataFrame) -> None:
    # Every voice in every panel, so that the legend has all in one order.
    looks = _looks(voices)
    for who, label, paper in voices[["who", "label", "paper"]].drop_duplicates().itertuples(index=False):
        own = marks[marks.label == label]
        look = looks[who] | ({"mfc": "none"} if paper else {"mew": 0.4})
        # A line without a mark stands at the corner of the page, where the layout must not look for it.
        panel.plot(own.value, own.place, ls="none", clip_on=False, in_layout=False, zorder=3, label=label, **look)
        known = own.dropna(subset=["low", "high"])
        panel.hlines(known.place, known.low, known.high, color=look["color"], lw=1)


def _frame(panel: Axes, rows: list[str], line: float | None) -> None:
    panel.set_yticks(range(len(rows)), rows)
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.tick_params(axis="y", length=0)
    panel.spines.left.set_visible(False)
    panel.grid(axis="y")
    panel.xaxis.set_major_locator(MaxNLocator(15 // panel.get_gridspec().ncols, steps=[1, 2, 5, 10]))
    if line is not None:
        panel.axvline(line, color="0.7", linewidth=0.8, zorder=0)
