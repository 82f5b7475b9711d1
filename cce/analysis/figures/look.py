"""The look of all figures: one style, names for readers, the source in small print."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import matplotlib
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cce.analysis.paper import paper_name
from cce.crowd.evaluate import NO_JUDGE
from cce.project import commit

TITLES = {
    "rewardbench": "RewardBench",
    "helpsteer2": "HelpSteer2",
    "mtbench_human": "MT-Bench human",
    "judgebench": "JudgeBench",
    "evalbias": "EvalBias",
}
WIDTH = 7.2  # inches, a page of text
SMALL_PRINT = 150  # characters a line, which that width holds


def save(figure: Figure, path: str | Path, source: str) -> Figure:
    """Write the figure as path.svg and path.png, with its source, the date and the commit in small print."""
    figure.get_layout_engine().set(rect=(0, 0.04, 1, 0.96))
    small_print = textwrap.fill(f"{source}. {date.today()}, commit {commit()}", SMALL_PRINT)
    figure.text(0.01, 0.01, small_print, fontsize=5.5, color="0.35")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(f"{path}.svg", metadata={"Date": None})
    figure.savefig(f"{path}.png", dpi=200)
    return figure


def panels(count: int, height: float, columns: int = 3, **sharing) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels in rows, each `height` inches high."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(WIDTH, 0.9 + height * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, **sharing).flat
    for panel in grid[count:]:
        panel.set_axis_off()
    return figure, list(grid[:count])


def legend(figure: Figure) -> None:
    """One legend above all panels, each label once."""
    handles = {
        label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=2, frameon=False)


def title(benchmark: str) -> str:
    """A benchmark's name for readers."""
    return TITLES.get(benchmark, benchmark)


def family(method: str) -> str:
    """The method without its budget: cce@16 is of the family cce."""
    return method.split("@")[0]


OWN_TITLES = {
    "embedded": "embedded model (SmolLM2-135M)",
    "embedded-judge": "embedded judge (SmolLM2-135M, trained)",
    NO_JUDGE: "no model",
}


def model_title(model: str) -> str:
    """A judge's name for a figure, which says on its face where no model or the small embedded model spoke."""
    return OWN_TITLES.get(model, paper_name(model))


def palette(count: int) -> list[tuple]:
    """Colours that colour-blind readers can tell apart."""
    return list(sns.color_palette("colorblind", count))


@contextmanager
def style() -> Iterator[None]:
    """The look of all figures, which leaves the user's own plots alone."""
    look = {"svg.hashsalt": "cce", "axes.spines.top": False, "axes.spines.right": False}
    with sns.axes_style("ticks"), sns.plotting_context("paper", font_scale=0.8), matplotlib.rc_context(look):
        yield
