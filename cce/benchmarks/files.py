"""Rows from files in every form: JSON, JSONL, CSV, TSV, parquet, Arrow, and folders of `datasets.save_to_disk`."""

import csv
import gzip
import json
import os
import re
import sys
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TextIO

from cce.errors import BadInput

FILE_TYPES = re.compile(r"\.(json|jsonl|csv|tsv)(\.gz)?$|\.(parquet|arrow|feather)$")
SEPARATORS = ",;\t"
Row = dict[str, object]


def read_rows(path: Path) -> list[Row]:
    """The rows of a file, gzipped or not, or of a folder of `save_to_disk`. Raises BadInput naming file and line."""
    kind = FILE_TYPES.search(path.name.lower())
    with readable(path):
        if os.path.isdir(path):
            return _saved(path)
        if not kind:
            kinds = "a .json, .jsonl, .csv or .parquet file, a .tsv or .arrow one (those of text may be gzipped)"
            raise BadInput(f"{path}: give {kinds}, or a folder of datasets.save_to_disk")
        if kind[3]:
            return _table(path, kind[3])
        with opened(path) as file:
            if is_cells(path):
                return list(_cells(file, path))
            rows = parsed(file.read(), path) if kind[1] == "json" else [row for _, row in lines_of(file, path)]
    if not isinstance(rows, list):
        raise BadInput(f"{path}: a list of objects is wanted")
    return rows


def is_cells(path: Path) -> bool:
    """Whether the file has cells of text, of which an empty one holds nothing."""
    return bool(re.search(r"\.[ct]sv(\.gz)?$", path.name.lower()))


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what goes wrong in reading the file into BadInput that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise BadInput(f"{path}: there is no such file") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}{_undecodable(path)}") from error
    except (ValueError, OSError, EOFError, NotImplementedError, zlib.error) as error:
        said = " ".join(str(error).split())
        raise BadInput(f"{path}: not gzipped or parquet as its name says, or not to be read: {said}") from error


def opened(path: Path) -> TextIO:
    """The file as text, unpacked. Raises BadInput for UTF-16, which might pass for odd UTF-8."""
    unpacked = gzip.open if path.name.lower().endswith(".gz") else open
    with unpacked(path, "rb") as file:
        head = file.read(2)
    # Its mark, or the zero byte beside a plain letter.
    if head in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head:
        raise BadInput(f"{path}: not UTF-8 text, but UTF-16; save it as UTF-8, such as by iconv -f UTF-16 -t UTF-8")
    return unpacked(path, "rt", encoding="utf-8-sig", newline="")


def _undecodable(path: Path) -> str:
    """Where a file is no UTF-8, and what to do."""
    unpacked = gzip.open if path.name.lower().endswith(".gz") else open
    with unpacked(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                odd = f"byte 0x{line[error.start]:02x}"
                return f", line {number}: not UTF-8 text ({odd}); save it as UTF-8, such as by iconv -f LATIN1 -t UTF-8"
    return ": not UTF-8 text"


def lines_of(file: TextIO, path: Path) -> Iterator[tuple[int, Row]]:
    """Each row with its line's offset in the text, in bytes; blank lines have none."""
    offset = 0
    for number, line in enumerate(file, start=1):
        if line.strip():
            yield offset, parsed(line, f"{path}, line {number}")
        offset += len(line.encode())


def parsed(text: str, place: str | Path) -> object:
    """What the JSON text says. Raises BadInput that names the place."""
    try:
        return json.loads(text)
    # A number of thousands of digits is a ValueError, and brackets nested thousands deep are a RecursionError.
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{place}: not JSON, or none that can be read: {error}") from error


def _cells(file: TextIO, path: Path) -> Iterator[Row]:
    """The rows of a table of text, separated as its first line is."""
    csv.field_size_limit(sys.maxsize)
    first = next((line for line in file if line.strip()), "")
    separator = max(SEPARATORS, key=lambda one: len(next(csv.reader([first], delimiter=one), [])))
    reader = csv.reader(chain([first], file), delimiter=separator, strict=True)
    try:
        columns = _columns(next(reader, []), path)
        for number, cells in enumerate(filter(None, reader), start=1):
            if len(cells) > len(columns):
                remedy = "put a text that holds the separator in quotes"
                raise BadInput(f"{path}, row {number}: {len(cells)} cells in {len(columns)} columns; {remedy}")
            yield dict(zip(columns, cells, strict=False))
    except csv.Error as error:
        raise BadInput(f"{path}, line {reader.line_num}: {error}; quotes in a quoted text are doubled") from error


def _columns(names: list[str], path: Path) -> list[str]:
    names = [name.strip() for name in names]
    if len(names) == 1:
        raise BadInput(f"{path}: one column, {names[0]!r:.80}; commas, semicolons or tabs are to separate the columns")
    if twice := next((name for name in names if name and names.count(name) > 1), None):
        raise BadInput(f"{path}: the column {twice!r} stands twice; names must differ")
    return names


def _table(path: Path, kind: str) -> list[Row]:
    # By pyarrow itself: pandas would make floats of whole numbers in which one is missing.
    import pyarrow.ipc
    import pyarrow.parquet

    if kind == "parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    with pyarrow.memory_map(str(path)) as file:
        # A stream, as `datasets` writes it, or a file of Feather's form.
        feather = file.read(6) == b"ARROW1"
        file.seek(0)
        return (pyarrow.ipc.open_file if feather else pyarrow.ipc.open_stream)(file).read_all().to_pylist()


def _saved(folder: Path) -> list[Row]:
    if (folder / "dataset_dict.json").is_file():
        splits = sorted(each.name for each in folder.iterdir() if each.is_dir())
        raise BadInput(f"{folder}: holds the splits {', '.join(splits)}; name one, such as {folder / splits[0]}")
    if not (folder / "state.json").is_file():
        raise BadInput(f"{folder}: a folder, but none of datasets.save_to_disk; name a file")
    with warnings.catch_warnings(action="ignore"):
        from datasets import load_from_disk
    return list(load_from_disk(str(folder)))
