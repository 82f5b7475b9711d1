"""Rows from files: of published data sets, in a folder or on the hub, and of the user's own."""

import csv
import gzip
import json
import os
import re
import sys
import warnings
import zlib
from array import array
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Literal, NamedTuple, TextIO

import numpy as np
import yaml
from pydantic import TypeAdapter, ValidationError

from cce.benchmarks.pair import Pair, T, drawn
from cce.errors import BadInput, DataMissing

DATA = Path(__file__).parent / "data"
FILE_TYPES = re.compile(r"\.(json|jsonl|csv)(\.gz)?$|\.parquet$")
LINES = ".txt"  # of published files alone: each line is a row's `line`
VERSION = attrgetter("st_size", "st_mtime_ns")
Row = dict[str, object]
Folder = str | Path | None


class Source(NamedTuple):
    """Where a data set is published: `hub` id and `split`, and a pattern that its file's path matches.

    `revision` is a commit of the hub's repository, or "main" for the latest. `path` is that of one file in the
    repository, a dataset or a space, where this holds no splits that `datasets` could load.
    """

    hub: str
    split: str
    file: str
    revision: str = "main"
    path: str = ""
    repo_type: Literal["dataset", "space"] = "dataset"


# One by subset where each has a file of its own; each row then says its `subset`.
Sources = Source | dict[str, Source]
SOURCES = TypeAdapter(dict[str, Sources]).validate_python(yaml.safe_load((DATA / "sources.yaml").read_text()))


@contextmanager
def as_published(problem: str, remedy: str = "is the file as published?") -> Iterator[None]:
    """Turn an error over a published row into BadInput in these words."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{problem} ({error}); {remedy}") from error


def find_rows(source: Sources, data_dir: Folder) -> Iterable[Row]:
    """The rows of a data set: from `data_dir`, else from the folder CCE_DATA, else from the hub, else DataMissing."""
    if isinstance(source, dict):
        return [row | {"subset": name} for name, part in source.items() for row in find_rows(part, data_dir)]
    folder = data_dir or os.environ.get("CCE_DATA")
    files = _matching(source, Path(folder)) if folder else []
    return [row for file in files for row in _published_rows(file)] if files else _from_hub(source, folder)


def _published_rows(file: Path) -> list[Row]:
    if file.suffix.lower() != LINES:
        return read_rows(file)
    with _readable(file):
        return [{"line": line} for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]


def _matching(source: Source, folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataMissing(f"data folder {folder.absolute()} does not exist; correct data_dir or CCE_DATA")
    # The folder's own name counts too, so that the data set's own folder can be given.
    named = {f: f"{folder.name}/{f.relative_to(folder)}".lower() for f in sorted(folder.rglob("*"))}
    known = {f: name for f, name in named.items() if FILE_TYPES.search(name) or name.endswith(LINES)}
    files = [f for f, name in known.items() if re.search(source.file, name)]
    if len({re.sub(r"-\d{5}-of-\d{5}", "", str(file)) for file in files}) > 1:
        found = ", ".join(map(str, files))
        raise BadInput(f"{folder} holds several files for {source.hub}: {found}; keep one of them there")
    return files


def _from_hub(source: Source, folder: Folder) -> Iterable[Row]:
    # In a notebook's kernel tqdm asks for widgets, which its bars on a terminal do not need.
    with warnings.catch_warnings(action="ignore"):
        from datasets import load_dataset
        from huggingface_hub import hf_hub_download
        from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # its retries would bury our one message
    at = {"revision": source.revision}
    try:
        if not source.path:
            return load_dataset(source.hub, split=source.split, **at)
        return read_rows(Path(hf_hub_download(source.hub, source.path, repo_type=source.repo_type, **at)))
    except Exception as error:
        part = f"file {source.path}" if source.path else f"split {source.split}"
        looked = f"in {Path(folder).absolute()}" if folder else "in any folder (data_dir and CCE_DATA are unset)"
        missing = f"{source.hub}, {part}: not found {looked}, and the hub gave nothing ({type(error).__name__})"
        remedy = "Download it (json, jsonl, csv or parquet) into a folder and name the folder in data_dir or CCE_DATA"
        raise DataMissing(f"{missing}. {remedy}; the file's path there must match {source.file!r}") from None


def read_rows(path: Path) -> list[Row]:
    """The rows of a json, jsonl, csv or parquet file, gzipped or not. Raises BadInput naming file and line."""
    kind = FILE_TYPES.search(path.name.lower())
    if not kind:
        raise BadInput(f"{path}: give a .json, .jsonl, .csv or .parquet file (the first three may be gzipped)")
    with _readable(path):
        if not kind[1]:
            import pandas

            return pandas.read_parquet(path).to_dict("records")
        with (gzip.open if kind[2] else open)(path, "rt", encoding="utf-8-sig", newline="") as file:
            if kind[1] == "csv":
                csv.field_size_limit(sys.maxsize)
                return list(csv.DictReader(file))
            rows = _parsed(file.read(), path) if kind[1] == "json" else [row for _, row in _lines(file, path)]
    if not isinstance(rows, list):
        raise BadInput(f"{path}: a list of objects is wanted")
    return rows


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        if not path.is_file():
            raise BadInput(f"{path}: there is no such file")
        yield
    except (ValueError, OSError, EOFError, csv.Error, zlib.error) as error:
        raise BadInput(f"{path}: not UTF-8 text, or not gzipped or parquet as its name says: {error}") from error


def _lines(file: TextIO, path: Path) -> Iterator[tuple[int, Row]]:
    """Each row with its line's offset in the text, in bytes; blank lines have none."""
    offset = 0
    for number, line in enumerate(file, start=1):
        if line.strip():
            yield offset, _parsed(line, f"{path}, line {number}")
        offset += len(line.encode())


def _parsed(text: str, place: str | Path) -> object:
    try:
        return json.loads(text)
    # A number of thousands of digits is a ValueError, and brackets nested thousands deep are a RecursionError.
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{place}: not JSON, or none that can be read: {error}") from error


def user_rows(path: Path, kind: type[T], **defaults) -> list[T]:
    """A file's rows as that kind, `defaults` filling fields that a row lacks. Raises BadInput naming row and field."""
    return [_checked(row, kind, f"{path}, row {n}", defaults) for n, row in enumerate(read_rows(path), start=1)]


def _checked(row: Row, kind: type[T], place: str, defaults: dict) -> T:
    if not isinstance(row, dict):
        raise BadInput(f"{place}: an object with the fields of {kind.__name__} is wanted")
    try:
        return kind.model_validate(defaults | row)
    except ValidationError as error:
        problem = error.errors()[0]
        field = "".join(f"{part}: " for part in problem["loc"][:1])
        raise BadInput(f"{place}: {field}{problem['msg'].removeprefix('Value error, ')}") from error


class PairFile(Sequence[Pair]):
    """The pairs of the user's own JSONL file: all are checked at first, and each is read again when it is asked for.

    Only the offsets of lines are kept, so that a million pairs need little more memory than ten. Raises BadInput as
    `load_pairs` does for a bad file, and at a pair that is asked for once the file has changed.
    """

    def __init__(self, source: str):
        self.name, self.path = Path(source), Path(source).absolute()
        with _readable(self.name), open(self.path, encoding="utf-8-sig", newline="") as file:
            self.version = VERSION(os.fstat(file.fileno()))
            start = 3 if file.buffer.peek(3).startswith(BOM_UTF8) else 0
            self.offsets = array("Q", (start + offset for offset, _ in _lines(file, self.name)))
        # A million hashes take less than as many ids, which are looked at where two hashes are alike.
        hashes = np.fromiter((hash(pair.id) for pair in self), "int64", len(self))
        if len(np.unique(hashes)) < len(self) or not len(self):
            drawn(self, "pairs", source, limit=None, seed=0)

    def __len__(self) -> int:
        return len(self.offsets)

    def __iter__(self) -> Iterator[Pair]:
        return self._read(range(len(self)))

    def __getitem__(self, index: int | slice) -> Pair | list[Pair]:
        places = range(len(self))[index]
        return list(self._read(places)) if isinstance(index, slice) else next(self._read([places]))

    def __repr__(self) -> str:
        return f"<{len(self):,} pairs in {self.path}>"

    def _read(self, places: Iterable[int]) -> Iterator[Pair]:
        with _readable(self.path), open(self.path, "rb") as file:
            if VERSION(os.fstat(file.fileno())) != self.version:
                raise BadInput(f"{self.path}: has changed since its pairs were loaded; load them again")
            for place in places:
                file.seek(self.offsets[place])
                where = f"{self.name}, row {place + 1}"
                row = _parsed(file.readline().splitlines()[0].decode(), where)
                yield _checked(row, Pair, where, {"benchmark": self.name.name})
