"""Rows of a published data set, from a folder of files or from the hub."""

import csv
import gzip
import json
import os
import re
import sys
import warnings
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cce.errors import BadInput, DataMissing

FILE_TYPES = re.compile(r"\.(json|jsonl|csv)(\.gz)?$|\.parquet$")
SHARD = re.compile(r"-\d{5}-of-\d{5}")
Row = dict[str, object]


@dataclass(frozen=True)
class Source:
    """Where a benchmark is published: `hub` id and `split`, and a pattern that its file's path matches.

    `path` is that of one file in the hub's repository, a dataset or a space, where this holds no splits that
    `datasets` could load.
    """

    hub: str
    split: str
    file: str
    path: str = ""
    repo_type: Literal["dataset", "space"] = "dataset"


def find_rows(source: Source, data_dir: str | Path | None) -> Iterable[Row]:
    """The rows of a data set: from `data_dir`, else from the folder CCE_DATA, else from the hub.

    Raises DataMissing where neither folder nor hub has it.
    """
    folder = data_dir or os.environ.get("CCE_DATA")
    files = _matching(source, Path(folder)) if folder else []
    if files:
        return [row for file in files for row in read_rows(file)]
    return _from_hub(source, folder)


def read_rows(path: Path) -> list[Row]:
    """The rows of a json, jsonl, csv or parquet file, gzipped or not. Raises BadInput naming file and line."""
    kind = FILE_TYPES.search(path.name.lower())
    if not kind:
        raise BadInput(f"{path}: give a .json, .jsonl, .csv or .parquet file (the first three may be gzipped)")
    try:
        if not path.is_file():
            raise BadInput(f"{path}: there is no such file")
        return _rows_of(path, kind[1])
    except (ValueError, OSError, EOFError, csv.Error, zlib.error) as error:
        raise BadInput(f"{path}: not UTF-8 text, or not gzipped or parquet as its name says: {error}") from error


def _rows_of(path: Path, kind: str | None) -> list[Row]:
    if kind is None:
        import pandas

        return pandas.read_parquet(path).to_dict("records")
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        return {"json": _json_rows, "jsonl": _jsonl_rows, "csv": _csv_rows}[kind](file, path)


def _json_rows(file, path: Path) -> list[Row]:
    rows = _parsed(file.read(), str(path))
    if not isinstance(rows, list):
        raise BadInput(f"{path}: a list of objects is wanted")
    return rows


def _jsonl_rows(file, path: Path) -> list[Row]:
    rows = []
    for number, line in enumerate(file, start=1):
        rows += [_parsed(line, f"{path}, line {number}")] if line.strip() else []
    return rows


def _parsed(text: str, place: str) -> object:
    try:
        return json.loads(text)
    # A number of thousands of digits is a ValueError, and brackets nested thousands deep are a RecursionError.
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{place}: not JSON, or none that can be read: {error}") from error


def _csv_rows(file, path: Path) -> list[Row]:
    csv.field_size_limit(sys.maxsize)
    return list(csv.DictReader(file))


def _matching(source: Source, folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataMissing(f"data folder {folder.absolute()} does not exist; correct data_dir or CCE_DATA")
    # The folder's own name counts too, so that the data set's own folder can be given.
    named = {
        f: f"{folder.name}/{f.relative_to(folder)}".lower()
        for f in sorted(folder.rglob("*"))
        if FILE_TYPES.search(f.name.lower())
    }
    files = [file for file, name in named.items() if re.search(source.file, name)]
    if len({SHARD.sub("", str(file)) for file in files}) > 1:
        raise BadInput(
            f"{folder} holds several files for {source.hub}: {', '.join(map(str, files))}; keep one of them there"
        )
    return files


def _from_hub(source: Source, folder: str | Path | None) -> Iterable[Row]:
    with warnings.catch_warnings():
        # In a notebook's kernel tqdm asks for widgets, which its bars on a terminal do not need.
        warnings.simplefilter("ignore")
        from datasets import load_dataset
        from huggingface_hub import hf_hub_download
        from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # its retries would bury our one message
    try:
        if source.path:
            return read_rows(Path(hf_hub_download(source.hub, source.path, repo_type=source.repo_type)))
        return load_dataset(source.hub, split=source.split)
    except Exception as error:
        part = f"file {source.path}" if source.path else f"split {source.split}"
        looked = f"in {Path(folder).absolute()}" if folder else "in any folder (data_dir and CCE_DATA are unset)"
        raise DataMissing(
            f"{source.hub}, {part}: not found {looked}, and the hub gave nothing "
            f"({type(error).__name__}). Download it (json, jsonl, csv or parquet) into a folder and name the folder in "
            f"data_dir or CCE_DATA; the file's path there must match {source.file!r}"
        ) from None
