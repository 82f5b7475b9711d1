"""The paper's results in its order: what it claims, its number beside ours, and how the two stand.

A claim is a row of paper/claims.csv: a number that one of the paper's results comes down to (`paper`; empty where only
the direction is known), and the row of a notebook's table that repeats it: the end of the `table`'s name, the column
`value`, and the families that the columns CONDITIONS must name. `low`, `high` and `mark` are those of the drawing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import pandas as pd

from cce.analysis.accuracy import AVERAGES
from cce.analysis.figures.style import model_title, title
from cce.analysis.paper import as_printed
from cce.analysis.report.run import Executed
from cce.names import family, method_parts

CONDITIONS = ["score", "model", "method", "baseline"]


@dataclass(frozen=True)
class Finding:
    """A claim beside what a run found; `ours` and its interval are NaN where it was not run.

    `alike` says that judge, pairs and method are the paper's, so that `paper` is its number for this very cell;
    `counted` says of several benchmarks at once how they stand.
    """

    claim: dict
    paper: float
    ours: float = nan
    low: float = nan
    high: float = nan
    who: str = ""
    alike: bool = False
    counted: str = ""

    @property
    def reading(self) -> str:
        """How the two stand to each other, in words."""
        if self.ours != self.ours:
            return "not run here"
        if self.counted:
            return self.counted
        if self.low != self.low:
            return "no interval"
        if self.paper != self.paper:
            undecided = "undecided: holds zero"
            return "same direction" if self.low > 0 else "opposite direction" if self.high < 0 else undecided
        if not self.alike:
            return "not like for like"
        return "our interval holds it" if self.low <= self.paper <= self.high else "outside our interval"

    def number(self, value: float, signed: bool = False) -> str:
        """A value of this claim as text, with its sign where it is a difference, a dash for none."""
        sign = "+" if signed or not self.claim["mark"] else ""
        return f"{value:{sign}.{self.claim['digits']}f}".replace("-", "\N{MINUS SIGN}") if value == value else "-"

    def place_of(self, value: float) -> float:
        """Where the value lies on the claim's scale, 0 to 100, at its end where it lies beyond."""
        low, high = self.claim["low"], self.claim["high"]
        return round(min(100.0, max(0.0, 100 * (value - low) / (high - low))), 2)


def findings(notebooks: Sequence[Executed]) -> list[Finding]:
    """Every claim beside what these notebooks found, in the paper's order; where none ran it, the claim alone."""
    claims = as_printed("claims.csv").fillna(dict.fromkeys([*CONDITIONS, "table"], ""))
    made = {notebook.stem: notebook.tables for notebook in notebooks}
    return [
        finding
        for claim in claims.to_dict("records")
        for finding in list(_found(claim, made.get(claim["notebook"], {}))) or [Finding(claim, claim["paper"])]
    ]


def _found(claim: dict, tables: Mapping[str, pd.DataFrame]) -> Iterator[Finding]:
    rows = _rows(claim, tables.get(claim["table"], pd.DataFrame()))
    if claim["paper"] != claim["paper"] and len(rows) > 1:
        yield from (_over_benchmarks(claim, *group) for group in rows.groupby("judge", sort=False))
        return
    for row in rows.to_dict("records"):
        own, ours = row.get("paper", nan), (row[claim["value"] + end] for end in ("", "_low", "_high"))
        where = [model_title(row["judge"])] if "judge" in row else []
        where += [title(row["benchmark"])] if "benchmark" in row else []
        who = ", ".join([*where, row.get("method", row.get("model"))])
        yield Finding(claim, own if own == own else claim["paper"], *ours, who, own == own)


def _over_benchmarks(claim: dict, judge: str, rows: pd.DataFrame) -> Finding:
    # The paper's claim is that the direction is the same on all.
    ours, low = rows[claim["value"]], rows[claim["value"] + "_low"]
    who = f"{model_title(judge)}, mean of {len(rows)} benchmarks, {rows.method.iloc[0]}"
    counted = (
        f"more on {(ours > 0).sum()} of {len(rows)} benchmarks; {(low > 0).sum()} of their intervals lie above zero"
    )
    return Finding(claim, claim["paper"], ours.mean(), who=who, counted=counted)


def _rows(claim: dict, table: pd.DataFrame) -> pd.DataFrame:
    """The claim's rows at the largest budget, of the average over benchmarks where there is one."""
    for column in filter(claim.get, CONDITIONS):
        table = table[table[column].map(family) == claim[column]] if column in table else table[:0]
    if table.empty:
        return table
    if "benchmark" in table and table.benchmark.isin(AVERAGES).any():
        table = table[table.benchmark.isin(AVERAGES)]
    named = table["method" if "method" in table else "model"]
    budget = named.map(lambda name: method_parts(name).budget or 0)
    return table[budget == budget.max()]
