"""A run's report: one HTML page that needs nothing beside it, with the paper's results, the costs, and every case.

    report("runs/demo")

Everything of a run stands in one file, with no resource outside it, and no text in it that could run.

What the browser of cases needs is in the page as compressed JSON; its letters are those of base64, so that no text can
end the element. The page's own style and script are let in by their digests, and nothing else is.
"""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from cce.analysis.paper import as_printed
from cce.analysis.report.cases import Cases
from cce.analysis.report.run import Executed, addresses, by_method, by_model, executed_in, named
from cce.analysis.report.summary import RESULTS, PaperResult, findings
from cce.analysis.tables import readable
from cce.names import short_name
from cce.project import root
from cce.spending import on_loopback
from cce.text import write_whole

NAME = "report.html"
THOUSANDS = re.compile(r"^[0-9]{4,}(?=\.\d+$|$)")
NUMBER = re.compile(r"[-+<]?[\d.,]+(%|\s*\[.*\])?|-?")
# A row a step of each training: the figure says it better.
NO_TABLES = {"loss"}


def report(folder: str | Path) -> Path:
    """Write the report of the run whose results lie in this folder, into the folder, and return the page's path.

    How each judgment came about stands in its record; the store adds texts, and no model is asked. What is not at hand
    any more is said where it is missed.
    Raises BadInput where no notebook's results lie there.
    """
    folder = Path(folder).absolute()
    notebooks = executed_in(folder)
    # As in the notebooks, relative paths start at the project's root.
    with chdir(root()):
        page = _rendered(folder, notebooks)
    write_whole(folder / NAME, page)
    return folder / NAME


def _rendered(folder: Path, notebooks: Sequence[Executed]) -> str:
    room = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (room.loader.get_source(room, name)[0] for name in ("style.css", "browser.js"))
    cases = json.dumps(Cases(notebooks).data(), ensure_ascii=False, separators=(",", ":"))
    return room.get_template("template.html.jinja").render(
        name=folder.name,
        policy=_policy(style, script),
        style=style,
        script=script,
        facts=_facts(notebooks),
        cautions=_cautions(notebooks),
        findings=findings(notebooks),
        sections=[_section(notebook) for notebook in notebooks],
        models=_model_costs(notebooks),
        methods=_cells(by_method(notebooks)),
        cases=_packed(cases),
        judgments=sum(len(rows) for notebook in notebooks for rows in notebook.judgments.values()),
    )


def _policy(style: str, script: str) -> str:
    style, script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    sources = f"style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:"
    return f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"


def _packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(errors="replace"), compresslevel=6, mtime=0)).decode()


def _facts(notebooks: Sequence[Executed]) -> dict[str, str]:
    rows = [row for notebook in notebooks for rows in notebook.judgments.values() for row in rows]
    pairs = pd.DataFrame(rows, columns=["benchmark", "id"]).groupby("benchmark", sort=False).id.nunique()
    return {
        "Run": ", ".join(sorted({notebook.date for notebook in notebooks} - {""})) or "-",
        "Commit": ", ".join(sorted({notebook.commit for notebook in notebooks} - {""})) or "-",
        "Judges": _named(notebooks, "judges"),
        "Crowd": _named(notebooks, "crowd"),
        "Benchmarks": ", ".join(f"{name} ({count:,} pairs)" for name, count in pairs.items()) or "-",
        "Judgments": f"{len(rows):,}",
    }


def _named(notebooks: Sequence[Executed], parameter: str) -> str:
    given = [short_name(name) for notebook in notebooks for name in notebook.parameters.get(parameter, [])]
    return ", ".join(dict.fromkeys(given)) or "-"


def _cautions(notebooks: Sequence[Executed]) -> list[str]:
    models = named(notebooks)
    here = sorted(name for name, url in addresses(models).items() if on_loopback(url))
    cautions = []
    if any(name.startswith("embedded") for name in models):
        cautions.append(
            "Numbers come from the embedded model, of 135 million parameters. They show that every step runs; "
            "they neither confirm nor refute the paper."
        )
    if here:
        cautions.append(
            f"Served at a loopback address, by this machine: {', '.join(here)}. The page knows these models by the "
            "names that they were given, and not by what really answered."
        )
    return cautions


def _section(notebook: Executed) -> dict:
    known = RESULTS.get(notebook.stem, PaperResult("", notebook.stem, ""))
    tables = {part: _cells(table) for part, table in notebook.tables.items() if part not in NO_TABLES}
    figures = [base64.b64encode(file.read_bytes()).decode() for file in notebook.figures.values()]
    printed = known.printed and _cells(as_printed(known.printed))
    return {"id": notebook.stem, "known": known, "tables": tables, "figures": figures, "printed": printed}


def _model_costs(notebooks: Sequence[Executed]) -> dict:
    stores = {root() / notebook.parameters["store"] for notebook in notebooks if "store" in notebook.parameters}
    there = [store for store in sorted(stores) if store.is_file()]
    table = by_model(there, notebooks)
    if table.empty:
        return _cells(table)
    total = table.drop(columns="model").sum(skipna=False).to_frame().T.assign(model="all")
    table = pd.concat([table, total], ignore_index=True)
    table["dollars"] = [None if cost != cost else f"{cost:,.2f}" for cost in table.dollars]
    return _cells(table)


def _cells(table: pd.DataFrame) -> dict:
    """A table for the page: its heads, its rows as text, and which of its columns hold numbers."""
    shown = readable(table)
    numbers = [all(NUMBER.fullmatch(cell) for cell in shown[name]) for name in shown]
    heads = [name.replace("_", " ") for name in shown]
    rows = [[THOUSANDS.sub(_grouped, cell) for cell in row] for row in shown.values.tolist()]
    return {"heads": heads, "rows": rows, "numbers": numbers}


def _grouped(digits: re.Match) -> str:
    return f"{int(digits[0]):,}"
