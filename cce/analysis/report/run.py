"""A run's folder: what its notebooks were given, when and at which commit they ran, what they made, what it cost.

The folder may come from a stranger. Read is what lies in it, and a store that the user names: no path that a file of
the folder names, and no link that leads out of it.
"""

import ast
import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from math import isfinite, nan
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from cce.crowd.record import FIRST
from cce.errors import BadInput, NotRecorded
from cce.models.endpoint import OPENAI_URL
from cce.models.manners import Manners
from cce.models.settings import reached
from cce.models.store import Store
from cce.outputs import BESIDE_A_STORE
from cce.spending import price_of

COSTS = ["prompt_tokens", "completion_tokens", "seconds"]
# Parameters that name models, or map them from or to something.
NAMING = ("judges", "crowd", "analyst", "graders", "samplers", "base", "beside", "published")
# Of models of this machine the store knows the name alone, since trainings make new ones.
OWN = ("embedded", "student-")
BY_MODEL = """
SELECT json_extract(request, '$.model'), count(*), sum(json_extract(response, '$.prompt_tokens')),
sum(json_extract(response, '$.completion_tokens')), sum(json_extract(response, '$.seconds')),
json_group_array(DISTINCT json_extract(response, '$.model'))
FROM completions GROUP BY 1 ORDER BY 2 DESC
"""
# Stands between the names of several models that answered to one.
SEVERAL = " and "
OTHER_STORE = "one that lies elsewhere is named by --store"
# What reading a file that is damaged, or of another shape, may raise.
DAMAGE = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, SyntaxError, TypeError, ValueError)


@contextmanager
def blaming(file: Path | str, remedy: str = "run its notebook again, which writes the file anew") -> Iterator[None]:
    """Where the file is not what it should be, that is one error, which names it."""
    try:
        yield
    except (*DAMAGE, sqlite3.Error) as problem:
        said = " ".join(f"{type(problem).__name__}: {problem}".split())[:300]
        raise BadInput(f"{file}: {said}; {remedy}") from None


@dataclass(frozen=True)
class Executed:
    """One notebook's results in a run's folder, by its stem; what is not there is empty.

    Its store is the one that the user names, or else the file in the folder that has its store's name.
    """

    folder: Path
    stem: str
    named_store: Path | None = None

    @cached_property
    def parameters(self) -> dict:
        """What it was given, on top of what it declares."""
        with blaming(self._file):
            return _declared_in(self._notebook) | dict(self._ran.get("parameters", {}))

    @property
    def date(self) -> str:
        """The day on which it ended."""
        return str(self._ran.get("end_time") or "")[:10]

    @property
    def commit(self) -> str:
        """The commit that it printed."""
        with blaming(self._file):
            outputs = [output for cell in self._notebook.get("cells", []) for output in cell.get("outputs", [])]
            printed = ["".join(output.get("text", "")) for output in outputs]
        found = re.search(r"^commit (\S+)", "\n".join(printed), re.M)
        return found[1] if found else ""

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Its tables: the main one under "", the others under the end of their name."""
        return {part: _read(file, pd.read_csv) for part, file in self.files("csv").items()}

    @cached_property
    def judgments(self) -> dict[str, list[dict]]:
        """Its judgments of pairs, one list per file, under the end of the name; rows of another shape are none."""
        rows = {part: _read(file, _rows) for part, file in self.files("jsonl").items()}
        # Those of earlier versions lack a few fields.
        return {part: found for part, found in rows.items() if found and found[0].keys() >= set(FIRST)}

    def files(self, kind: str) -> dict[str, Path]:
        """Its files of a kind, such as svg, under the end of their name. Raises BadInput for a link that leads out."""
        found = [*self.folder.glob(f"{self.stem}.{kind}"), *sorted(self.folder.glob(f"{self.stem}_*.{kind}"))]
        return {file.stem.removeprefix(self.stem).strip("_"): self._own(file) for file in found}

    @cached_property
    def store_file(self) -> Path | None:
        """Where its store is, or was."""
        if self.named_store or not isinstance(self.parameters.get("store"), str):
            return self.named_store
        file = self.folder / Path(self.parameters["store"]).name
        # SQLite also reads what lies beside it.
        for one in (file.with_name(file.name + end) for end in ("", *BESIDE_A_STORE)):
            if os.path.lexists(one):
                self._own(one)
        return file

    @cached_property
    def store(self) -> Store:
        """Its store, which is only read. Raises NotRecorded where that is not at hand."""
        if self.store_file is None or not self.store_file.is_file():
            where = self.store_file or "no executed notebook names it"
            raise NotRecorded(f"the run's store is not at hand: {where}; {OTHER_STORE}")
        return Store(self.store_file, replay=True)

    def stored(self, part: Literal["request", "response"], key: str) -> dict:
        """What a model was asked or answered, by its key in the store. Raises NotRecorded where it is not at hand."""
        with blaming(self.store_file, OTHER_STORE):
            found = getattr(self.store, part)(key)
        if found is None:
            raise NotRecorded(f"{self.store_file} does not hold the completion {key[:12]}")
        return found

    @cached_property
    def _notebook(self) -> dict:
        return _read(self._own(self._file), lambda file: json.loads(file.read_bytes())) if self._file.exists() else {}

    @property
    def _ran(self) -> dict:
        with blaming(self._file):
            return self._notebook.get("metadata", {}).get("papermill", {})

    @property
    def _file(self) -> Path:
        return self.folder / f"{self.stem}.ipynb"

    def _own(self, file: Path) -> Path:
        if not file.is_file() or not file.resolve().is_relative_to(self.folder.resolve()):
            raise BadInput(f"{file}: no file of this folder, but a link or something else; put the file itself there")
        return file


def executed_in(folder: Path, store: Path | None = None) -> list[Executed]:
    """The notebooks whose tables lie in the folder, with the store that is named. Raises BadInput where one lacks."""
    names = sorted(file.stem for file in folder.glob("*.csv"))
    # A further table has its notebook's stem before its own name.
    stems = [name for name in names if not any(name.startswith(f"{other}_") for other in names)]
    if not stems:
        raise BadInput(f"{folder}: no notebook's results lie there; name the folder of a run, such as runs/demo")
    if store and not store.is_file():
        raise BadInput(f"--store {store}: there is no such file")
    return [Executed(folder, stem, store) for stem in stems]


def number(value: object) -> float | None:
    """The value where it is a finite number, else None."""
    return value if type(value) in (int, float) and isfinite(value) else None


def _rows(file: Path) -> list[dict]:
    # What is no number in JSON, such as NaN, is none.
    lines = [line for line in file.read_bytes().split(b"\n") if line]
    return [json.loads(line, parse_constant=lambda _: None) for line in lines]


def _declared_in(notebook: dict) -> dict:
    cells = [cell for cell in notebook.get("cells", []) if "parameters" in cell.get("metadata", {}).get("tags", [])]
    lines = [line for cell in cells for line in ast.parse("".join(cell["source"])).body if isinstance(line, ast.Assign)]
    return {name.id: ast.literal_eval(line.value) for line in lines for name in line.targets}


def _read(file: Path, reader: Callable[[Path], Any]) -> Any:
    with blaming(file):
        return reader(file)


def by_model(notebooks: Sequence[Executed]) -> pd.DataFrame:
    """What the notebooks' stores hold, whoever asked for it: one row per model, and one for all.

    `answered_by` is what the endpoints call the models that answered, a dash where they do not say. Dollars are a text:
    0 on this machine, a dash without a known price. Raises StoreUnusable for what is no store.
    """
    rows = [row for store in _stores(notebooks) for row in _held(store)]
    held = pd.DataFrame(rows, columns=["model", "completions", *COSTS, "answered_by"])
    table = held.drop(columns="answered_by").groupby("model", sort=False, as_index=False).sum()
    answered = {
        model: {name for one in names for name in json.loads(one) if name}
        for model, names in held.groupby("model").answered_by
    }
    table.insert(1, "answered_by", [SEVERAL.join(sorted(answered[model])) or "-" for model in table.model])
    known = addresses(notebooks)
    table["dollars"] = [_dollars(row, known.get(row.model)) for row in table.itertuples()]
    if len(table):
        table.loc[len(table)] = ["all", "-", *table.drop(columns=["model", "answered_by"]).sum(skipna=False)]
    return table.assign(dollars=["-" if cost != cost else f"{cost:,.2f}" for cost in table.dollars])


def _held(store: Store) -> list[tuple]:
    with blaming(store.path, OTHER_STORE):
        return store.db.execute(BY_MODEL).fetchall()


def asked_otherwise(notebooks: Sequence[Executed]) -> list[str]:
    """How models were asked otherwise than the run says, since their endpoints refused that; as the stores tell it."""
    kept = [row for store in _stores(notebooks) for row in store.all_manners()]
    return sorted({said for model, changes in kept for said in Manners(changes).told(model)})


def _stores(notebooks: Sequence[Executed]) -> list[Store]:
    # Several notebooks may share one.
    stores = {one.store_file: one.store for one in notebooks if one.store_file and one.store_file.is_file()}
    return [store for _, store in sorted(stores.items())]


def _dollars(row, url: str | None) -> float:
    price = price_of(row.model, url or ("" if row.model.startswith(OWN) else OPENAI_URL))
    return price.of(row.prompt_tokens, row.completion_tokens)["dollars"] if price else nan


def by_method(notebooks: Sequence[Executed]) -> pd.DataFrame:
    """What the judgments of each notebook, judge and method needed, whoever paid; what two share counts in both."""
    files = [(one.stem, rows) for one in notebooks for rows in one.judgments.values()]
    key, costs = ["notebook", "judge", "method"], ["judgments", "calls", *COSTS]
    counted = [(stem, row, {name: number(row.get(name)) for name in costs}) for stem, rows in files for row in rows]
    rows = [{**row, **counts, "notebook": stem, "judgments": 1} for stem, row, counts in counted]
    return pd.DataFrame(rows, columns=[*key, *costs]).groupby(key, sort=False)[costs].sum().reset_index()


def addresses(notebooks: Sequence[Executed]) -> dict[str, str]:
    """Every model that the notebooks were given, by the name that the store knows it by; "" for no address.

    Names that only map to a model are among them.
    """
    named = [one.parameters.get(name) or [] for one in notebooks for name in NAMING]
    named = [[one] if isinstance(one, str) else one for one in named]
    lists = [[*one, *one.values()] if isinstance(one, dict) else one for one in named]
    lists += [models for one in notebooks for models in (one.parameters.get("crowds") or {}).values()]
    # One that is named with an address and without has that address.
    return dict(sorted(map(reached, chain(*lists))))
