"""A run's folder: what its notebooks were given, when and at which commit they ran, what they made, what it cost."""

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import nan
from pathlib import Path
from typing import TypeVar

import pandas as pd
import papermill

from cce.crowd.record import COLUMNS
from cce.errors import BadInput
from cce.models.endpoint import OPENAI_URL
from cce.models.store import Store
from cce.names import model_parts
from cce.project import root
from cce.spending import price_of

T = TypeVar("T")
COSTS = ["calls", "prompt_tokens", "completion_tokens", "seconds"]
# Parameters that name models, or map them from or to something.
NAMING = ("judges", "crowd", "analyst", "graders", "samplers", "base", "beside", "published")
# Of models of this machine the store knows the name alone, since trainings make new ones.
OWN = ("embedded", "student-")
BY_MODEL = """
SELECT json_extract(request, '$.model'), count(*), sum(json_extract(response, '$.prompt_tokens')),
sum(json_extract(response, '$.completion_tokens')), sum(json_extract(response, '$.seconds'))
FROM completions GROUP BY 1 ORDER BY 2 DESC
"""


@dataclass(frozen=True)
class Executed:
    """One notebook's results in a run's folder, by its stem; what is not there is empty."""

    folder: Path
    stem: str

    @cached_property
    def parameters(self) -> dict:
        """What it was given, on top of what it declares; empty where the executed notebook is not in the folder."""
        if not self._notebook:
            return {}
        declared = papermill.inspect_notebook(str(self._file))
        defaults = {name: ast.literal_eval(one["default"]) for name, one in declared.items()}
        return defaults | self._notebook["metadata"].get("papermill", {}).get("parameters", {})

    @property
    def date(self) -> str:
        """The day on which it ended."""
        return (self._notebook.get("metadata", {}).get("papermill", {}).get("end_time") or "")[:10]

    @property
    def commit(self) -> str:
        """The commit that it printed."""
        found = re.search(r"^commit (\S+)", "\n".join(self._printed()), re.M)
        return found[1] if found else ""

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Its tables: the main one under "", the others under the end of their name."""
        return {part: _read(file, pd.read_csv) for part, file in self._files(self.folder, "csv").items()}

    @cached_property
    def judgments(self) -> dict[str, list[dict]]:
        """Its judgments of pairs, a list a file, under the end of the file's name; rows of another shape are none."""
        rows = {part: _read(file, _rows) for part, file in self._files(self.folder, "jsonl").items()}
        return {part: found for part, found in rows.items() if found and found[0].keys() >= set(COLUMNS)}

    @property
    def figures(self) -> dict[str, Path]:
        """Its figures, as SVG."""
        return self._files(root() / self.parameters.get("figures", self.folder), "svg")

    @cached_property
    def _notebook(self) -> dict:
        return _read(self._file, _json) if self._file.exists() else {}

    @property
    def _file(self) -> Path:
        return self.folder / f"{self.stem}.ipynb"

    def _printed(self) -> Iterator[str]:
        for cell in self._notebook.get("cells", []):
            yield from ("".join(output.get("text", "")) for output in cell.get("outputs", []))

    def _files(self, folder: Path, kind: str) -> dict[str, Path]:
        files = [*folder.glob(f"{self.stem}.{kind}"), *sorted(folder.glob(f"{self.stem}_*.{kind}"))]
        return {file.stem.removeprefix(self.stem).strip("_"): file for file in files}


def executed_in(folder: Path) -> list[Executed]:
    """The notebooks whose tables lie in the folder, in order. Raises BadInput where there is none."""
    names = sorted(file.stem for file in folder.glob("*.csv"))
    # A further table has its notebook's stem before its own name.
    stems = [name for name in names if not any(name.startswith(f"{other}_") for other in names)]
    if not stems:
        raise BadInput(f"{folder}: no notebook's results lie there; name the folder of a run, such as runs/demo")
    return [Executed(folder, stem) for stem in stems]


def _json(file: Path) -> dict:
    return json.loads(file.read_text(encoding="utf-8"))


def _rows(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def _read(file: Path, reader: Callable[[Path], T]) -> T:
    try:
        return reader(file)
    except ValueError as problem:
        raise BadInput(f"{file}: {problem}; run its notebook again, which writes the file anew") from None


def by_model(stores: Iterable[Path], notebooks: Sequence[Executed]) -> pd.DataFrame:
    """What these stores hold, whoever asked for it, one row per model.

    Returns model, completions, prompt_tokens, completion_tokens, seconds (of model time) and dollars (by
    `cce.spending`: 0 on this machine, NaN without a known price). Raises StoreUnusable for what is no store.
    """
    rows = [row for store in stores for row in Store(store, replay=True).db.execute(BY_MODEL)]
    columns = ["model", "completions", "prompt_tokens", "completion_tokens", "seconds"]
    table = pd.DataFrame(rows, columns=columns).groupby("model", sort=False).sum().reset_index()
    urls = addresses(named(notebooks))
    return table.assign(dollars=[_dollars(row, urls) for row in table.itertuples()])


def by_method(notebooks: Sequence[Executed]) -> pd.DataFrame:
    """What the judgments needed, whoever paid for it, one row per notebook, judge and method.

    Returns notebook, judge, method, judgments, calls, prompt_tokens, completion_tokens and seconds; what two judgments
    share counts in both.
    """
    files = [(one.stem, rows) for one in notebooks for rows in one.judgments.values()]
    frame = pd.DataFrame([{"notebook": stem, "judgments": 1, **row} for stem, rows in files for row in rows])
    if frame.empty:
        return frame
    return frame.groupby(["notebook", "judge", "method"], sort=False)[["judgments", *COSTS]].sum().reset_index()


def named(notebooks: Sequence[Executed]) -> set[str]:
    """Every model that the notebooks were given, as it was written; names that only map to one are among them."""
    return {model for one in notebooks for name in NAMING for model in _models(one.parameters.get(name))}


def addresses(models: Iterable[str]) -> dict[str, str]:
    """The address of those that have one, by the name that the store knows them by."""
    parts = map(model_parts, models)
    return {name: url for name, url in parts if url}


def _models(given: str | list[str] | dict[str, str] | None) -> list[str]:
    both = [*given, *given.values()] if isinstance(given, dict) else given or []
    return [both] if isinstance(both, str) else both


def _dollars(row, urls: Mapping[str, str]) -> float:
    url = urls.get(row.model, "" if row.model.startswith(OWN) else OPENAI_URL)
    price = price_of(row.model, url)
    return price.prompt * row.prompt_tokens + price.completion * row.completion_tokens if price else nan
