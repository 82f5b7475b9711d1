"""Whether probabilities mean what they say: the curve, and the accuracy where the least sure are left to people."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cce.analysis.figures.style import NOT_IN_PAPER, headings, model_title, panels, save, series_styles, styled

TITLES = ["what is said and what is found", "the surest verdicts alone"]
NOTES = [f"{NOT_IN_PAPER}; dotted: means what it says", f"{NOT_IN_PAPER}; the others are left to people"]


@styled()
def calibration(reliability: pd.DataFrame, kept: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw a `reliability_table` beside a `kept_table`, one series per judge and method; bars and bands are 95%
    intervals.
    """
    figure, (curve, surest) = panels(2, 2.3, columns=2)
    styles = series_styles(dict.fromkeys(zip(kept.judge, kept.method, strict=True)))
    curve.plot([0, 100], [0, 100], color="0.6", lw=0.8, ls=":")
    for (judge, method), style in styles.items():
        label = f"{model_title(judge)}, {method}"
        own = reliability[(reliability.judge == judge) & (reliability.method == method)]
        curve.vlines(own.said, own.found_low, own.found_high, color=style["color"], lw=0.8)
        curve.plot(own.said, own.found, ms=3, label=label, **style)
        _band(surest, kept[(kept.judge == judge) & (kept.method == method)], style)
    curve.set(xlabel="probability of A, as said (%)", ylabel="A is better, by the label (%)", xlim=(-2, 102))
    surest.set(xlabel="verdicts kept (%)", ylabel="accuracy (%)", xlim=(0, 100))
    headings([curve, surest], TITLES, NOTES)
    return save(figure, path, source)


def _band(panel: Axes, own: pd.DataFrame, style: dict) -> None:
    panel.plot(own.kept, own.accuracy, ms=3, markevery=4, **style)
    panel.fill_between(own.kept, own.accuracy_low, own.accuracy_high, color=style["color"], alpha=0.15, lw=0)
