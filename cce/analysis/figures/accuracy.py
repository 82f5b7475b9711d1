"""Table 1 as a figure: our accuracies with their intervals, the paper's numbers beside them."""

from math import nan
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from cce.analysis.accuracy import AVERAGE
from cce.analysis.figures.dots import dots
from cce.analysis.figures.look import MEAN, NOT_IN_PAPER, family, model_title, save, style, title, titles
from cce.analysis.paper import BUDGET, REFERENCE, cells, paper_name
from cce.benchmarks import PUBLISHED


def judge_accuracy(table: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw Table 1, a panel a benchmark.

    Args:
        table: as `accuracy_table` makes it.
        path: the figure is written as path.svg and path.png.
        source: what the numbers come from; date and commit are added to it.

    Benchmarks of our own come first; the paper's five have their panels whether they were run or not. What the paper
    did not run has its GPT-4o's mean beside it, for a scale, and says so.
    Methods stand by family: the paper's maj@16 on the row of our maj@3.
    """
    with style():
        others = [name for name in table.benchmark.unique() if name not in (*PUBLISHED, AVERAGE)]
        marks = pd.concat([_ours(table), _papers(table, others)])
        notes = dict.fromkeys(map(title, others), NOT_IN_PAPER)
        label = "accuracy (%) with 95% interval; the line marks chance"
        figure = dots(marks, titles(table.benchmark), label, notes, line=50)
        to_hundred(figure, marks)
        return save(figure, path, source)


def to_hundred(figure: Figure, marks: pd.DataFrame) -> None:
    """Let the panels' shared axis of percent end at 100, and begin at the quarter below all marks."""
    begin = min(50, 25 * int(marks[["value", "low"]].min(axis=None) // 25))
    figure.axes[0].set(xlim=(begin, 100), xticks=range(begin, 101, 25 if begin else 50))


def _ours(table: pd.DataFrame) -> pd.DataFrame:
    places = {"panel": table.benchmark.map(title), "row": table.method.map(family).map(_rows(table))}
    places |= {"who": table.judge.map(paper_name), "label": table.judge.map(model_title)}
    numbers = {"value": table.accuracy, "low": table.accuracy_low, "high": table.accuracy_high}
    return pd.DataFrame(places | numbers).astype(dict.fromkeys(numbers, float)).assign(paper=False)


def _papers(table: pd.DataFrame, others: list[str]) -> pd.DataFrame:
    # The paper's own cells of our judges; of its GPT-4o, where it has none of them.
    known = {judge for _, judge, _ in cells()}
    judges = [name for name in map(paper_name, table.judge.unique()) if name in known] or [REFERENCE]
    columns = [(benchmark, judge, title(benchmark), "") for judge in judges for benchmark in (*PUBLISHED, AVERAGE)]
    columns += [(AVERAGE, REFERENCE, title(benchmark), MEAN) for benchmark in others]
    marks = [mark for column in columns for mark in _column(_rows(table), *column)]
    return pd.DataFrame(marks).assign(paper=True, low=nan, high=nan)


def _column(rows: dict[str, str], benchmark: str, judge: str, panel: str, mean: str) -> list[dict]:
    voice = {"panel": panel, "who": judge + mean, "label": f"{judge}, budget {BUDGET}{mean}"}
    return [
        voice | {"row": rows[family(method)], "value": value}
        for (*column, method), value in cells().items()
        if column == [benchmark, judge] and family(method) in rows and method.partition("@")[2] in ("", str(BUDGET))
    ]


def _rows(table: pd.DataFrame) -> dict[str, str]:
    """The row's name by family: our methods of this family."""
    return {name: ", ".join(own.unique()) for name, own in table.method.groupby(table.method.map(family))}
