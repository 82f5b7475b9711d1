"""Figure 3: accuracy and length of the rationale over crowd judgments, and accuracy over tokens spent."""

from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from cce.analysis.accuracy import OVERALL
from cce.analysis.figures.look import (
    DASHES,
    GREYS,
    NOT_IN_PAPER,
    NOT_RUN,
    PAPER_SHAPES,
    SHAPES,
    headings,
    legend,
    model_title,
    palette,
    panels,
    save,
    style,
    title,
)
from cce.analysis.paper import REFERENCE, figure3

COLUMNS = 5  # benchmarks beside each other at most
PAPER = dict(list(figure3().groupby("benchmark", sort=False)))
BUDGETS = sorted(set(figure3().budget))
CURVE, SCALE = ({"color": GREYS[n], "marker": PAPER_SHAPES[n], "mfc": "white", "ls": DASHES[1]} for n in range(2))
FLOOR = {"color": "0.6", "lw": 0.8, "ls": ":"}


def scaling(table: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw a column of panels a benchmark, and one for each curve of the paper's that was not run.

    Args:
        table: as `scaling_table` makes it.
        path: the figure is written as path.svg and path.png.
        source: what the numbers come from; date and commit are added to it.

    From above: accuracy (bars: 95% interval over pairs, band: from the lowest to the highest seed) and length of the
    rationale over the number of crowd judgments; accuracy over the tokens spent on a pair, which the paper does not
    print. A colour is a judge and selection. The paper's curves are hollow and grey; where it has none, its overall
    one is shown for a scale, and named.
    """
    with style():
        own = [name for name in table.benchmark.unique() if name not in PAPER]
        benchmarks = [*own, *PAPER]
        columns = min(COLUMNS, len(benchmarks))
        figure, axes = panels(3 * columns * -(-len(benchmarks) // columns), 0.95, columns)
        stacks = np.reshape(axes, (-1, 3, columns)).swapaxes(1, 2).reshape(-1, 3)
        looks = _looks(table)
        for stack, benchmark in zip(stacks, benchmarks, strict=False):
            _stack(*stack, table[table.benchmark == benchmark], PAPER.get(benchmark), looks)
        for stack in stacks[::columns]:
            _name_axes(*stack)
        for panel in axes:
            if not panel.lines:
                panel.set_axis_off()
        notes = [_note(benchmark, set(table.benchmark)) for benchmark in benchmarks]
        headings(stacks[: len(benchmarks), 0], list(map(title, benchmarks)), notes)
        _name_voices(axes[0], looks, table, own)
        legend(figure)
        return save(figure, path, source)


def _note(benchmark: str, ran: set[str]) -> str:
    if benchmark not in PAPER:
        return NOT_IN_PAPER
    return "" if benchmark in ran else NOT_RUN


def _looks(table: pd.DataFrame) -> dict[tuple[str, str], dict]:
    """Colour, shape and dashes by judge and selection."""
    voices = list(table.groupby(["judge", "selection"], sort=False).groups)
    looks = zip(palette(len(voices)), cycle(SHAPES), cycle(DASHES), strict=False)
    names = ("color", "marker", "ls")
    return {voice: dict(zip(names, look, strict=True)) for voice, look in zip(voices, looks, strict=False)}


def _name_voices(panel: Axes, looks: dict, table: pd.DataFrame, own: list[str]) -> None:
    for (judge, selection), look in looks.items():
        panel.plot([], [], **look, label=f"this run: {model_title(judge)}, {selection} selection")
    if table.length.notna().any():
        panel.plot([], [], **FLOOR, label="this run: no model, the longer answer")
    panel.plot([], [], **CURVE, label=f"the paper: {REFERENCE}, random selection")
    if own:
        panel.plot([], [], **SCALE, label=f"the paper: {REFERENCE}, random selection, its overall")


def _stack(
    accuracy: Axes, length: Axes, spending: Axes, table: pd.DataFrame, paper: pd.DataFrame | None, looks: dict
) -> None:
    ticks = sorted({*BUDGETS, *table.budget})
    for (judge, selection), curve in table.groupby(["judge", "selection"], sort=False):
        look = looks[judge, selection]
        places = [ticks.index(budget) for budget in curve.budget]
        accuracy.plot(places, curve.accuracy, **look)
        length.plot(places, curve.rationale_tokens, **look)
        _spread(accuracy, places, curve, look["color"])
        _spent(spending, curve, look)
    spending.margins(x=0.15)  # for the last budget's name
    spending.set_xlim(0, None)
    spending.xaxis.set(major_locator=MaxNLocator(2), major_formatter=EngFormatter(sep=""))
    if table.length.notna().any():
        accuracy.axhline(table.length.iloc[0], **FLOOR)
    papers, look = (PAPER[OVERALL], SCALE) if paper is None else (paper, CURVE)
    places = [ticks.index(budget) for budget in papers.budget]
    accuracy.plot(places, papers.accuracy, **look)
    length.plot(places, papers.tokens, **look)
    # Budgets stand at even distances, as in the paper.
    accuracy.set_xticks(range(len(ticks)), [""] * len(ticks))
    length.set_xticks(range(len(ticks)), ticks)


def _spread(panel: Axes, places: list[int], curve: pd.DataFrame, colour: tuple) -> None:
    numbers = curve[["accuracy_low", "accuracy_high", "lowest", "highest"]].astype(float)
    panel.vlines(places, numbers.accuracy_low, numbers.accuracy_high, lw=0.8, color=colour)
    panel.fill_between(places, numbers.lowest, numbers.highest, color=colour, alpha=0.2, lw=0)


def _spent(panel: Axes, curve: pd.DataFrame, look: dict) -> None:
    panel.plot(curve.spent_tokens, curve.accuracy, **look)
    for row in curve.iloc[[0, -1]].itertuples():
        panel.annotate(row.budget, (row.spent_tokens, row.accuracy), (2, 3), textcoords="offset points", fontsize=6)


def _name_axes(accuracy: Axes, length: Axes, spending: Axes) -> None:
    accuracy.set_ylabel("accuracy (%)")
    length.set_ylabel("rationale\n(tokens)")
    length.set_xlabel("crowd judgments")
    spending.set_ylabel("accuracy (%)")
    spending.set_xlabel("tokens spent a pair\n(not in the paper)")
