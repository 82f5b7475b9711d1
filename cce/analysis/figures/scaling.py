"""Figure 3: accuracy and length of the rationale over crowd judgments, and accuracy over tokens spent."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from cce.analysis.accuracy import OVERALL
from cce.analysis.figures.dot_plot import NOT_RUN
from cce.analysis.figures.style import NOT_IN_PAPER, headings, model_title, panels, save, series_styles, styled, title
from cce.analysis.paper import REFERENCE, figure3

COLUMNS = 5  # benchmarks beside each other at most
SERIES = ["judge", "selection"]
PAPER = dict(list(figure3().groupby("benchmark", sort=False)))
CURVE, SCALE = (style | {"mfc": "white"} for style in series_styles(range(2), paper=True).values())
FLOOR = {"color": "0.6", "lw": 0.8, "ls": ":"}


def scaling(table: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw one column of panels per benchmark, and one for each curve of the paper's that was not run.

    `table` is what `scaling_table` returns; for `path` and `source` see `save`. A column shows, from the top, accuracy
    over the number of crowd judgments (bars: 95% interval over pairs; band: from the lowest to the highest seed),
    length of the rationale over the same number, and accuracy over the tokens spent on a pair, which the paper does
    not print. Each judge and selection has its own colour. The paper's curves are hollow and grey; on a benchmark that
    it lacks, its overall curve is shown for scale, and named.
    """
    with styled():
        own = [name for name in table.benchmark.unique() if name not in PAPER]
        benchmarks = [*own, *PAPER]
        columns = min(COLUMNS, len(benchmarks))
        figure, axes = panels(3 * columns * -(-len(benchmarks) // columns), 0.95, columns)
        stacks = np.reshape(axes, (-1, 3, columns)).swapaxes(1, 2).reshape(-1, 3)
        styles = series_styles(table.groupby(SERIES, sort=False).groups)
        for stack, benchmark in zip(stacks, benchmarks, strict=False):
            _draw(stack, table[table.benchmark == benchmark], PAPER.get(benchmark), styles)
        for stack in stacks[::columns]:
            _name_axes(*stack)
        for panel in axes:
            if not panel.lines:
                panel.set_axis_off()
        notes = dict.fromkeys(PAPER, NOT_RUN) | dict.fromkeys(table.benchmark, "") | dict.fromkeys(own, NOT_IN_PAPER)
        headings(stacks[: len(benchmarks), 0], list(map(title, benchmarks)), [notes[name] for name in benchmarks])
        _name_series(axes[0], styles, table, own)
        return save(figure, path, source)


def _name_series(panel: Axes, styles: Mapping[tuple, dict], table: pd.DataFrame, own: Sequence[str]) -> None:
    paper = f"the paper: {REFERENCE}, random selection"
    named = {f"this run: {model_title(judge)}, {chosen} selection": style for (judge, chosen), style in styles.items()}
    if table.length.notna().any():
        named["this run: no model, the longer answer"] = FLOOR
    named[paper] = CURVE
    if own:
        named[f"{paper}, its overall"] = SCALE
    for label, style in named.items():
        panel.plot([], [], **style, label=label)


def _draw(stack: Sequence[Axes], table: pd.DataFrame, paper: pd.DataFrame | None, styles: Mapping[tuple, dict]) -> None:
    accuracy, length, spending = stack
    # Budgets stand at even distances, as in the paper.
    ticks = sorted({*figure3().budget, *table.budget})
    for series, curve in table.groupby(SERIES, sort=False):
        places = [ticks.index(budget) for budget in curve.budget]
        accuracy.plot(places, curve.accuracy, **styles[series])
        length.plot(places, curve.rationale_tokens, **styles[series])
        _spread(accuracy, places, curve, styles[series]["color"])
        _spent(spending, curve, styles[series])
    spending.margins(x=0.15)  # for the last budget's name
    spending.set_xlim(0, None)
    spending.xaxis.set(major_locator=MaxNLocator(2), major_formatter=EngFormatter(sep=""))
    if table.length.notna().any():
        accuracy.axhline(table.length.iloc[0], **FLOOR)
    curve, style = (PAPER[OVERALL], SCALE) if paper is None else (paper, CURVE)
    places = [ticks.index(budget) for budget in curve.budget]
    accuracy.plot(places, curve.accuracy, **style)
    length.plot(places, curve.tokens, **style)
    accuracy.set_xticks(range(len(ticks)), [""] * len(ticks))
    length.set_xticks(range(len(ticks)), ticks)


def _spread(panel: Axes, places: Sequence[int], curve: pd.DataFrame, colour: tuple) -> None:
    numbers = curve[["accuracy_low", "accuracy_high", "lowest", "highest"]].astype(float)
    panel.vlines(places, numbers.accuracy_low, numbers.accuracy_high, lw=0.8, color=colour)
    panel.fill_between(places, numbers.lowest, numbers.highest, color=colour, alpha=0.2, lw=0)


def _spent(panel: Axes, curve: pd.DataFrame, style: dict) -> None:
    panel.plot(curve.spent_tokens, curve.accuracy, **style)
    for row in curve.iloc[[0, -1]].itertuples():
        panel.annotate(row.budget, (row.spent_tokens, row.accuracy), (2, 3), textcoords="offset points", fontsize=6)


def _name_axes(accuracy: Axes, length: Axes, spending: Axes) -> None:
    accuracy.set_ylabel("accuracy (%)")
    length.set(xlabel="crowd judgments", ylabel="rationale\n(tokens)")
    spending.set(xlabel="tokens spent a pair\n(not in the paper)", ylabel="accuracy (%)")
