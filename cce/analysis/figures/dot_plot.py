"""Dots with intervals, one panel per benchmark or measure: filled for this run, hollow for the paper."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from math import nan

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cce.analysis.figures.style import headings, panels, series_styles

NOT_RUN = "not run here"
COLUMNS = 6  # panels beside each other at most
ROW = 26  # characters on a line of a row's name


def our_marks(table: pd.DataFrame, measure: str, **places: str | pd.Series) -> pd.DataFrame:
    """One mark of this run per row of `table`; `places` are the columns panel, row, series and label of `dot_plot`.

    `measure` names the column of the values; the ends of their intervals, if any, are in `measure`_low and _high.
    """
    numbers = {"value": table[measure]} | {end: table.get(f"{measure}_{end}", nan) for end in ("low", "high")}
    return pd.DataFrame(places | numbers).astype(dict.fromkeys(numbers, float)).assign(paper=False)


def paper_marks(marks: Iterable[Mapping]) -> pd.DataFrame:
    """The paper's marks, each with panel, row, series, label and value, in the columns of `dot_plot`."""
    return pd.DataFrame(marks).assign(paper=True, low=nan, high=nan)


def dot_plot(
    marks: pd.DataFrame,
    titles: Sequence[str],
    xlabel: str,
    notes: Mapping[str, str],
    line: float | None = None,
    sharex: bool = True,
) -> Figure:
    """Draw marks in panels that share their rows.

    Args:
        marks: the columns panel, row, series, label (the name of the series in the legend), paper (bool), value, low
            and high (NaN for none). A series that we and the paper both have keeps its colour and shape.
        titles, xlabel: the panels in order, and what the values in all of them are.
        notes: what stands below a panel's title; without one, a panel that has no mark of this run says so.
        line: where a vertical line marks chance or no difference.
        sharex: whether the panels share the horizontal axis as well.
    """
    ran = set(marks.panel[~marks.paper])
    marks = marks.assign(row=marks.row.map(_wrapped))
    rows = list(marks.row.unique())
    marks = _placed(marks[marks.value.notna()], rows)
    styles = _styles(marks)
    bands = -(-len(titles) // COLUMNS)
    columns = -(-len(titles) // bands)
    figure, axes = panels(len(titles), 0.55 + _height(marks, rows), columns, sharex=sharex, sharey=True)
    for panel, title in zip(axes, titles, strict=True):
        _frame(panel, rows, line)
        _draw(panel, marks[marks.panel == title], styles)
    headings(axes, titles, [notes.get(title, "" if title in ran else NOT_RUN) for title in titles])
    axes[min(columns * (bands - 1) + (columns - 1) // 2, len(axes) - 1)].set_xlabel(xlabel)
    return figure


def name_rows(panel: Axes, names: Sequence[str]) -> None:
    """Put named rows on the vertical axis, the first at the top."""
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.4, -0.6)


def _wrapped(row: str) -> str:
    return "\n".join(textwrap.fill(line, ROW) for line in row.splitlines())


def _placed(marks: pd.DataFrame, rows: list[str]) -> pd.DataFrame:
    # Marks in one row of a panel stand below each other, around the middle of the row.
    in_row = marks.groupby(["panel", "row"], sort=False)
    shift = 0.7 * ((in_row.cumcount() + 0.5) / in_row.value.transform("size") - 0.5)
    labels = marks.paper.map({True: "the paper: ", False: "this run: "}) + marks.label
    return marks.assign(place=marks.row.map(rows.index) + shift, label=labels)


def _height(marks: pd.DataFrame, rows: list[str]) -> float:
    """The inches that the rows need."""
    lines = 1 + max(row.count("\n") for row in rows)
    most = marks.groupby(["panel", "row"]).size().max()
    return max(3, len(rows)) * max(0.03 + 0.11 * lines, 0.06 + 0.055 * most)


def _styles(marks: pd.DataFrame) -> dict[str, dict]:
    """The style of each series by its label: hollow for the paper, and grey where we do not have the same series."""
    ours = marks.series[~marks.paper].unique()
    colours = series_styles(marks.series[~marks.series.isin(ours)].unique(), paper=True) | series_styles(ours)
    return {
        one.label: colours[one.series] | ({"mfc": "none"} if one.paper else {"mew": 0.4}) | {"ls": "none"}
        for one in marks.drop_duplicates(["series", "label", "paper"]).itertuples()
    }


def _draw(panel: Axes, marks: pd.DataFrame, styles: dict[str, dict]) -> None:
    # Every series in every panel, so that the legend has them all in one order.
    for label, style in styles.items():
        own = marks[marks.label == label]
        # A line without a mark stands at the corner of the page, where the layout must not look for it.
        panel.plot(own.value, own.place, clip_on=False, in_layout=False, zorder=3, label=label, **style)
        known = own.dropna(subset=["low", "high"])
        panel.hlines(known.place, known.low, known.high, color=style["color"], lw=1)


def _frame(panel: Axes, rows: list[str], line: float | None) -> None:
    name_rows(panel, rows)
    panel.tick_params(axis="y", length=0)
    panel.spines.left.set_visible(False)
    panel.grid(axis="y")
    panel.xaxis.set_major_locator(MaxNLocator(15 // panel.get_gridspec().ncols, steps=[1, 2, 5, 10]))
    if line is not None:
        panel.axvline(line, color="0.7", linewidth=0.8, zorder=0)
