"""Rows of the user's own as pairs, each checked: by a reader, which knows their source and what their labels mean."""

import shlex
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from cce.benchmarks.cells import letter, plain, present, whole_number
from cce.benchmarks.files import read_rows
from cce.benchmarks.pair import Pair, T
from cce.benchmarks.shapes import as_fields
from cce.errors import BadInput

OPTIONAL = ("label", "votes", "why", "crowd", "criteria", "subset", "order")
KNOWN = {*Pair.model_fields, "chosen", "rejected", "prompt", "messages"}
MEANINGS = ("A", "B", "tie", "")


def user_rows(path: Path, kind: type[T], **defaults) -> list[T]:
    """A file's rows as that kind, `defaults` filling fields that a row lacks. Raises BadInput naming row and field."""
    return [checked(row, kind, f"{path}, row {n}", defaults) for n, row in enumerate(read_rows(path), start=1)]


def checked(row: object, kind: type[T], place: str, defaults: Mapping) -> T:
    """The row as that kind. Raises BadInput that names the place, the field, what stands there and what is wanted."""
    if not isinstance(row, Mapping):
        raise BadInput(f"{place}: an object with the fields of {kind.__name__} is wanted, not {row!r:.60}")
    try:
        return kind.model_validate({**defaults, **row})
    except ValidationError as error:
        problem = error.errors()[0]
        names = [name for name in problem["loc"][:1] if isinstance(name, str)]
        raise BadInput(f"{place}: {_explained(problem, *names)}{_meant(row, kind, names)}") from error


def _explained(problem: dict, name: str = "") -> str:
    if problem["type"] == "missing":
        return f"{name}: Field required"
    said = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error":
        return f"{name}: {said}" if name else said
    return f"{name}: {said}, not {problem['input']!r:.60}"


def _meant(row: Mapping, kind: type, names: Sequence[str]) -> str:
    """Names columns that look like one that is wanted here."""
    fields = KNOWN if kind is Pair else set(kind.model_fields)
    alike = lookalikes(set(row) - fields, [name for name in names or fields if name not in row])
    return "".join(f"; is its column {column!r} meant for {name}?" for column, name in alike.items())


def lookalikes(columns: Iterable[object], fields: Iterable[str]) -> dict[str, str]:
    """By column, the field that it looks like."""
    names = {str(column): str(column).strip().lower().replace(" ", "_").replace("-", "_") for column in columns}
    found = {column: get_close_matches(name, fields, 1, 0.8) for column, name in sorted(names.items())}
    return {column: close[0] for column, close in found.items() if close}


class NoLabel(BadInput):
    """A label that is neither A nor B nor a tie, nor mapped to one of them."""


@dataclass(frozen=True)
class Reader:
    """Makes pairs of rows: `source` names them in errors, `labels` says what the rows' own labels mean.

    `cells` says that an empty text holds nothing.
    """

    source: str
    benchmark: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    cells: bool = False

    def pair(self, row: object, number: int) -> Pair:
        """The pair of the row of this number, from 1."""
        place = f"{self.source}, row {number}"
        if isinstance(row, Mapping):
            if self.cells:
                row = {name: value for name, value in row.items() if value != ""}
            try:
                row = self._labelled(as_fields(present(row), number, self.seed), place)
            except ValueError as error:
                raise BadInput(f"{place}: {error}{_meant(row, Pair, [])}") from error
        return checked(row, Pair, place, {"benchmark": self.benchmark})

    def pairs(self, rows: Iterable[object]) -> list[Pair]:
        """All of them; pairs among them stay as they are. Raises BadInput for the first that cannot be used."""
        rows = list(rows)
        warn_of_columns(self.source, {name for row in rows if isinstance(row, Mapping) for name in row})
        try:
            return [row if isinstance(row, Pair) else self.pair(row, n) for n, row in enumerate(rows, start=1)]
        except NoLabel as error:
            raise labels_named(error, rows) from None

    def _labelled(self, row: dict, place: str) -> dict:
        """The row with its label and votes as A, B or tie."""
        if "label" in row:
            row = row | {"label": self._meant(row["label"], "label", place)}
        if isinstance(row.get("votes"), list):
            votes = [self._meant(vote, "votes", place) for vote in row["votes"]]
            row = row | {"votes": [vote for vote in votes if vote]}
        return row

    def _meant(self, label: object, name: str, place: str) -> object:
        meant = letter(self.labels.get(_name(label), label) if self.labels else label)
        if meant not in (*MEANINGS, None):
            raise NoLabel(f"{place}: {name}: Input should be 'A', 'B' or 'tie', not {label!r:.60}")
        return meant


def _name(label: object) -> str:
    return str(whole_number(label)).strip().casefold()


def labels_of(given: Mapping | str | None) -> dict[str, str]:
    """What labels mean, by their names: {"model_a": "A"}, or "model_a=A,model_b=B,tie=tie"; nothing for no label.

    Raises BadInput for a meaning that is none.
    """
    if isinstance(given, str):
        given = dict(part.rpartition("=")[::2] for part in given.split(","))
    means = {_name(plain(label)): letter(meaning) for label, meaning in (given or {}).items()}
    if odd := next((f"{label}={meaning}" for label, meaning in means.items() if meaning not in MEANINGS), None):
        raise BadInput(f"labels {odd}: a label is A, B or tie: write such as model_a=A,model_b=B,tie=tie")
    return means


def labels_named(error: NoLabel, rows: Iterable[object]) -> BadInput:
    """The error with the labels that there are, and how to say what they mean."""
    told = [plain(row.get(name)) for row in rows if isinstance(row, Mapping) for name in ("label", "votes")]
    seen = [label for one in told for label in (one if isinstance(one, list) else [one]) if label is not None]
    names = list(dict.fromkeys(f"{str(whole_number(label))!r:.40}" for label in seen))[:6]
    said = f"its labels are {', '.join(names)}; say" if names else "say"
    meant = zip((name.strip("'\"") for name in names or ["1", "2"]), MEANINGS, strict=False)
    example = ",".join(f"{name}={side}" for name, side in meant)
    such = f"--labels {shlex.quote(example)} (in Python: labels={example!r})"
    return BadInput(f"{error}; {said} what each means, such as {such}")


def warn_of_columns(source: str, columns: set) -> None:
    """Warn of columns that are no field of a pair, and look like one that is not there."""
    for column, name in lookalikes(columns - KNOWN, [name for name in OPTIONAL if name not in columns]).items():
        said = f"{source}: the column {column!r} is no field of a pair, and is not read; is {name} meant?"
        warnings.warn(said, stacklevel=4)
