"""The look of all figures: one style, names for readers, the source in small print.

A figure is as wide as a page of text in two columns, and is meant to be printed at just that size.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import cycle, islice
from pathlib import Path

import matplotlib.style
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cce.analysis.accuracy import AVERAGES
from cce.analysis.paper import paper_name
from cce.models.prices import on_loopback
from cce.names import NO_JUDGE
from cce.project import commit

TITLES = {
    "rewardbench": "RewardBench",
    "helpsteer2": "HelpSteer2",
    "mtbench_human": "MT-Bench human",
    "judgebench": "JudgeBench",
    "evalbias": "EvalBias",
}
NOT_RUN, NOT_IN_PAPER = "not run here", "not in the paper"
# What a panel that the paper has not shows of it instead, for a scale; named after a voice of the paper.
MEAN = ", mean of five benchmarks"
WIDTH = 6.3  # inches, the width of ACL's text
# Characters that a line of these holds: the small print, a label of the legend, all panels of a row together.
SMALL_PRINT, LABEL, HEADINGS = 160, 54, 88
LINE = 0.115  # inches, the height of a line of the legend or of a note
# Names differ in the colours that seaborn has for the colour-blind; of its ten, these differ most from each other as
# deuteranopes and protanopes see them. In grey print, shapes and dashes tell them apart.
COLOURS = [sns.color_palette("colorblind")[place] for place in (0, 1, 2, 6)]
GREYS = ["0.25", "0.5"]
SHAPES, PAPER_SHAPES, DASHES = "osvXP", "D^<>ph", ["-", (0, (5, 1.5)), (0, (5, 1, 1, 1)), (0, (1, 1))]
NOTE_GREY = "0.35"


def save(figure: Figure, path: str | Path, source: str) -> Figure:
    """Write the figure as path.svg and path.png, with its source, the date and the commit in small print."""
    small_print = textwrap.fill(f"{source}. {date.today()}, commit {commit()}", SMALL_PRINT)
    _grow(figure, 0.1 * len(small_print.splitlines()))
    figure.supxlabel(small_print, x=0.005, ha="left", fontsize=5, color=NOTE_GREY)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(f"{path}.svg", metadata={"Date": None})
    figure.savefig(f"{path}.png", dpi=300)
    return figure


def panels(count: int, height: float, columns: int = 3, **sharing) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels in rows, each `height` inches high with what its axes say."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(WIDTH, height * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, **sharing).flat
    for panel in grid[count:]:
        panel.set_axis_off()
    for panel in grid[:count]:
        panel.tick_params(labelbottom=True)  # where panels share an axis as well
    return figure, list(grid[:count])


def headings(axes: Sequence[Axes], titles: Sequence[str], notes: Sequence[str]) -> None:
    """The panels' titles, and below them in grey what a reader has to know of one panel alone."""
    room = HEADINGS // axes[0].get_gridspec().ncols
    titles = [textwrap.fill(title, room) for title in titles]
    notes = [textwrap.fill(note, room * 7 // 6) for note in notes]  # in smaller letters
    lines, most = [len(note.splitlines()) for note in notes], max(len(note.splitlines()) for note in notes)
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "center", "va": "bottom"}
    for panel, title, note, own in zip(axes, titles, notes, lines, strict=True):
        panel.set_title(title, pad=3 + 72 * LINE * most)
        panel.annotate(note + "\n" * (most - own), (0.5, 1), (0, 3), **place, color=NOTE_GREY, fontsize=6)
    rows = len({panel.get_subplotspec().rowspan.start for panel in axes})
    _grow(axes[0].figure, LINE * rows * (most + max(len(title.splitlines()) for title in titles)))


def legend(figure: Figure) -> None:
    """One legend above all panels, each label once."""
    handles = {
        textwrap.fill(label, LABEL): handle
        for axes in figure.axes
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if handles:
        lines = [len(label.splitlines()) for label in handles]
        half = -(-len(lines) // 2)
        _grow(figure, LINE * (1 + max(sum(lines[:half]), sum(lines[half:]))))
        figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=2, frameon=False)


def titles(benchmarks: Iterable[str]) -> list[str]:
    """The panels that these benchmarks have: our own first, the paper's five whether they are among these or not."""
    names = [*dict.fromkeys(benchmarks)]
    own = [name for name in names if name not in (*TITLES, *AVERAGES)]
    return [*map(title, own), *TITLES.values(), *(name for name in names if name in AVERAGES)]


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
    """A judge's name for a figure, which says on its face where none, a small or a local model spoke.

    A server on this machine may call itself by any name, GPT-4o's too.
    """
    here = " (server on this machine)" * on_loopback(model.partition("@")[2])
    return OWN_TITLES.get(model, paper_name(model)) + here


def palette(count: int) -> list[tuple]:
    """Colours that colour-blind readers can tell apart; from the fifth on they come again."""
    return list(islice(cycle(COLOURS), count))


LOOK = {
    "svg.hashsalt": "cce",
    # Letters as outlines: an SVG in a page's <img> loads no font, and another font has other widths.
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",  # which comes with matplotlib, and so is everywhere
    "text.parse_math": False,  # a "$" in a name is a dollar sign
    "font.size": 6.5,
    "axes.titlesize": 7,
    "axes.labelsize": 6.5,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.labelspacing": 0.25,
    "legend.handlelength": 2.2,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "grid.color": "0.9",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.ymargin": 0.12,
    "lines.linewidth": 1,
    "lines.markersize": 3.2,
    "lines.markeredgewidth": 0.8,
}


@contextmanager
def style() -> Iterator[None]:
    """The look of all figures, whatever the user's own settings are, which it leaves alone."""
    with matplotlib.style.context(["default", LOOK]):
        yield


def _grow(figure: Figure, inches: float) -> None:
    figure.set_figheight(figure.get_figheight() + inches)
