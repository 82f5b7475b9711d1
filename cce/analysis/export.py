"""Export: a run as a data set that others can load, score and build on, with a card that says what it is.

The paper's repository promises its crowd answers and judgments, and holds none. A run's folder becomes Parquet files:
judgments, crowd answers and crowd judgments. Questions and answers of the benchmarks stay where they are: an id names
their pair.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cce.analysis.report.run import Executed, blaming, by_model, executed_in
from cce.analysis.tables import readable
from cce.crowd.record import COLUMNS
from cce.errors import BadInput
from cce.outputs import alone, clearly, write_whole

PAIR = ["notebook", "benchmark", "id", "judge", "method"]
ANSWERS = ["benchmark", "id", "member", "model", "answer"]
COMPARISONS = [*PAIR, "candidate", "member", "model", "outcome", "p_a", "selected", "rationale", "rationale_swapped"]
CARD = "README.md"


def export(run: str | Path, folder: str | Path, store: str | Path | None = None) -> list[Path]:
    """Write the run whose results lie in `run` into a new or empty folder, and return the files.

    These are judgments.parquet (the columns of `evaluate`, and the notebook), crowd_answers.parquet (ANSWERS),
    crowd_judgments.parquet (COMPARISONS), and a card, README.md, by which `datasets.load_dataset` knows them; the card
    is written last. Raises BadInput for a folder that holds something or that another process writes, and where no
    judgments lie in `run`; NotRecorded where its store, which lies there too or is named, is not at hand;
    OutputUnusable where there is no room or right.
    """
    run, folder = Path(run).absolute(), Path(folder).absolute()
    with clearly(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        return _exported(run, folder, store)


def _exported(run: Path, folder: Path, store: str | Path | None) -> list[Path]:
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder}: something is there already; name a new folder")
    notebooks = [one for one in executed_in(run, store and Path(store).absolute()) if one.judgments]
    if not notebooks:
        raise BadInput(f"{run}: no judgments lie there")
    with blaming(run, "run its notebooks again"):
        tables = _tables(notebooks)
        card = _card(run.name, notebooks, tables)
    files = [*(folder / f"{name}.parquet" for name in tables), folder / CARD]
    try:
        with clearly(folder):
            folder.mkdir(exist_ok=True)
            for file, table in zip(files, tables.values(), strict=False):
                table.to_parquet(file, index=False)
        write_whole(folder / CARD, card)
    except BaseException:
        for file in files:
            file.unlink(missing_ok=True)
        raise
    return files


def _tables(notebooks: Sequence[Executed]) -> dict[str, pd.DataFrame]:
    rows = [(one, record) for one in notebooks for part in one.judgments.values() for record in part]
    judgments = [{"notebook": one.stem} | {name: record.get(name) for name in COLUMNS} for one, record in rows]
    crowd = [told for one, record in rows for told in _comparisons(one, record)]
    answers = pd.DataFrame([row for row, _ in crowd], columns=ANSWERS).drop_duplicates()
    return {
        "judgments": pd.DataFrame(judgments, columns=["notebook", *COLUMNS]),
        "crowd_answers": answers,
        "crowd_judgments": pd.DataFrame([row for _, row in crowd], columns=COMPARISONS),
    }


def _comparisons(notebook: Executed, record: dict) -> Iterator[tuple[dict, dict]]:
    """For each crowd judgment of a record a row of ANSWERS and one of COMPARISONS."""
    pair = {name: record[name] for name in ("benchmark", "id")}
    for one in record.get("trace", {}).get("crowd", []):
        keys = [one["answer"]] if isinstance(one["answer"], str) else one["answer"]
        texts = keys if isinstance(one["answer"], str) else [notebook.stored("response", key)["text"] for key in keys]
        who = {"member": one["member"], "model": one["model"]}
        given, *swapped = (notebook.stored("response", key)["text"] for key in one["rationales"])
        told = {name: one[name] for name in ("candidate", "outcome", "p_a", "selected")}
        told |= {"rationale": given, "rationale_swapped": swapped[0] if swapped else None}
        asked = {"notebook": notebook.stem, "judge": record["judge"], "method": record["method"]}
        yield pair | who | {"answer": "\n\n".join(texts)}, pair | asked | who | told


def _card(name: str, notebooks: Sequence[Executed], tables: dict[str, pd.DataFrame]) -> str:
    given = notebooks[0].parameters
    templates = ImmutableSandboxedEnvironment(loader=PackageLoader("cce.analysis", "."), undefined=StrictUndefined)
    return templates.get_template("export.md.jinja").render(
        name=name,
        commits=sorted({one.commit for one in notebooks} - {""}),
        dates=sorted({one.date for one in notebooks} - {""}),
        prompts=given.get("prompts") or "kit",
        benchmarks=sorted(tables["judgments"].benchmark.dropna().unique()),
        tables={table: (len(rows), list(rows)) for table, rows in tables.items()},
        models=_markdown(readable(by_model(notebooks))),
    )


def _markdown(table: pd.DataFrame) -> str:
    # A model's name may hold what ends a cell.
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in [list(table), *table.values]]
    rows = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([rows[0], "|" + " --- |" * len(table.columns), *rows[1:]])
