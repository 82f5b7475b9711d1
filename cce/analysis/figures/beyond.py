"""What the paper left open: members, noise and biases side by side, and accuracy over what it costs: notebook 08's."""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullLocator

from cce.analysis.costs import COSTS, FRONTIERS
from cce.analysis.figures.curves import FLOOR
from cce.analysis.figures.style import NOT_IN_PAPER, headings, model_title, panels, save, series_styles, styled, title
from cce.names import NO_JUDGE, NOISES

OPEN = ["what each member adds", "a crowd in part wrong", "turned by a bias"]
AXES = dict(zip(COSTS, ["calls", "tokens", "US dollars", "model seconds"], strict=True))
# Headings are wider than their panels where these have long names beside them.
WITHIN = (0, 0, 0.985, 1)
DASHED = dict(zip(NOISES, ["-", "--", ":"], strict=True))
BEATEN = {"color": "0.7", "ls": "none", "ms": 2.5}
NAMED = {"textcoords": "offset points", "fontsize": 6, "ha": "right", "rotation": -45, "rotation_mode": "anchor"}


@styled()
def open_questions(
    members: pd.DataFrame, noise: pd.DataFrame, biases: pd.DataFrame, path: str | Path, source: str
) -> Figure:
    """Draw a `contribution_table`, the levels of `noise_levels` and a `bias_table`, a row of panels for each benchmark
    and judge; bars and bands are 95% intervals.
    """
    places = list(members.groupby(["benchmark", "judge"], sort=False).groups)
    lines = max(4, 2 * members.groupby(["benchmark", "judge"]).size().max(), biases.bias.nunique())
    figure, axes = panels(3 * len(places), 0.6 + 0.14 * lines, columns=3)
    figure.get_layout_engine().set(rect=WITHIN)
    drawn = [(members, _draw_members), (noise, _draw_noise), (biases, _draw_biases)]
    styles = [series_styles(table.method.unique()) for table in (noise, biases)]
    for row, (benchmark, judge) in enumerate(places):
        for panel, (table, draw), style in zip(axes[3 * row :], drawn, [{}, *styles], strict=False):
            draw(panel, table[(table.benchmark == benchmark) & (table.judge == judge)], style)
    for panel, name in zip(axes[-3:], ["Shapley value (points)", "wrong (%)", "turned (%)"], strict=True):
        panel.set_xlabel(name)
    where = [f"{title(benchmark)}, {model_title(judge)}" for benchmark, judge in places for _ in OPEN]
    headings(axes, where, [f"{topic}; {NOT_IN_PAPER}" for topic in OPEN] * len(places))
    return save(figure, path, source)


@styled()
def frontier(costs: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw a `cost_table`: a row of panels for each benchmark, a column for each cost of a pair.

    Methods that no cheaper one beats are joined and named; the others are grey. Bars are 95% intervals. The
    dotted line is the better of those methods that ask no model, which cost nothing.
    """
    benchmarks = list(costs.benchmark.unique())
    figure, axes = panels(len(COSTS) * len(benchmarks), 1.9, columns=len(COSTS))
    figure.get_layout_engine().set(rect=WITHIN)
    styles = series_styles(judge for judge in costs.judge.unique() if judge != NO_JUDGE)
    for row, benchmark in enumerate(benchmarks):
        own = costs[costs.benchmark == benchmark]
        for panel, cost, best in zip(axes[len(COSTS) * row :], COSTS, FRONTIERS, strict=False):
            _draw_frontier(panel, own.dropna(subset=cost), cost, best, styles)
        axes[len(COSTS) * row].set_ylabel("accuracy (%)")
    for panel, name in zip(axes[-len(COSTS) :], AXES.values(), strict=True):
        panel.set_xlabel(f"{name} a pair")
    notes = [_note(costs[costs.benchmark == benchmark][cost]) for benchmark in benchmarks for cost in COSTS]
    headings(axes, [title(benchmark) for benchmark in benchmarks for _ in COSTS], notes)
    return save(figure, path, source)


def _note(costs: pd.Series) -> str:
    if costs.isna().any():
        return f"{NOT_IN_PAPER}; without unknown prices"
    return NOT_IN_PAPER if costs.any() else "free: models of one's own"


def _draw_frontier(panel: Axes, rows: pd.DataFrame, cost: str, best: str, styles: dict) -> None:
    free, rows = rows[rows.judge == NO_JUDGE], rows[rows[cost] > 0]
    if rows.empty:
        panel.set_axis_off()
        return
    if len(free):
        panel.axhline(free.accuracy.max(), label="this run: no model, the longer or the shorter answer", **FLOOR)
    panel.vlines(rows[cost], rows.accuracy_low, rows.accuracy_high, color="0.85", lw=0.8)
    beaten, unbeaten = rows[~rows[best]], rows[rows[best]].sort_values([cost, "accuracy"])
    panel.plot(beaten[cost], beaten.accuracy, marker="o", label="this run: beaten by a cheaper method", **BEATEN)
    panel.step(unbeaten[cost], unbeaten.accuracy, where="post", color="0.5", lw=0.8)
    for judge, style in styles.items():
        own = unbeaten[unbeaten.judge == judge]
        panel.plot(own[cost], own.accuracy, label=f"this run: {model_title(judge)}", **style | {"ls": "none"})
    # To the left and above nothing stands in the way: it would be cheaper and better.
    for where, methods in unbeaten.groupby([cost, "accuracy"]):
        panel.annotate(", ".join(methods.method), where, (-2, 3), **NAMED)
    panel.set(xscale="log", xlim=(rows[cost].min() / 5, 2 * rows[cost].max()))
    panel.xaxis.set_major_formatter(EngFormatter(sep=""))
    panel.xaxis.set_minor_locator(NullLocator())
    # Room for the names of the best.
    low, high = panel.get_ylim()
    panel.set_yticks([tick for tick in panel.get_yticks() if low <= tick <= 100])
    panel.set_ylim(low, high + 0.4 * (high - low))


def _draw_members(panel: Axes, rows: pd.DataFrame, _: dict) -> None:
    names = [textwrap.fill(f"{row.member}: {model_title(row.model)}", 20) for row in rows.itertuples()]
    _draw_rows(panel, names, {"": (rows, "shapley")}, {"": {"color": "0.1", "marker": "o"}})
    panel.axvline(0, color="0.6", lw=0.8, zorder=0)


def _draw_biases(panel: Axes, rows: pd.DataFrame, styles: dict) -> None:
    series = {f"bias: {method}": (own, "turned") for method, own in rows.groupby("method", sort=False)}
    _draw_rows(panel, list(rows.bias.unique()), series, {f"bias: {name}": style for name, style in styles.items()})
    panel.set_xlim(0, 100)


def _draw_rows(panel: Axes, names: list[str], series: dict[str, tuple], styles: dict[str, dict]) -> None:
    for place, (label, (rows, value)) in enumerate(series.items()):
        at = np.arange(len(rows)) + 0.25 * (place - (len(series) - 1) / 2)
        panel.hlines(at, rows[f"{value}_low"], rows[f"{value}_high"], color=styles[label]["color"], lw=0.8)
        panel.plot(rows[value], at, label=label or "_", clip_on=False, **styles[label] | {"ls": "none"})
    panel.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6))


def _draw_noise(panel: Axes, rows: pd.DataFrame, styles: dict) -> None:
    for (method, noise), own in rows.groupby(["method", "noise"], sort=False):
        panel.plot(own.share, own.difference, label=f"{method}, {noise}", **styles[method] | {"ls": DASHED[noise]})
        panel.fill_between(own.share, own.difference_low, own.difference_high, color=styles[method]["color"], alpha=0.1)
    panel.axhline(0, color="0.6", lw=0.8, zorder=0)
    panel.set_ylabel("points above vanilla")
