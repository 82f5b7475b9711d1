"""A run's report: one HTML page that needs nothing beside it, with the paper's results, the costs, and every case.

No text in the page can run or load anything: its own style and script are let in by their digests, and nothing else is.
What the browser of cases needs is in the page as compressed JSON; its letters are those of base64, so that no text can
end the element.
"""

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pandas as pd

from cce.analysis.latency import latency_table
from cce.analysis.paper import as_printed
from cce.analysis.report.cases import Cases
from cce.analysis.report.findings import findings
from cce.analysis.report.run import (
    SEVERAL,
    Executed,
    addresses,
    asked_otherwise,
    blaming,
    by_method,
    by_model,
    executed_in,
    number,
)
from cce.analysis.tables import readable
from cce.display import TEMPLATES
from cce.errors import BadInput
from cce.inputs import files_read
from cce.names import short_name
from cce.outputs import check_writable, keep_apart, store_files, write_whole
from cce.project import check_results
from cce.spending import on_loopback

THOUSANDS = re.compile(r"^[0-9]{4,}(?=\.\d+$|$)")
NUMBER = re.compile(r"[-+<]?[\d.,]+(%|\s*\[.*\])?|-?")


def report(folder: str | Path, store: str | Path | None = None) -> Path:
    """Write the report of the run whose results lie in this folder, into the folder, and return the page's path.

    How each judgment came about stands in its record; the run's store in the folder, or the one that is named, adds
    texts, and no model is asked. What is not at hand is said where it is missed.
    Raises BadInput where no notebook's results lie there, a file there is damaged or a link that leads out of it, or
    the page would lie in place of a file that is read; OutputUnusable where it cannot be written.
    """
    folder = Path(folder).absolute()
    check_results(folder)
    notebooks, page = executed_in(folder, store and Path(store).absolute()), folder / "report.html"
    _check_page(page, notebooks)
    with blaming(folder, "run its notebooks again"):
        text = _rendered(folder.name, notebooks)
    write_whole(page, text)
    return page


def _check_page(page: Path, notebooks: Sequence[Executed]) -> None:
    # A folder of somebody else's must not lead the page elsewhere.
    if not page.resolve().is_relative_to(page.parent.resolve()):
        raise BadInput(f"{page}: that is a link which leads out of the folder; delete it")
    results = [file for file in page.parent.iterdir() if file.suffix != page.suffix]
    figures = [file for one in notebooks for file in one.files("svg").values()]
    stores = [file for one in notebooks for file in store_files(one.store_file)]
    keep_apart(files_read() | {"a result": [*results, *figures], "the store": stores}, {"the report": [page]})
    check_writable(page)


def _rendered(name: str, notebooks: Sequence[Executed]) -> str:
    templates = TEMPLATES.overlay(trim_blocks=True, lstrip_blocks=True)
    style, script = (Path(__file__).with_name(file).read_text(encoding="utf-8") for file in ("style.css", "browser.js"))
    cases, models, held = Cases(notebooks).data(), addresses(notebooks), by_model(notebooks)
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
        asked_otherwise=asked_otherwise(notebooks),
        mixed={row.model: row.answered_by for row in held.itertuples() if SEVERAL in row.answered_by},
        models=_cells(held),
        methods=_cells(by_method(notebooks)),
        latency=_cells(_latency(notebooks)),
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
    with blaming(notebook.folder / f"{notebook.stem}*.csv"):
        tables = {part: _cells(table) for part, table in notebook.tables.items() if part != "loss"}
    figures = [_base64(file.read_bytes()) for file in notebook.files("svg").values()]
    printed = known["printed"] and _cells(as_printed(known["printed"]))
    return {"id": notebook.stem, "known": known, "tables": tables, "figures": figures, "printed": printed}


def _latency(notebooks: Sequence[Executed]) -> pd.DataFrame:
    files = [(one.stem, rows) for one in notebooks for rows in one.judgments.values()]
    records = [row | {"notebook": stem} for stem, rows in files for row in rows]
    # Those of earlier versions have no latency, or no trace; and what is no number is none.
    timed = [one for one in records if "trace" in one and number(one.get("latency")) is not None]
    return latency_table(timed, ("notebook", "judge", "method"))


def _cells(table: pd.DataFrame) -> dict:
    """A table for the page: its heads, its rows as text, and which of its columns hold numbers."""
    shown = readable(table)
    numbers = [all(NUMBER.fullmatch(cell) for cell in shown[name]) for name in shown]
    rows = [[THOUSANDS.sub(lambda digits: f"{int(digits[0]):,}", cell) for cell in row] for row in shown.values]
    return {"heads": [name.replace("_", " ") for name in shown], "rows": rows, "numbers": numbers}
