"""Table 2 as a figure: accuracies of trained judges beside the paper's students; and how their training went."""

from math import nan
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from cce.analysis.distillation import TAUGHT, UNTRAINED
from cce.analysis.figures.dots import dots
from cce.analysis.figures.look import TITLES, WIDTH, legend, model_title, palette, panels, save, style, title
from cce.analysis.paper.cells import student_cells
from cce.analysis.scoring import AVERAGE, AVERAGES

PUBLISHED, OTHERS = "published judge", "not trained here"


def distillation(table: pd.DataFrame, path: str | Path, source: str, base_model: str) -> Figure:
    """Draw Table 2, a panel a benchmark: our students above, the paper's below them.

    Args:
        table: as `distillation_table` makes it.
        path: the figure is written as path.svg and path.png.
        source: what the numbers come from; date and commit are added to it.
        base_model: what our students started from, `NAME`, `NAME@BASE_URL` or `embedded`.

    Benchmarks of our own come first; the paper's five have their panels whether they were run or not.
    """
    with style():
        marks = pd.concat([_ours(table, base_model), _papers(AVERAGE in set(table.benchmark))])
        titles = list(dict.fromkeys([*table.benchmark.map(title), *TITLES.values()]))
        titles.sort(key=AVERAGES.__contains__)  # an average stands last
        figure = dots(marks, titles, "accuracy (%) with 95% interval; the line marks chance", line=50)
        # Most rows hold one mark, so that they can stand closer than elsewhere.
        figure.set_size_inches(WIDTH, 0.9 + (0.45 + 0.17 * marks.row.nunique()) * -(-len(titles) // 3))
        figure.axes[0].set(xlim=(0, 100), xticks=range(0, 101, 25))
        return save(figure, path, source)


def loss_curves(losses: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw the loss of each student over the steps of its training.

    Args:
        losses: the columns student, step, loss (mean cross-entropy of a token, nats), a row a step that was logged.
        path: the figure is written as path.svg and path.png.
        source: what the numbers come from; date and commit are added to it.
    """
    with style():
        figure, (panel,) = panels(1, 2.2)
        curves = list(losses.groupby("student", sort=False))
        for colour, (student, curve) in zip(palette(len(curves)), curves, strict=True):
            panel.plot(curve.step, curve.loss, lw=1.2, color=colour, label=student)
        panel.set(xlabel="step", ylabel="training loss (nats a token)", ylim=(0, None))
        legend(figure)
        return save(figure, path, source)


def _ours(table: pd.DataFrame, base_model: str) -> pd.DataFrame:
    of_base = (table.student == UNTRAINED) | table.student.str.startswith(TAUGHT)
    who = of_base.map({True: model_title(base_model), False: OTHERS})
    numbers = {"value": table.accuracy, "low": table.accuracy_low, "high": table.accuracy_high}
    places = {"panel": table.benchmark.map(title), "row": table.student, "who": who}
    return pd.DataFrame(places | numbers).astype(dict.fromkeys(numbers, float)).assign(paper=False)


def _papers(average: bool) -> pd.DataFrame:
    marks = [
        {"panel": title(benchmark), **_place(*student), "value": value}
        for (benchmark, *student), value in student_cells().items()
        if average or benchmark != AVERAGE
    ]
    marks.sort(key=lambda mark: mark["who"] == PUBLISHED)  # its own students first
    return pd.DataFrame(marks).assign(paper=True, low=nan, high=nan)


def _place(student: str, judgments: str, samples: int) -> dict[str, str]:
    if judgments == PUBLISHED:
        return {"row": student, "who": PUBLISHED}
    return {"row": f"{judgments}, {samples // 1000}K", "who": student}
