"""Table 3 as a figure: scores of models trained on picked answers, the paper's beside them."""

from math import nan
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from cce.analysis.figures.dots import dots
from cce.analysis.figures.look import WIDTH, model_title, save, style
from cce.analysis.paper import table3

# By column of our table, and of the paper's: it does not say which of its two numbers is which of our two.
OURS = {
    "mtbench": "MT-Bench score (1 to 10)",
    "win_rate": "AlpacaEval-2 win rate (%)",
    "length_controlled": "AlpacaEval-2 length-controlled\nwin rate (%)",
}
PAPERS = {
    "mtbench": OURS["mtbench"],
    "alpaca_first": "the paper's AlpacaEval-2 (%),\nfirst of two",
    "alpaca_second": "the paper's AlpacaEval-2 (%),\nsecond of two",
}


def rejection(table: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw Table 3, a panel a score, a row a set of instructions and way of picking, a colour a base model.

    Args:
        table: as `rejection_table` makes it.
        path: the figure is written as path.svg and path.png.
        source: what the numbers come from; date and commit are added to it.
    """
    with style():
        ours = [_marks(table, column, panel) for column, panel in OURS.items()]
        papers = [_marks(table3(), column, panel).assign(paper=True) for column, panel in PAPERS.items()]
        marks = pd.concat([*ours, *papers])
        titles = list(dict.fromkeys([*OURS.values(), *PAPERS.values()]))
        figure = dots(marks, titles, "score with 95% interval", sharex=False)
        # Most rows hold one mark, so that they can stand closer than elsewhere.
        figure.set_size_inches(WIDTH, 0.9 + (0.6 + 0.17 * marks.row.nunique()) * 2)
        # All of AlpacaEval-2 on one scale, whichever of the paper's numbers is which.
        percent = marks[marks.panel != OURS["mtbench"]][["value", "high"]].max(axis=None)
        for panel, name in zip(figure.axes, titles, strict=False):
            panel.set_xlim(0, 10 if name == OURS["mtbench"] else 1.05 * percent)
            if name not in OURS.values():
                panel.set_title(name)  # which no run of ours could fill
        return save(figure, path, source)


def _marks(table: pd.DataFrame, column: str, panel: str) -> pd.DataFrame:
    scored = table[table[column].notna()]
    numbers = {"value": scored[column]}
    numbers |= {end: scored.get(f"{column}_{end}", pd.Series(nan, scored.index)) for end in ("low", "high")}
    rows = [_row(*row) for row in zip(scored.instructions, scored["count"], scored.sampling, strict=True)]
    places = {"panel": panel, "row": rows, "who": scored.base_model.map(model_title)}
    return pd.DataFrame(places | numbers).astype(dict.fromkeys(numbers, float)).assign(paper=False)


def _row(instructions: str, count: int, sampling: str) -> str:
    return sampling if sampling == "untrained" else f"{instructions} {count:,}, {sampling}"
