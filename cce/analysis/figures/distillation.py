"""Table 2 as a figure: accuracies of trained judges beside the paper's students; and how their training went."""

from itertools import cycle
from math import nan
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from cce.analysis.accuracy import AVERAGE
from cce.analysis.distillation import TAUGHT, UNTRAINED
from cce.analysis.figures.accuracy import to_hundred
from cce.analysis.figures.dots import dots
from cce.analysis.figures.look import (
    DASHES,
    MEAN,
    NOT_IN_PAPER,
    SHAPES,
    headings,
    legend,
    model_title,
    palette,
    panels,
    save,
    style,
    title,
    titles,
)
from cce.analysis.paper import paper_name, student_cells
from cce.benchmarks import PUBLISHED

PUBLISHED_JUDGE, OTHERS = "published judge", "not trained here"


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
        others = [name for name in table.benchmark.unique() if name not in (*PUBLISHED, AVERAGE)]
        marks = pd.concat([_ours(table, base_model), _papers(others)])
        notes = dict.fromkeys(map(title, others), NOT_IN_PAPER)
        label = "accuracy (%) with 95% interval; the line marks chance"
        figure = dots(marks, titles(table.benchmark), label, notes, line=50)
        to_hundred(figure, marks)
        return save(figure, path, source)


def loss_curves(losses: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw the loss of each student over the steps of its training; the paper prints none.

    Args:
        losses: the columns student, step, loss (mean cross-entropy of a token, nats), a row a step that was logged.
        path: the figure is written as path.svg and path.png.
        source: what the numbers come from; date and commit are added to it.
    """
    with style():
        figure, (panel,) = panels(1, 1.5)
        curves = list(losses.groupby("student", sort=False))
        looks = zip(palette(len(curves)), cycle(SHAPES), cycle(DASHES), strict=False)
        for (student, curve), (colour, shape, dash) in zip(curves, looks, strict=False):
            look = {"color": colour, "marker": shape, "ls": dash, "mew": 0, "markevery": 0.08}
            panel.plot(curve.step, curve.loss, label=f"this run: {student}", **look)
        panel.set(xlabel="step", ylabel="training loss (nats a token)", ylim=(0, None))
        headings([panel], ["loss of the students"], [NOT_IN_PAPER])
        legend(figure)
        return save(figure, path, source)


def _ours(table: pd.DataFrame, base_model: str) -> pd.DataFrame:
    of_base = (table.student == UNTRAINED) | table.student.str.startswith(TAUGHT)
    voices = {
        "who": of_base.map({True: paper_name(base_model), False: OTHERS}),
        "label": of_base.map({True: model_title(base_model), False: OTHERS}),
    }
    numbers = {"value": table.accuracy, "low": table.accuracy_low, "high": table.accuracy_high}
    places = {"panel": table.benchmark.map(title), "row": table.student.str.split("/").str[-1]} | voices
    return pd.DataFrame(places | numbers).astype(dict.fromkeys(numbers, float)).assign(paper=False)


def _papers(others: list[str]) -> pd.DataFrame:
    # Its own students first.
    rows = sorted(student_cells().items(), key=lambda cell: cell[0][2] == PUBLISHED_JUDGE)
    marks = [_mark(title(benchmark), *student, value) for (benchmark, *student), value in rows]
    marks += [
        _mark(title(other), *student, value, MEAN)
        for other in others
        for (benchmark, *student), value in rows
        if benchmark == AVERAGE
    ]
    return pd.DataFrame(marks).assign(paper=True, low=nan, high=nan)


def _mark(panel: str, student: str, judgments: str, samples: int, value: float, mean: str = "") -> dict:
    published = judgments == PUBLISHED_JUDGE
    who = (judgments if published else student) + mean
    row = student if published else f"{judgments}, {samples // 1000}K"
    return {"panel": panel, "row": row, "who": who, "label": who, "value": value}
