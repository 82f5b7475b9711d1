"""Findings: what the paper's results come down to, beside what a run found, and whether the two may be compared.

A claim is a row of paper/claims.csv: a number that one of the paper's results comes down to, empty where only the
direction is known, and the row of a notebook's table that repeats it: the end of the `table`'s name, the column
`value`, and the families that these columns must name. `low`, `high` and `mark` are those of the drawing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import pandas as pd

from cce.analysis.figures.style import model_title, title
from cce.analysis.paper import BUDGET, BUDGETS, as_printed, paper_name, table1, table6
from cce.analysis.report.run import Executed, blaming
from cce.crowd.methods import METHODS
from cce.names import AVERAGE, AVERAGES, family, method_parts
from cce.options import DEFAULTS

CONDITIONS = ["score", "model", "method", "baseline"]


@dataclass(frozen=True)
class Finding:
    """A claim beside what a run found; `ours` and its interval are NaN where it was not run.

    `unlike` says in what first the run differs from the paper's, and is empty where `paper` is the number of this very
    cell, found in the same way; `counted` says of several benchmarks at once how they stand.
    """

    claim: dict
    paper: float
    ours: float = nan
    low: float = nan
    high: float = nan
    who: str = ""
    unlike: str = ""
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
        if self.unlike:
            return f"not like for like: {self.unlike}"
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
    claims = as_printed("claims.csv").fillna(dict.fromkeys([*CONDITIONS, "table"], "")).to_dict("records")
    made = {notebook.stem: notebook for notebook in notebooks}
    found = []
    for claim in claims:
        notebook = made.get(claim["notebook"])
        with blaming(notebook.folder / f"{notebook.stem}*.csv" if notebook else "claims.csv"):
            found += _found(claim, notebook)
    return found


def _found(claim: dict, notebook: Executed | None) -> Iterator[Finding]:
    rows = _rows(claim, notebook.tables.get(claim["table"], pd.DataFrame())) if notebook else pd.DataFrame()
    if rows.empty:
        yield Finding(claim, claim["paper"])
    elif claim["paper"] != claim["paper"] and len(rows) > 1:
        yield from (_over_benchmarks(claim, *group) for group in rows.groupby("judge", sort=False))
        return
    for row in rows.to_dict("records"):
        own, ours = row.get("paper", nan), (row[claim["value"] + end] for end in ("", "_low", "_high"))
        where = [model_title(row["judge"])] if "judge" in row else []
        where += [title(row["benchmark"])] if "benchmark" in row else []
        who = ", ".join([*where, row.get("method", row.get("model"))])
        unlike = unlikeness(row, notebook.parameters)
        yield Finding(claim, own if own == own else claim["paper"], *ours, who, unlike)


def unlikeness(row: Mapping, given: Mapping) -> str:
    """In what first a row of a table differs from the paper's cell, by what its notebook was given; nothing if in none.

    Whether the crowd is the paper's nobody can say, since the paper does not name it: it is where it has the models
    that the paper's code ranks, and the one that its text names besides.
    """
    if "paper" not in row:
        return "the paper's number is a mean over four models"
    if not given:
        return "its parameters are not at hand"
    method = method_parts(row["method"])
    teacher = [given["judges"][0]] if row["judge"] == "students" else [row["judge"]]
    crowded = any(METHODS[method_parts(row[one]).family].crowded for one in ("method", "baseline") if _known(row, one))
    checks = {
        "another judge": not set(map(paper_name, teacher)) <= set(table1().judge),
        "another crowd": crowded and set(map(paper_name, given["crowd"])) != set(as_printed("crowd.csv").model),
        "other prompts": (method.prompts or given.get("prompts")) != "paper",
        "another scoring": given["scoring"] != "paper",
        "another order": "both" in (given["order"], given.get("student_order")),
        "another reading of verdicts": given["verdict"] != "text",
        "another temperature": given.get("judge_temperature") != DEFAULTS.judge_temperature,
        "another budget": _known(row, "method") and (method.budget or BUDGET) not in BUDGETS,
        "other pairs": _other_pairs(row, given),
        "no such cell in the paper": row["paper"] != row["paper"],
    }
    return next((reason for reason, differs in checks.items() if differs), "")


def _known(row: Mapping, column: str) -> bool:
    # A student's name is no method's.
    return column in row and method_parts(str(row[column])).family in METHODS


def _other_pairs(row: Mapping, given: Mapping) -> bool:
    printed = table6().set_index("benchmark").pairs
    wanted = printed.sum() if row["benchmark"] == AVERAGE else printed.get(row["benchmark"], nan)
    part = any(given.get(name) is not None for name in ("limit", "shard"))
    # Published splits are a little smaller than the paper prints: without ties, or without equally good answers.
    return part or not row["pairs"] + row.get("missing", 0) >= 0.9 * wanted or row.get("missing", 0) > 0


def _over_benchmarks(claim: dict, judge: str, rows: pd.DataFrame) -> Finding:
    # The paper's claim is that the direction is the same on all.
    ours, low = rows[claim["value"]], rows[claim["value"] + "_low"]
    who = f"{model_title(judge)}, mean of {len(rows)} benchmarks, {rows.method.iloc[0]}"
    more, above = (ours > 0).sum(), (low > 0).sum()
    counted = f"more on {more} of {len(rows)} benchmarks; {above} of their intervals lie above zero"
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
