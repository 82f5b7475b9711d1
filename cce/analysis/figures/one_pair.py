"""One pair as a figure: how A and B fared against the crowd, what was selected, and the verdicts beside the label."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cce.analysis.figures.dot_plot import name_rows
from cce.analysis.figures.style import COLOURS, headings, model_title, panels, save, styled
from cce.crowd.result import Result, speaker
from cce.names import NO_JUDGE

# An outcome has a shape as well as a colour.
BLUE, ORANGE, *_ = COLOURS
OUTCOMES = {
    "lost": {"marker": "v", "color": ORANGE, "label": "A or B lost"},
    "won": {"marker": "^", "color": BLUE, "label": "A or B won"},
    None: {"marker": "x", "color": "0.5", "label": "neither"},
}
RING = {"marker": "o", "ms": 10, "mfc": "none", "color": "0.2", "label": "selected"}
SIDES = {"A": 0, "B": 1}


def one_pair(results: Sequence[Result], path: str | Path, source: str) -> Figure:
    """Draw how one pair was judged: a panel of crowd judgments for each result that has some, then all verdicts.

    The results are those of one pair, by any methods and judges; for `path` and `source` see `save`.
    """
    crowded = [result for result in results if result["trace"]["crowd"]]
    members = max((len(result["trace"]["crowd"]) for result in crowded), default=0) / 2
    with styled():
        figure, axes = panels(len(crowded) + 1, 0.4 + 0.2 * max(len(results) + 1, members), columns=2)
        for panel, result in zip(axes, crowded, strict=False):
            _crowd(panel, result)
        judges = list(dict.fromkeys(result["judge"] for result in results if result["judge"] != NO_JUDGE))
        _verdicts(axes[len(crowded)], results, one_judge=len(judges) == 1)
        titles = [f"the crowd of {result['method']}" for result in crowded]
        titles.append(f"verdicts: {model_title(judges[0])}" if len(judges) == 1 else "verdicts")
        headings(axes, titles, [""] * len(axes))
        return save(figure, path, source)


def _crowd(panel: Axes, result: Result) -> None:
    judgments = result["trace"]["crowd"]
    speakers = list(dict.fromkeys(map(speaker, judgments)))
    for judgment in judgments:
        place = SIDES[judgment["candidate"]], speakers.index(speaker(judgment))
        panel.plot(*place, ls="none", ms=6, **OUTCOMES[judgment["outcome"]])
        if judgment["selected"]:
            panel.plot(*place, ls="none", **RING)
    panel.set(xlim=(-0.5, 1.5), xticks=[0, 1], xticklabels=["A against", "B against"])
    name_rows(panel, speakers)


def _verdicts(panel: Axes, results: Sequence[Result], one_judge: bool) -> None:
    rows = [result["method"] + ("" if one_judge else f", {model_title(result['judge'])}") for result in results]
    if label := results[0]["label"]:
        panel.axvline(SIDES[label], color="0.8", linewidth=6, zorder=0, label="the better one by the label")
    for row, result in enumerate(results):
        if result["p_a"] is None:
            why = "missing" if result["failed"] else "unreadable"
            panel.text(0.5, row, why, ha="center", va="center", color="0.35")
        else:
            panel.plot(1 - result["p_a"], row, "o", ms=6, color="0.1", label="verdict")
    panel.set(xlim=(-0.5, 1.5), xticks=[0, 0.5, 1], xticklabels=["A", "tie", "B"])
    name_rows(panel, rows)
