"""Table 3 as a figure: scores of models trained on picked answers, the paper's beside them."""

from math import nan
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from cce.analysis.figures.dots import dots
from cce.analysis.figures.look import NOT_RUN, model_title, save, style
from cce.analysis.paper import paper_name, table3

# By column of our table, and of the paper's: it does not say which of its two numbers is which of our two.
OURS = {
    "mtbench": "MT-Bench score (1\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}10)",
    "win_rate": "AlpacaEval-2 win rate\N{NO-BREAK SPACE}(%)",
    "length_controlled": "AlpacaEval-2 length-controlled win rate\N{NO-BREAK SPACE}(%)",
}
PAPERS = {
    "mtbench": OURS["mtbench"],
    "alpaca_first": "the paper's AlpacaEval-2 (%), first of two",
    "alpaca_second": "the paper's AlpacaEval-2 (%), second of two",
}
UNNAMED, AT_RIGHT = "rate not named", "the paper's: right"


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
        figure = dots(marks, titles, "score with 95% interval", _notes(table), sharex=False)
        # All of AlpacaEval-2 on one scale, whichever of the paper's numbers is which.
        percent = marks[marks.panel != OURS["mtbench"]][["value", "high"]].max(axis=None)
        for panel, name in zip(figure.axes, titles, strict=False):
            panel.set_xlim(0, 10 if name == OURS["mtbench"] else 1.05 * percent)
        return save(figure, path, source)


def _notes(table: pd.DataFrame) -> dict[str, str]:
    rates = [column for column in OURS if column not in PAPERS]
    notes = {OURS[rate]: AT_RIGHT if table[rate].notna().any() else f"{NOT_RUN}; {AT_RIGHT}" for rate in rates}
    return notes | {panel: UNNAMED for column, panel in PAPERS.items() if column not in OURS}


def _marks(table: pd.DataFrame, column: str, panel: str) -> pd.DataFrame:
    scored = table[table[column].notna()]
    numbers = {"value": scored[column]}
    numbers |= {end: scored.get(f"{column}_{end}", pd.Series(nan, scored.index)) for end in ("low", "high")}
    rows = [_row(*row) for row in zip(scored.instructions, scored["count"], scored.sampling, strict=True)]
    voices = {"who": scored.base_model.map(paper_name), "label": scored.base_model.map(model_title)}
    places = {"panel": panel, "row": rows} | voices
    return pd.DataFrame(places | numbers).astype(dict.fromkeys(numbers, float)).assign(paper=False)


def _row(instructions: str, count: int, sampling: str) -> str:
    return sampling if sampling == "untrained" else f"{instructions} {count:,}, {sampling}"
