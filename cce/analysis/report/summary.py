"""The paper's results in its order: what it claims, its number beside ours, and how the two stand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import nan
from typing import NamedTuple

import pandas as pd

from cce.analysis.accuracy import AVERAGE, AVERAGES, OVERALL
from cce.analysis.figures.style import model_title, title
from cce.analysis.paper import BUDGET, REFERENCE, as_printed, figure3, paper_accuracy, paper_student, sampling_steps
from cce.analysis.report.run import Executed
from cce.names import family, method_parts

CHANCE, NONE = 50.0, 0.0


class PaperResult(NamedTuple):
    """One of the paper's results: its place there, a heading, the claim in a sentence, the file of printed numbers."""

    place: str
    heading: str
    claim: str
    printed: str = ""


RESULTS = {name: PaperResult(*rest) for name, *rest in as_printed("results.csv").fillna("").itertuples(index=False)}


@dataclass(frozen=True)
class Claim:
    """A number that the paper's result comes down to, and the row of our table that repeats it.

    `part` is the end of the table's name, `rows` the family that a column must name, `paper` what the paper prints in
    the place of its headline, NaN where only the direction is known; `scale` and `mark` are those of the drawing.
    """

    stem: str
    what: str
    where: str
    paper: float
    value: str
    rows: dict[str, str]
    part: str = "comparisons"
    scale: tuple[float, float] = (-50, 50)
    mark: float = NONE
    digits: int = 1

    @property
    def signed(self) -> bool:
        """Whether the number is a gain."""
        return self.mark == NONE


@dataclass(frozen=True)
class Finding:
    """A claim beside what a run found; `ours` and its interval are NaN where it was not run.

    `alike` says that judge, pairs and method are the paper's, so that `paper` is its number for this very cell;
    `counted` says of several benchmarks at once how they stand.
    """

    claim: Claim
    paper: float
    ours: float = nan
    low: float = nan
    high: float = nan
    who: str = ""
    alike: bool = False
    counted: str = ""

    @property
    def place(self) -> str:
        """Where the paper has it."""
        return RESULTS[self.claim.stem].place

    @property
    def run(self) -> bool:
        """Whether there is a number of ours."""
        return self.ours == self.ours

    @property
    def difference(self) -> float:
        """Ours less the paper's."""
        return self.ours - self.paper

    @property
    def reading(self) -> str:
        """How the two stand to each other, in words."""
        if not self.run:
            return "not run here"
        if self.counted:
            return self.counted
        if self.low != self.low:
            return "no interval"
        if self.paper != self.paper:
            return _direction(self.low, self.high)
        if not self.alike:
            return "not like for like"
        return "our interval holds it" if self.low <= self.paper <= self.high else "outside our interval"

    def number(self, value: float, signed: bool = False) -> str:
        """A value of this claim as text, with its sign where it is a difference, a dash for none."""
        sign = "+" if self.claim.signed or signed else ""
        return f"{value:{sign}.{self.claim.digits}f}".replace("-", "\N{MINUS SIGN}") if value == value else "-"

    def place_of(self, value: float) -> float:
        """Where the value lies on the claim's scale, 0 to 100, at its end where it lies beyond."""
        low, high = self.claim.scale
        return round(min(100.0, max(0.0, 100 * (value - low) / (high - low))), 2)


def _direction(low: float, high: float) -> str:
    return "same direction" if low > 0 else "opposite direction" if high < 0 else "undecided: holds zero"


GPT = "GPT-4o, mean of five"


def _accuracy(what: str, method: str) -> Claim:
    paper, rows = paper_accuracy(AVERAGE, REFERENCE, method), {"method": family(method)}
    return Claim("01_judge_accuracy", what, f"{GPT}, {method}", paper, "accuracy", rows, "", (0, 100), CHANCE)


def _step(stem: str, what: str, method: str, baseline: str) -> Claim:
    paper = paper_accuracy(AVERAGE, REFERENCE, method) - paper_accuracy(AVERAGE, REFERENCE, baseline)
    return Claim(
        stem, what, f"{GPT}, {method}", paper, "difference", {"method": family(method), "baseline": family(baseline)}
    )


def _rationales(what: str, value: str, scale: tuple[float, float]) -> Claim:
    rows = {"method": "cce", "baseline": "vanilla"}
    return Claim("04_key_points", what, "on all five benchmarks", nan, value, rows, "differences", scale)


def _scaled() -> Claim:
    overall = figure3().set_index(["benchmark", "budget"]).accuracy[OVERALL]
    where, rows = f"GPT-4o, pairs of three, cce-random@{BUDGET}", {"method": "cce-random", "baseline": "vanilla"}
    what = "most crowd judgments less none, points"
    return Claim("03_scaling", what, where, overall[BUDGET] - overall[0], "difference", rows)


def _taught() -> Claim:
    cce, vanilla = (paper_student(AVERAGE, ("qwen2.5-7b", kind, 10_000)) for kind in ("cce", "vanilla"))
    where = "Qwen2.5-7B, mean of five, 10,000 judgments"
    rows = {"method": "student: cce", "baseline": "student: vanilla"}
    what = "student of CCE less of vanilla, points"
    return Claim("05_distillation", what, where, cce - vanilla, "difference", rows, "differences")


def _rated() -> Claim:
    steps = sampling_steps().set_index("step").mtbench["crowd less vanilla"]
    rows = {"score": "rating", "model": "cce", "baseline": "vanilla"}
    what = "MT-Bench rating, crowd less vanilla picks"
    where = "mean of the table's four models"
    return Claim("06_rejection_sampling", what, where, steps.mean(), "gain", rows, "steps", (-2, 2), digits=2)


CLAIMS = [
    _accuracy("right verdicts of vanilla, %", "vanilla"),
    _accuracy("right verdicts of CCE, %", f"cce@{BUDGET}"),
    _step("01_judge_accuracy", "CCE less vanilla, points", f"cce@{BUDGET}", "vanilla"),
    _step("02_selection", "won less random, points", f"cce-praising@{BUDGET}", f"cce-random@{BUDGET}"),
    _step("02_selection", "lost less random, points", f"cce-criticizing@{BUDGET}", f"cce-random@{BUDGET}"),
    _step("02_selection", "outcomes removed less left in, points", f"cce@{BUDGET}", f"cce-criticizing@{BUDGET}"),
    _scaled(),
    _rationales("key points a rationale, CCE less vanilla", "points", (-10, 10)),
    _rationales("coverage, CCE less vanilla, points", "coverage", (-100, 100)),
    _taught(),
    _rated(),
]


def findings(notebooks: Sequence[Executed]) -> list[Finding]:
    """Every claim beside what these notebooks found, in the paper's order; where none ran it, the claim alone."""
    made = {notebook.stem: notebook.tables for notebook in notebooks}
    return [
        finding
        for claim in CLAIMS
        for finding in list(_found(claim, made.get(claim.stem, {}))) or [Finding(claim, claim.paper)]
    ]


def _found(claim: Claim, tables: dict[str, pd.DataFrame]) -> Iterator[Finding]:
    rows = _rows(claim, tables.get(claim.part, pd.DataFrame()))
    if claim.paper != claim.paper and len(rows) > 1:
        yield from (_over_benchmarks(claim, *group) for group in rows.groupby("judge", sort=False))
        return
    for row in rows.to_dict("records"):
        own, (low, high) = row.get("paper", nan), (row[f"{claim.value}_{end}"] for end in ("low", "high"))
        where = [model_title(row["judge"])] if "judge" in row else []
        where += [title(row["benchmark"])] if "benchmark" in row else []
        who = ", ".join([*where, row.get("method", row.get("model"))])
        paper = own if own == own else claim.paper
        yield Finding(claim, paper, row[claim.value], low, high, who, own == own)


def _over_benchmarks(claim: Claim, judge: str, rows: pd.DataFrame) -> Finding:
    # The paper's claim is that the direction is the same on all.
    who = f"{model_title(judge)}, mean of {len(rows)} benchmarks, {rows.method.iloc[0]}"
    up = f"more on {(rows[claim.value] > 0).sum()} of {len(rows)} benchmarks"
    above = f"{(rows[f'{claim.value}_low'] > 0).sum()} of their intervals lie above zero"
    return Finding(claim, claim.paper, rows[claim.value].mean(), who=who, counted=f"{up}; {above}")


def _rows(claim: Claim, table: pd.DataFrame) -> pd.DataFrame:
    """The claim's rows at the largest budget, of the average over benchmarks where there is one."""
    for column, wanted in claim.rows.items():
        table = table[table[column].map(family) == wanted] if column in table else table[:0]
    if table.empty:
        return table
    if "benchmark" in table and table.benchmark.isin(AVERAGES).any():
        table = table[table.benchmark.isin(AVERAGES)]
    named = table[next(column for column in ("method", "model") if column in table)]
    budget = named.map(lambda name: method_parts(name).budget or 0)
    return table[budget == budget.max()]
