"""What published verdicts show of crowds, of strategies and of repeated ratings: notebook 07's figure."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cce.analysis.elsewhere.reasoning import POOLED
from cce.analysis.figures.style import headings, panels, save, series_styles, styled

TITLES = [
    "the crowd grows",
    "its verdicts are turned round",
    "beside the judge's Vanilla",
    "more ratings, or a rule to stop",
]
NOTES = [
    "GPT-4 on MT-Bench, people's votes",
    "the same, with a crowd of four",
    "LLMBar, both orders",
    "RewardBench 2; hollow: the rule",
]


@styled()
def published_verdicts(tables: Mapping[str, pd.DataFrame], path: str | Path, source: str) -> Figure:
    """Draw four panels from the tables `people`, `sizes`, `noise`, `strategies`, `numbers` and `frontier`.

    Agreement with people over the size of the crowd, with the agreement among people as a dotted line; over the share
    of its verdicts that is turned round; what strategies gain over the judge's Vanilla; and accuracy over the ratings
    that are asked for of each response. Bars and bands are 95% intervals.
    """
    figure, axes = panels(4, 2.1, columns=2)
    sizes, noise, strategies, ratings = axes
    _lines(sizes, tables["sizes"], "size", "what", "agreement")
    people = tables["people"].set_index("what").agreement["one person, with another"]
    sizes.axhline(people, color="0.4", lw=0.8, ls=":", label="one person, with another")
    sizes.set(xlabel="models in the crowd", ylabel="agreement (%)", xticks=range(5))
    _lines(noise, tables["noise"], "share", "what", "agreement")
    noise.set(xlabel="share turned round", ylabel="agreement (%)")
    _gains(strategies, tables["strategies"])
    _lines(ratings, tables["numbers"], "ratings", "judge", "accuracy")
    _rules(ratings, tables["frontier"])
    ratings.set(xlabel="ratings of a response", ylabel="accuracy (%)")
    headings(axes, TITLES, NOTES)
    return save(figure, path, source)


def _lines(panel: Axes, table: pd.DataFrame, x: str, series: str, value: str) -> None:
    for name, style in series_styles(table[series].unique()).items():
        rows = table[table[series] == name]
        panel.plot(rows[x], rows[value], ms=3, label=name, **style)
        panel.fill_between(rows[x], rows[f"{value}_low"], rows[f"{value}_high"], color=style["color"], alpha=0.15, lw=0)


def _rules(panel: Axes, table: pd.DataFrame) -> None:
    for name, style in series_styles(table.judge.unique()).items():
        rows = table[table.judge == name]
        panel.plot(rows.ratings, rows.accuracy, ms=3, **style | {"ls": "none", "mfc": "white"})


def _gains(panel: Axes, table: pd.DataFrame) -> None:
    rows = list(table.strategy.unique())
    judges = [name for name in table.judge.unique() if name != POOLED]
    styles = series_styles(judges) | {POOLED: {"color": "0", "marker": "D"}}
    for place, (name, style) in enumerate(styles.items()):
        own = table[table.judge == name]
        at = [rows.index(one) + 0.15 * (place - len(styles) / 2) for one in own.strategy]
        panel.hlines(at, own.gain_low, own.gain_high, color=style["color"], lw=0.8)
        panel.plot(own.gain, at, ms=3, label=name, **style | {"ls": "none"})
    panel.axvline(0, color="0.6", lw=0.8)
    panel.set(yticks=range(len(rows)), yticklabels=[one.replace("_", "\nand ") for one in rows], xlabel="gain (points)")
    panel.invert_yaxis()
