"""A run's report: one HTML page that needs nothing beside it, with the paper's results, the costs, and every case.

No text in the page can run or load anything: its own style and script are let in by their digests, and nothing else is.
What the browser of cases needs is in the page as compressed JSON; its letters are those of base64, so that no text can
end the element.
"""

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from hashlib import sha256
from math import nan
from pathlib import Path

import pandas as pd

from cce.analysis.figures.style import model_title, title
from cce.analysis.paper import as_printed
from cce.analysis.report.cases import Cases
from cce.analysis.report.run import Executed, addresses, by_method, by_model, executed_in
from cce.analysis.tables import readable
from cce.display import TEMPLATES
from cce.names import AVERAGES, family, method_parts, short_name
from cce.project import root
from cce.spending import on_loopback
from cce.text import write_whole

# A claim is a row of paper/claims.csv: a number that one of the paper's results comes down to, empty where only the
# direction is known, and the row of a notebook's table that repeats it: the end of the `table`'s name, the column
# `value`, and the families that these columns must name. `low`, `high` and `mark` are those of the drawing.
CONDITIONS = ["score", "model", "method", "baseline"]
THOUSANDS = re.compile(r"^[0-9]{4,}(?=\.\d+$|$)")
NUMBER = re.compile(r"[-+<]?[\d.,]+(%|\s*\[.*\])?|-?")


def report(folder: str | Path) -> Path:
    """Write the report of the run whose results lie in this folder, into the folder, and return the page's path.

    How each judgment came about stands in its record; the store adds texts, and no model is asked. What is not at hand
    any more is said where it is missed.
    Raises BadInput where no notebook's results lie there.
    """
    folder = Path(folder).absolute()
    # As in the notebooks, relative paths start at the project's root.
    with chdir(root()):
        page = _rendered(folder.name, executed_in(folder))
    write_whole(folder / "report.html", page)
    return folder / "report.html"


def _rendered(name: str, notebooks: Sequence[Executed]) -> str:
    templates = TEMPLATES.overlay(trim_blocks=True, lstrip_blocks=True)
    style, script = (Path(__file__).with_name(file).read_text(encoding="utf-8") for file in ("style.css", "browser.js"))
    cases, models = Cases(notebooks).data(), addresses(notebooks)
    packed = json.dumps(cases, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    results = as_printed("results.csv").fillna("").set_index("notebook").to_dict("index")
    return templates.get_template("analysis/report/template.html.jinja").render(
        name=name,
        style=style,
        script=script,
        digests=[_base64(sha256(text.encode()).digest()) for text in (style, script)],
        facts=_facts(notebooks),
        embedded=any(model.startswith("embedded") for model in models),
        local=sorted(model for model, url in models.items() if on_loopback(url)),
        findings=findings(notebooks),
        results=results,
        sections=[_section(notebook, results.get(notebook.stem, {})) for notebook in notebooks],
        models=_cells(by_model(notebooks)),
        methods=_cells(by_method(notebooks)),
        cases=_base64(gzip.compress(packed, compresslevel=6, mtime=0)),
        judgments=len(cases["rows"]),
    )


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _facts(notebooks: Sequence[Executed]) -> dict[str, str]:
    rows = [row for notebook in notebooks for rows in notebook.judgments.values() for row in rows]
    pairs = pd.DataFrame(rows, columns=["benchmark", "id"]).groupby("benchmark", sort=False).id.nunique()
    named = {key: [model for one in notebooks for model in one.parameters.get(key, [])] for key in ("judges", "crowd")}
    facts = {
        "Run": sorted({notebook.date for notebook in notebooks} - {""}),
        "Commit": sorted({notebook.commit for notebook in notebooks} - {""}),
        "Judges": dict.fromkeys(map(short_name, named["judges"])),
        "Crowd": dict.fromkeys(map(short_name, named["crowd"])),
        "Benchmarks": [f"{name} ({count:,} pairs)" for name, count in pairs.items()],
        "Judgments": [f"{len(rows):,}"],
    }
    return {name: ", ".join(told) or "-" for name, told in facts.items()}


def _section(notebook: Executed, result: dict) -> dict:
    known = result or {"place": "", "heading": notebook.stem, "claim": "", "printed": ""}
    # "loss" has one row per step of each training: the figure says it better.
    tables = {part: _cells(table) for part, table in notebook.tables.items() if part != "loss"}
    figures = [_base64(file.read_bytes()) for file in notebook.figures.values()]
    printed = known["printed"] and _cells(as_printed(known["printed"]))
    return {"id": notebook.stem, "known": known, "tables": tables, "figures": figures, "printed": printed}


def _cells(table: pd.DataFrame) -> dict:
    """A table for the page: its heads, its rows as text, and which of its columns hold numbers."""
    shown = readable(table)
    numbers = [all(NUMBER.fullmatch(cell) for cell in shown[name]) for name in shown]
    rows = [[THOUSANDS.sub(lambda digits: f"{int(digits[0]):,}", cell) for cell in row] for row in shown.values]
    return {"heads": [name.replace("_", " ") for name in shown], "rows": rows, "numbers": numbers}


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
    claims = as_printed("claims.csv").fillna(dict.fromkeys([*CONDITIONS, "table"], "")).to_dict("records")
    made = {notebook.stem: notebook.tables for notebook in notebooks}
    return [finding for claim in claims for finding in _found(claim, made.get(claim["notebook"], {}))]


def _found(claim: dict, tables: Mapping[str, pd.DataFrame]) -> Iterator[Finding]:
    rows = _rows(claim, tables.get(claim["table"], pd.DataFrame()))
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
        yield Finding(claim, own if own == own else claim["paper"], *ours, who, own == own)


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
