"""What all figures share: names for readers, colours and shapes of series, panels, legend, and small print."""

import textwrap
from collections.abc import Hashable, Iterable, Sequence
from datetime import date
from functools import partial
from itertools import cycle
from math import ceil
from pathlib import Path

import matplotlib.style
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cce.analysis.figures.letters import make_legible
from cce.analysis.paper import paper_name
from cce.names import AVERAGES, NO_JUDGE, model_parts
from cce.project import commit
from cce.spending import on_loopback

# The paper's benchmarks, in the order of its Table 1.
TITLES = {"rewardbench": "RewardBench", "helpsteer2": "HelpSteer2", "mtbench_human": "MT-Bench human"}
TITLES |= {"judgebench": "JudgeBench", "evalbias": "EvalBias"}
MODEL_TITLES = {NO_JUDGE: "no model", "embedded": "embedded model (SmolLM2-135M)"}
MODEL_TITLES |= {"embedded-judge": "embedded judge (SmolLM2-135M, trained)"}
NOT_IN_PAPER = "not in the paper"
WIDTH = 6.3  # inches, the width of ACL's text
DPI = 300  # of the PNG
# How many characters fit on a line: of the small print, of a label in the legend, of all headings in a row together.
SMALL_PRINT, LABEL, HEADINGS = 160, 54, 88
LINE = 0.115  # inches, the height of a line of the legend or of a note
# Of seaborn's ten colours for the colour-blind, the four that differ most as deuteranopes and protanopes see them.
# Shapes and dashes tell the series apart in grey print.
COLOURS = [sns.color_palette("colorblind")[place] for place in (0, 1, 2, 6)]
GREYS, NOTE_GREY = ["0.25", "0.5"], "0.35"
SHAPES, PAPER_SHAPES, DASHES = "osvXP", "D^<>ph", ["-", (0, (5, 1.5)), (0, (5, 1, 1, 1)), (0, (1, 1))]
# Draws in the style of all figures, whatever the user's own settings are; these stay as they were.
styled = partial(matplotlib.style.context, ["default", Path(__file__).with_name("style.mplstyle")])


def save(figure: Figure, path: str | Path, source: str) -> Figure:
    """Put the legend above the figure and the small print below it, and write it as path.svg and path.png.

    `path` has no suffix. `source` says what the numbers come from; the small print adds the date and the commit.
    """
    _add_legend(figure)
    small_print = textwrap.fill(f"{source}. {date.today()}, commit {commit()}", SMALL_PRINT)
    _grow(figure, 0.1 * len(small_print.splitlines()))
    figure.supxlabel(small_print, x=0.005, ha="left", fontsize=5, color=NOTE_GREY)
    make_legible(figure)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(f"{path}.svg", metadata={"Date": None})
    figure.savefig(f"{path}.png", dpi=DPI)
    return figure


def panels(count: int, height: float, columns: int = 3, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure with panels in even rows of at most `columns`, each `height` inches high with its ticks and labels."""
    rows = ceil(count / columns)
    columns = ceil(count / rows)
    figure = Figure(figsize=(WIDTH, height * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=sharey).flat
    for panel in grid[count:]:
        panel.set_axis_off()
    return figure, list(grid[:count])


def headings(axes: Sequence[Axes], titles: Sequence[str], notes: Sequence[str]) -> None:
    """Give each panel its title and, below it in grey, its note, which may be empty."""
    room = HEADINGS // axes[0].get_gridspec().ncols
    titles = [textwrap.wrap(title, room) for title in titles]
    notes = [textwrap.wrap(note, room * 7 // 6) for note in notes]  # in smaller letters
    most = max(map(len, notes))
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "center", "va": "bottom"}
    for panel, title, note in zip(axes, titles, notes, strict=True):
        panel.set_title("\n".join(title), pad=3 + 72 * LINE * most)
        filled = "\n".join(note) + "\n" * (most - len(note))
        panel.annotate(filled, (0.5, 1), (0, 3), **place, color=NOTE_GREY, fontsize=6)
    rows = len({panel.get_subplotspec().rowspan.start for panel in axes})
    _grow(axes[0].figure, LINE * rows * (most + max(map(len, titles))))


def series_styles(names: Iterable[Hashable], paper: bool = False) -> dict[Hashable, dict]:
    """Colour, marker and dashes of each of this run's series, or of the paper's, which are grey and dashed alike."""
    colours, shapes, dashes = (GREYS, PAPER_SHAPES, DASHES[1:2]) if paper else (COLOURS, SHAPES, DASHES)
    styles = zip(names, cycle(colours), cycle(shapes), cycle(dashes), strict=False)
    return {name: {"color": colour, "marker": shape, "ls": dash} for name, colour, shape, dash in styles}


def titles(benchmarks: Iterable[str]) -> list[str]:
    """The titles of the panels for these benchmarks: our own first, then always the paper's five, averages last."""
    names = list(dict.fromkeys(benchmarks))
    own = [name for name in names if name not in (*TITLES, *AVERAGES)]
    return [*own, *TITLES.values(), *(name for name in names if name in AVERAGES)]


def title(benchmark: str) -> str:
    """A benchmark's name for readers."""
    return TITLES.get(benchmark, benchmark)


def model_title(model: str) -> str:
    """A model's name for readers, which says whether it is none, a small one or a local one."""
    # A server on this machine may call itself by any name, GPT-4o's too.
    name = MODEL_TITLES.get(model, paper_name(model))
    return f"{name} (server on this machine)" if on_loopback(model_parts(model).url) else name


def _add_legend(figure: Figure) -> None:
    found = (zip(*axes.get_legend_handles_labels(), strict=True) for axes in figure.axes)
    handles = {textwrap.fill(label, LABEL): handle for pairs in found for handle, label in pairs}
    if handles:
        lines = [len(label.splitlines()) for label in handles]
        half = ceil(len(lines) / 2)
        _grow(figure, LINE * (1 + max(sum(lines[:half]), sum(lines[half:]))))
        figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=2, frameon=False)


def _grow(figure: Figure, inches: float) -> None:
    figure.set_figheight(figure.get_figheight() + inches)
