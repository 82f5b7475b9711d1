"""One pair as a figure: how A and B fared against the crowd, what was selected, and the verdicts beside the label."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cce.analysis.figures.look import headings, legend, model_title, palette, panels, save, style
from cce.crowd.result import Result
from cce.crowd.stages import in_order, speaker
from cce.names import NO_JUDGE

# An outcome has a shape as well as a colour.
BLUE, ORANGE, *_ = palette(2)
OUTCOMES = {
    "lost": {"marker": "v", "color": ORANGE, "label": "A or B lost"},
    "won": {"marker": "^", "color": BLUE, "label": "A or B won"},
    None: {"marker": "x", "color": "0.5", "label": "neither"},
}
RING = {"marker": "o", "ms": 10, "mfc": "none", "color": "0.2", "label": "selected"}
SIDES = {"A": 0, "B": 1}


def one_pair(results: Sequence[Result], path: str | Path, source: str) -> Figure:
    """Draw a pair's way: a panel of crowd judgments for each result that has some, then all verdicts.

    Args:
        results: of one pair, by any methods and judges.
        path: the figure is written as path.svg and path.png.
        source: what it comes from; date and commit are added to it.
    """
    crowded = [result for result in results if result.case.crowd_judgments]
    voices = max((len(result.case.crowd_judgments) for result in crowded), default=0) / 2
    with style():
        figure, axes = panels(len(crowded) + 1, 0.4 + 0.2 * max(len(results) + 1, voices), columns=2)
        for panel, result in zip(axes, crowded, strict=False):
            _crowd(panel, result)
        _verdicts(axes[len(crowded)], results)
        titles = [f"the crowd of {result['method']}" for result in crowded]
        headings(axes, [*titles, _judged_by(results)], [""] * len(axes))
        legend(figure)
        return save(figure, path, source)


def _crowd(panel: Axes, result: Result) -> None:
    judgments = in_order(result.case)
    voices = list(dict.fromkeys(speaker(judgment.member) for judgment in judgments))
    for judgment in judgments:
        place = SIDES[judgment.candidate], voices.index(speaker(judgment.member))
        panel.plot(*place, ls="none", ms=6, **OUTCOMES[judgment.outcome])
        if judgment in result.case.selected:
            panel.plot(*place, ls="none", **RING)
    panel.set(xlim=(-0.5, 1.5), xticks=[0, 1])
    panel.set_xticklabels(["A against", "B against"])
    _rows(panel, voices)


def _verdicts(panel: Axes, results: Sequence[Result]) -> None:
    label = results[0]["label"]
    one = len(_judges(results)) == 1
    rows = [result["method"] + ("" if one else f", {model_title(result['judge'])}") for result in results]
    if label:
        panel.axvline(SIDES[label], color="0.8", linewidth=6, zorder=0, label="the better one by the label")
    for row, result in enumerate(results):
        if result["p_a"] is None:
            said = "missing" if result["failed"] else "unreadable"
            panel.text(0.5, row, said, ha="center", va="center", color="0.35")
        else:
            panel.plot(1 - result["p_a"], row, "o", ms=6, color="0.1", label="verdict")
    panel.set(xlim=(-0.5, 1.5))
    panel.set_xticks([0, 0.5, 1], ["A", "tie", "B"])
    _rows(panel, rows)


def _judges(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(result["judge"] for result in results if result["judge"] != NO_JUDGE))


def _judged_by(results: Sequence[Result]) -> str:
    judges = _judges(results)
    return f"verdicts: {model_title(judges[0])}" if len(judges) == 1 else "verdicts"


def _rows(panel: Axes, names: list[str]) -> None:
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.4, -0.6)
