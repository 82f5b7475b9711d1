"""Tables 2 and 3: judges trained on judgments, their losses, and models trained on picked answers."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from cce.analysis.figures.accuracy import accuracy_plot, paper_places
from cce.analysis.figures.dot_plot import NOT_RUN, dot_plot, our_marks, paper_marks
from cce.analysis.figures.style import NOT_IN_PAPER, headings, model_title, panels, save, series_styles, styled, title
from cce.analysis.paper import paper_name, student_cells, table3
from cce.names import TAUGHT, UNTRAINED, short_name

PUBLISHED_JUDGE, OTHERS = "published judge", "not trained here"
# The panel of each column, ours or the paper's: it does not say which of its two rates is which of ours.
SCORES = {
    "mtbench": "MT-Bench score (1\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}10)",
    "win_rate": "AlpacaEval-2 win rate\N{NO-BREAK SPACE}(%)",
    "length_controlled": "AlpacaEval-2 length-controlled win rate\N{NO-BREAK SPACE}(%)",
    "alpaca_first": "the paper's AlpacaEval-2 (%), first of two",
    "alpaca_second": "the paper's AlpacaEval-2 (%), second of two",
}
AT_RIGHT = "the paper's: right"


def distillation(table: pd.DataFrame, path: str | Path, source: str, base_model: str) -> Figure:
    """Draw Table 2, one panel per benchmark, our students above the paper's.

    `table` is what `distillation_table` returns, `base_model` what our students started from (`NAME`, `NAME@BASE_URL`
    or `embedded`); for `path` and `source` see `save`. The panels are those of `judge_accuracy`.
    """
    with styled():
        marks = pd.concat([_our_students(table, base_model), _paper_students(table.benchmark)])
        return save(accuracy_plot(marks, table.benchmark), path, source)


def loss_curves(losses: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw each student's loss over the steps of its training; the paper prints none.

    `losses` has one row per logged step, with the columns student, step and loss (mean cross-entropy per token, in
    nats); for `path` and `source` see `save`.
    """
    with styled():
        figure, (panel,) = panels(1, 1.5)
        curves = dict(list(losses.groupby("student", sort=False)))
        for student, style in series_styles(curves).items():
            curve = curves[student]
            panel.plot(curve.step, curve.loss, label=f"this run: {student}", mew=0, markevery=0.08, **style)
        panel.set(xlabel="step", ylabel="training loss (nats a token)", ylim=(0, None))
        headings([panel], ["loss of the students"], [NOT_IN_PAPER])
        return save(figure, path, source)


def rejection(table: pd.DataFrame, path: str | Path, source: str) -> Figure:
    """Draw Table 3: one panel per score, one row per set of instructions and way of picking, one colour per base model.

    `table` is what `rejection_table` returns; for `path` and `source` see `save`.
    """
    with styled():
        marks = pd.concat([_scores(table), _scores(table3()).assign(paper=True)])
        figure = dot_plot(marks, list(SCORES.values()), "score with 95% interval", _notes(table), sharex=False)
        # All of AlpacaEval-2 on one scale, whichever of the paper's numbers is which.
        percent = marks[marks.panel != SCORES["mtbench"]][["value", "high"]].max(axis=None)
        for panel, name in zip(figure.axes, SCORES, strict=False):
            panel.set_xlim(0, 10 if name == "mtbench" else 1.05 * percent)
        return save(figure, path, source)


def _our_students(table: pd.DataFrame, base_model: str) -> pd.DataFrame:
    of_base = (table.student == UNTRAINED) | table.student.str.startswith(TAUGHT)
    places = {"panel": table.benchmark.map(title), "row": table.student.map(short_name).str.split("/").str[-1]}
    places["series"] = of_base.map({True: paper_name(base_model), False: OTHERS})
    places["label"] = of_base.map({True: model_title(base_model), False: OTHERS})
    return our_marks(table, "accuracy", **places)


def _paper_students(benchmarks: pd.Series) -> pd.DataFrame:
    # The paper's own students first.
    rows = sorted(student_cells().items(), key=lambda cell: cell[0][2] == PUBLISHED_JUDGE)
    return paper_marks(
        _student(*student, mean) | {"panel": panel, "value": value}
        for benchmark, panel, mean in paper_places(benchmarks)
        for (measured_on, *student), value in rows
        if measured_on == benchmark
    )


def _student(student: str, judgments: str, samples: int, mean: str) -> dict[str, str]:
    published = judgments == PUBLISHED_JUDGE
    name = (judgments if published else student) + mean
    return {"row": student if published else f"{judgments}, {samples // 1000}K", "series": name, "label": name}


def _notes(table: pd.DataFrame) -> dict[str, str]:
    notes = dict.fromkeys(("alpaca_first", "alpaca_second"), "rate not named")
    for rate in ("win_rate", "length_controlled"):
        notes[rate] = AT_RIGHT if table[rate].notna().any() else f"{NOT_RUN}; {AT_RIGHT}"
    return {SCORES[name]: note for name, note in notes.items()}


def _scores(table: pd.DataFrame) -> pd.DataFrame:
    rows = pd.Series(map(_row, table.instructions, table["count"], table.sampling), table.index)
    places = {"row": rows, "series": table.base_model.map(paper_name), "label": table.base_model.map(model_title)}
    marks = [our_marks(table, name, panel=panel, **places) for name, panel in SCORES.items() if name in table]
    return pd.concat(marks).dropna(subset="value")


def _row(instructions: str, count: int, sampling: str) -> str:
    return sampling if sampling == UNTRAINED else f"{instructions} {count:,}, {sampling}"
