"""Figures: one style, our points with their intervals, the paper's numbers beside them, the source in small print."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import matplotlib
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cce.analysis.paper import paper_name, table1
from cce.project import commit

TITLES = {
    "rewardbench": "RewardBench",
    "helpsteer2": "HelpSteer2",
    "mtbench_human": "MT-Bench human",
    "judgebench": "JudgeBench",
    "evalbias": "EvalBias",
}
COLUMNS = 3
# The paper's judge where ours is none of the paper's.
REFERENCE = "gpt-4o"


def judge_accuracy(table: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw Table 1, a panel a benchmark: our accuracies with their intervals, the paper's numbers beside them.

    Args:
        table: as `accuracy_table` makes it.
        path: the figure is written as path.svg and path.png.
        source: what the numbers come from; date and commit are added to it.

    Benchmarks of our own come first; the paper's five have their panels whether they were run or not.
    Methods stand by family (maj@4 on the row of maj@16); the legend names the budgets.
    """
    with style():
        figure = _table1(table)
        return save(figure, path, source)


def _table1(table: pd.DataFrame) -> Figure:
    benchmarks = [*[b for b in table.benchmark.unique() if b not in TITLES], *TITLES]
    rows = -(-len(benchmarks) // COLUMNS)
    figure = Figure(figsize=(7.2, 0.9 + 1.5 * rows), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
    for panel, benchmark in zip(panels.flat, benchmarks, strict=False):
        _panel(panel, benchmark, table)
    for panel in panels.flat[len(benchmarks) :]:
        panel.set_axis_off()
    panels.flat[0].set(xlim=(0, 100), xticks=range(0, 101, 25))
    panels[-1, COLUMNS // 2].set_xlabel("accuracy (%) with 95% interval; the line marks chance")
    handles = {
        label: handle for panel in panels.flat for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=2, frameon=False)
    return figure


def save(figure: Figure, path: str | Path, source: str) -> Figure:
    """Write the figure as SVG and PNG, with its source, the date and the commit in small print."""
    figure.get_layout_engine().set(rect=(0, 0.04, 1, 0.96))
    figure.text(0.01, 0.01, f"{source}. {date.today()}, commit {commit()}", fontsize=5.5, color="0.35")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(f"{path}.svg", metadata={"Date": None})
    figure.savefig(f"{path}.png", dpi=200)
    return figure


def _panel(panel: Axes, benchmark: str, table: pd.DataFrame) -> None:
    families = list(dict.fromkeys(map(family, table.method)))
    judges = list(table.judge.unique())
    ours = table[table.benchmark == benchmark]
    for place, (judge, color) in enumerate(zip(judges, sns.color_palette("colorblind", len(judges)), strict=True)):
        shift = 0.16 + 0.5 * (place - (len(judges) - 1) / 2) / len(judges)
        _our_points(panel, ours[ours.judge == judge], families, shift, color)
        _paper_points(panel, benchmark, judge, families, shift - 0.3 / len(judges), color)
    panel.axvline(50, color="0.8", linewidth=0.8, zorder=0)
    panel.set_yticks(range(len(families)), families)
    panel.set_ylim(len(families) - 0.4, -0.6)
    panel.set_title(TITLES.get(benchmark, benchmark) + ("" if len(ours) else " (not run here)"))


def _our_points(panel: Axes, rows: pd.DataFrame, families: list[str], shift: float, color) -> None:
    for row in rows.itertuples():
        error = [[row.accuracy - row.low], [row.high - row.accuracy]]
        label = f"{model_title(row.judge)}, this run: {', '.join(rows.method)}"
        panel.errorbar(
            row.accuracy,
            families.index(family(row.method)) + shift,
            xerr=error,
            fmt="o",
            ms=4,
            lw=1.2,
            color=color,
            label=label,
        )


def _paper_points(panel: Axes, benchmark: str, judge: str, families: list[str], shift: float, color) -> None:
    cells = table1()
    known = paper_name(judge) in set(cells.judge)
    name = paper_name(judge) if known else REFERENCE
    cells = cells[(cells.benchmark == benchmark) & (cells.judge == name) & cells.method.map(family).isin(families)]
    if cells.empty:
        return
    places = [families.index(family(method)) + shift for method in cells.method]
    label = f"{name}, the paper: {', '.join(cells.method)}"
    panel.plot(cells.paper, places, "D", ms=4, mfc="none", color=color if known else "0.35", label=label)


def family(method: str) -> str:
    """The method without its budget: cce@16 is of the family cce."""
    return method.split("@")[0]


def model_title(model: str) -> str:
    """A judge's name for a figure, which says on its face where the small embedded model spoke."""
    return "embedded model (SmolLM2-135M)" if model == "embedded" else paper_name(model)


@contextmanager
def style() -> Iterator[None]:
    """The look of all figures, which leaves the user's own plots alone."""
    look = {"svg.hashsalt": "cce", "axes.spines.top": False, "axes.spines.right": False}
    with sns.axes_style("ticks"), sns.plotting_context("paper", font_scale=0.8), matplotlib.rc_context(look):
        yield
