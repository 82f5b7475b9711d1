"""Dots in panels with named rows: numbers with intervals, filled for this run, hollow for the paper; and one pair."""

import textwrap
from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cce.analysis.figures.style import COLOURS, headings, model_title, panels, save, series_styles, styled
from cce.crowd.result import speaker
from cce.names import NO_JUDGE

NOT_RUN = "not run here"
# An outcome has a shape as well as a colour.
OUTCOMES = {
    "lost": {"marker": "v", "color": COLOURS[1], "label": "A or B lost"},
    "won": {"marker": "^", "color": COLOURS[0], "label": "A or B won"},
    None: {"marker": "x", "color": "0.5", "label": "neither"},
}
SIDES = {"A": 0, "B": 1}


def our_marks(table: pd.DataFrame, measure: str, **places: str | pd.Series) -> pd.DataFrame:
    """One mark of this run per row of `table`; `places` are the columns panel, row, series and label of `dot_plot`. The
    values are in the column `measure`, and the ends of their intervals, if any, in `measure`_low and _high.
    """
    numbers = {"value": table[measure]} | {end: table.get(f"{measure}_{end}", nan) for end in ("low", "high")}
    return pd.DataFrame(places | numbers).astype(dict.fromkeys(numbers, float)).assign(paper=False)


def dot_plot(
    marks: pd.DataFrame, titles: Sequence[str], xlabel: str, notes: Mapping[str, str], line: float | None = None
) -> Figure:
    """Draw marks in panels that share their rows; `titles` are the panels in order, `xlabel` holds for all of them.

    `marks` has the columns panel, row, series, label (the name of the series in the legend), paper (bool), value, low
    and high (NaN for none). A series that we and the paper both have keeps its colour and shape. `notes` stand below
    the titles; a panel without one and without a mark of this run says so. `line` is chance, or no difference.
    """
    ran = set(marks.panel[~marks.paper])
    rows = list(marks.row.unique())
    marks = _placed(marks[marks.value.notna()], rows)
    styles = _styles(marks)
    names = ["\n".join(textwrap.fill(part, 26) for part in row.splitlines()) for row in rows]
    lines, most = 1 + max(name.count("\n") for name in names), marks.groupby(["panel", "row"]).size().max()
    height = 0.55 + max(3, len(names)) * max(0.03 + 0.11 * lines, 0.06 + 0.055 * most)
    figure, axes = panels(len(titles), height, columns=6, sharey=True)
    for panel, title in zip(axes, titles, strict=True):
        _name_rows(panel, names)
        _draw(panel, marks[marks.panel == title], styles, line)
    headings(axes, titles, [notes.get(title, "" if title in ran else NOT_RUN) for title in titles])
    # Below the middle of the last row.
    columns = axes[0].get_gridspec().ncols
    axes[min((len(axes) - 1) // columns * columns + (columns - 1) // 2, len(axes) - 1)].set_xlabel(xlabel)
    return figure


@styled()
def one_pair(results: Sequence[Mapping], path: str | Path, source: str) -> Figure:
    """Draw the records of one pair: a panel of crowd judgments for each that has some, then the verdicts of all."""
    crowds = [(result["method"], crowd) for result in results if (crowd := result["trace"]["crowd"])]
    judges = {result["judge"] for result in results} - {NO_JUDGE}
    rows = max([len(results) + 1, *(len(crowd) / 2 for _, crowd in crowds)])
    figure, axes = panels(len(crowds) + 1, 0.4 + 0.2 * rows, columns=2)
    for panel, (_, crowd) in zip(axes, crowds, strict=False):
        _draw_crowd(panel, crowd)
    _draw_verdicts(axes[-1], results, one_judge=len(judges) == 1)
    verdicts = f"verdicts: {model_title(*judges)}" if len(judges) == 1 else "verdicts"
    headings(axes, [*(f"the crowd of {method}" for method, _ in crowds), verdicts], [""] * len(axes))
    return save(figure, path, source)


def _placed(marks: pd.DataFrame, rows: list[str]) -> pd.DataFrame:
    # Marks in one row of a panel stand below each other, around the middle of the row.
    in_row = marks.groupby(["panel", "row"], sort=False)
    shift = 0.7 * ((in_row.cumcount() + 0.5) / in_row.value.transform("size") - 0.5)
    labels = marks.paper.map({True: "the paper: ", False: "this run: "}) + marks.label
    return marks.assign(place=marks.row.map(rows.index) + shift, label=labels)


def _styles(marks: pd.DataFrame) -> dict[str, dict]:
    """The style of each series by its label: hollow for the paper, and grey where we do not have the same series."""
    ours = marks.series[~marks.paper].unique()
    colours = series_styles(marks.series[~marks.series.isin(ours)].unique(), paper=True) | series_styles(ours)
    return {
        one.label: colours[one.series] | ({"mfc": "none"} if one.paper else {"mew": 0.4}) | {"ls": "none"}
        for one in marks.drop_duplicates(["series", "label", "paper"]).itertuples()
    }


def _draw(panel: Axes, marks: pd.DataFrame, styles: dict[str, dict], line: float | None) -> None:
    # Every series in every panel, so that the legend has them all in one order.
    for label, style in styles.items():
        own = marks[marks.label == label]
        # A line without a mark stands at the corner of the page, where the layout must not look for it.
        panel.plot(own.value, own.place, clip_on=False, in_layout=False, zorder=3, label=label, **style)
        known = own.dropna(subset=["low", "high"])
        panel.hlines(known.place, known.low, known.high, color=style["color"], lw=1)
    panel.tick_params(axis="y", length=0)
    panel.spines.left.set_visible(False)
    panel.grid(axis="y")
    panel.xaxis.set_major_locator(MaxNLocator(15 // panel.get_gridspec().ncols, steps=[1, 2, 5, 10]))
    if line is not None:
        panel.axvline(line, color="0.7", linewidth=0.8, zorder=0)


def _name_rows(panel: Axes, names: Sequence[str]) -> None:
    """Put named rows on the vertical axis, the first at the top."""
    panel.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6))


def _draw_crowd(panel: Axes, judgments: Sequence[Mapping]) -> None:
    speakers = list(dict.fromkeys(map(speaker, judgments)))
    for judgment in judgments:
        place = SIDES[judgment["candidate"]], speakers.index(speaker(judgment))
        panel.plot(*place, ls="none", ms=6, **OUTCOMES[judgment["outcome"]])
        if judgment["selected"]:
            panel.plot(*place, "o", ms=10, mfc="none", color="0.2", label="selected")
    panel.set(xlim=(-0.5, 1.5), xticks=[0, 1], xticklabels=["A against", "B against"])
    _name_rows(panel, speakers)


def _draw_verdicts(panel: Axes, results: Sequence[Mapping], one_judge: bool) -> None:
    if label := results[0]["label"]:
        panel.axvline(SIDES[label], color="0.8", linewidth=6, zorder=0, label="the better one by the label")
    for row, one in enumerate(results):
        if one["p_a"] is None:
            panel.text(0.5, row, "missing" if one["failed"] else "unreadable", ha="center", va="center", color="0.35")
        else:
            panel.plot(1 - one["p_a"], row, "o", ms=6, color="0.1", label="verdict")
    panel.set(xlim=(-0.5, 1.5), xticks=[0, 0.5, 1], xticklabels=["A", "tie", "B"])
    _name_rows(panel, [one["method"] + ("" if one_judge else f", {model_title(one['judge'])}") for one in results])
