"""One pair as a figure: how A and B fared against the crowd, what was selected, and the verdicts beside the label."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cce.analysis.figures.dot_plot import name_rows
from cce.analysis.figures.style import COLOURS, headings, model_title, panels, save, styled
from cce.crowd.result import speaker
from cce.names import NO_JUDGE

# An outcome has a shape as well as a colour.
OUTCOMES = {
    "lost": {"marker": "v", "color": COLOURS[1], "label": "A or B lost"},
    "won": {"marker": "^", "color": COLOURS[0], "label": "A or B won"},
    None: {"marker": "x", "color": "0.5", "label": "neither"},
}
SIDES = {"A": 0, "B": 1}


@styled()
def one_pair(results: Sequence[Mapping], path: str | Path, source: str) -> Figure:
    """Draw how one pair was judged: a panel of crowd judgments for each result that has some, then all verdicts.

    The results are records of one pair (see `cce.crowd.record`), by any methods and judges.
    """
    crowds = [(result["method"], crowd) for result in results if (crowd := result["trace"]["crowd"])]
    judges = {result["judge"] for result in results} - {NO_JUDGE}
    rows = max([len(results) + 1, *(len(crowd) / 2 for _, crowd in crowds)])
    figure, axes = panels(len(crowds) + 1, 0.4 + 0.2 * rows, columns=2)
    for panel, (_, crowd) in zip(axes, crowds, strict=False):
        _draw_crowd(panel, crowd)
    _draw_verdicts(axes[-1], results, one_judge=len(judges) == 1)
    verdicts = f"verdicts: {model_title(*judges)}" if len(judges) == 1 else "verdicts"
    headings(axes, [*(f"the crowd of {method}" for method, _ in crowds), verdicts], [""] * len(axes))
    return save(figure, path, source)


def _draw_crowd(panel: Axes, judgments: Sequence[Mapping]) -> None:
    speakers = list(dict.fromkeys(map(speaker, judgments)))
    for judgment in judgments:
        place = SIDES[judgment["candidate"]], speakers.index(speaker(judgment))
        panel.plot(*place, ls="none", ms=6, **OUTCOMES[judgment["outcome"]])
        if judgment["selected"]:
            panel.plot(*place, "o", ms=10, mfc="none", color="0.2", label="selected")
    panel.set(xlim=(-0.5, 1.5), xticks=[0, 1], xticklabels=["A against", "B against"])
    name_rows(panel, speakers)


def _draw_verdicts(panel: Axes, results: Sequence[Mapping], one_judge: bool) -> None:
    if label := results[0]["label"]:
        panel.axvline(SIDES[label], color="0.8", linewidth=6, zorder=0, label="the better one by the label")
    for row, result in enumerate(results):
        if result["p_a"] is None:
            why = "missing" if result["failed"] else "unreadable"
            panel.text(0.5, row, why, ha="center", va="center", color="0.35")
        else:
            panel.plot(1 - result["p_a"], row, "o", ms=6, color="0.1", label="verdict")
    panel.set(xlim=(-0.5, 1.5), xticks=[0, 0.5, 1], xticklabels=["A", "tie", "B"])
    name_rows(panel, [one["method"] + ("" if one_judge else f", {model_title(one['judge'])}") for one in results])
