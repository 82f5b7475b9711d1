"""Curves: Figure 3, with accuracy over tokens spent beside it, and the losses of the students."""

from collections.abc import Mapping, Sequence
from math import ceil
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

SERIES = ["judge", "selection"]
PAPER = dict(list(figure3().groupby("benchmark", sort=False)))
CURVE, SCALE = (style | {"mfc": "white"} for style in series_styles(range(2), paper=True).values())
FLOOR = {"color": "0.6", "lw": 0.8, "ls": ":"}


@styled()
def scaling(table: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw a `scaling_table`: one column of panels per benchmark, and one for each of the paper's that was not run.

    A column shows, from the top, accuracy over the number of crowd judgments (bars: 95% interval over pairs; band:
    from the lowest to the highest seed), length of the rationale over the same number, and accuracy over the tokens
    spent on a pair, which the paper does not print. Each judge and selection has its own colour. The paper's curves
    are hollow and grey; on a benchmark that it lacks, its overall curve is shown for scale, and named.
    """
    own = [name for name in table.benchmark.unique() if name not in PAPER]
    benchmarks = [*own, *PAPER]
    columns = min(5, len(benchmarks))
    figure, axes = panels(3 * columns * ceil(len(benchmarks) / columns), 0.95, columns)
    stacks = np.reshape(axes, (-1, 3, columns)).swapaxes(1, 2).reshape(-1, 3)
    styles = series_styles(table.groupby(SERIES, sort=False).groups)
    for stack, benchmark in zip(stacks, benchmarks, strict=False):
        _draw(stack, table[table.benchmark == benchmark], PAPER.get(benchmark), styles)
    for accuracy, length, spending in stacks[::columns]:
        accuracy.set_ylabel("accuracy (%)")
        length.set(xlabel="crowd judgments", ylabel="rationale\n(tokens)")
        spending.set(xlabel="tokens spent per pair\n(not in the paper)", ylabel="accuracy (%)")
    for panel in axes:
        if not panel.lines:
            panel.set_axis_off()
    notes = dict.fromkeys(PAPER, NOT_RUN) | dict.fromkeys(table.benchmark, "") | dict.fromkeys(own, NOT_IN_PAPER)
    headings(stacks[: len(benchmarks), 0], list(map(title, benchmarks)), [notes[name] for name in benchmarks])
    _name_series(axes[0], styles, floor=table.floor.notna().any(), own=bool(own))
    return save(figure, path, source)


@styled()
def loss_curves(losses: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw the students' training from rows of student, step and loss (mean cross-entropy per token, in nats)."""
    figure, (panel,) = panels(1, 1.5)
    styles = series_styles(losses.student.unique())
    for student, curve in losses.groupby("student", sort=False):
        panel.plot(curve.step, curve.loss, label=f"this run: {student}", mew=0, markevery=0.08, **styles[student])
    panel.set(xlabel="step", ylabel="training loss (nats per token)", ylim=(0, None))
    headings([panel], ["loss of the students"], [NOT_IN_PAPER])
    return save(figure, path, source)


def _name_series(panel: Axes, styles: Mapping[tuple, dict], floor: bool, own: bool) -> None:
    paper = f"the paper: {REFERENCE}, random selection"
    named = {f"this run: {model_title(judge)}, {chosen} selection": style for (judge, chosen), style in styles.items()}
    named |= {"this run: no model, the longer or the shorter answer": FLOOR} if floor else {}
    named |= {paper: CURVE, f"{paper}, its overall": SCALE} if own else {paper: CURVE}
    for label, style in named.items():
        panel.plot([], [], **style, label=label)


def _draw(stack: Sequence[Axes], table: pd.DataFrame, paper: pd.DataFrame | None, styles: Mapping[tuple, dict]) -> None:
    accuracy, length, spending = stack
    # Budgets stand at even distances, as in the paper.
    ticks = sorted({*figure3().budget, *table.budget})
    for series, curve in table.groupby(SERIES, sort=False):
        _draw_ours(stack, curve.budget.map(ticks.index), curve, styles[series])
    spending.margins(x=0.15)  # for the last budget's name
    spending.set_xlim(0, None)
    spending.xaxis.set(major_locator=MaxNLocator(2), major_formatter=EngFormatter(sep=""))
    if table.floor.notna().any():
        accuracy.axhline(table.floor.iloc[0], **FLOOR)
    curve, style = (PAPER[OVERALL], SCALE) if paper is None else (paper, CURVE)
    places = curve.budget.map(ticks.index)
    accuracy.plot(places, curve.accuracy, **style)
    length.plot(places, curve.tokens, **style)
    accuracy.set_xticks(range(len(ticks)), [""] * len(ticks))
    length.set_xticks(range(len(ticks)), ticks)


def _draw_ours(stack: Sequence[Axes], places: pd.Series, curve: pd.DataFrame, style: dict) -> None:
    accuracy, length, spending = stack
    accuracy.plot(places, curve.accuracy, **style)
    accuracy.vlines(places, curve.accuracy_low, curve.accuracy_high, lw=0.8, color=style["color"])
    accuracy.fill_between(places, curve.lowest, curve.highest, color=style["color"], alpha=0.2, lw=0)
    length.plot(places, curve.rationale_tokens, **style)
    spending.plot(curve.spent_tokens, curve.accuracy, **style)
    for row in curve.iloc[[0, -1]].itertuples():
        spending.annotate(row.budget, (row.spent_tokens, row.accuracy), (2, 3), textcoords="offset points", fontsize=6)
