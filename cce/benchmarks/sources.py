"""Where published data sets are: in a folder of their files, or on the hub; and their rows."""

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import yaml
from pydantic import TypeAdapter

from cce.benchmarks.files import FILE_TYPES, Row, read_rows, readable
from cce.errors import BadInput, DataMissing

DATA = Path(__file__).parent / "data"
LINES = ".txt"  # of published files alone: each line is a row's `line`
Folder = str | Path | None
# By what an error of the hub or its cache says.
REMEDIES = {
    r"\b40[13]\b|gated|authenticated": "log in by `hf auth login` or HF_TOKEN, once you have accepted its terms there",
    r"\b429\b": "wait some minutes, or log in by `hf auth login`, which allows more",
    r"lock|errno": "name a folder for its cache that can be written and locked, in HF_HOME",
}


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
        raise BadInput(f"{problem} ({' '.join(str(error).split())}); {remedy}") from error


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
    with readable(file):
        return [{"line": line} for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]


def data_files(folder: Path) -> dict[Path, str]:
    """The files of a data folder that may hold rows, each with the name that a source's pattern is to match."""
    # The folder's own name counts too, so that the data set's own folder can be given.
    named = {file: f"{folder.name}/{file.relative_to(folder)}".lower() for file in sorted(folder.rglob("*"))}
    return {file: name for file, name in named.items() if FILE_TYPES.search(name) or name.endswith(LINES)}


def _matching(source: Source, folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataMissing(f"data folder {folder.absolute()} does not exist; correct data_dir or CCE_DATA")
    files = [file for file, name in data_files(folder).items() if re.search(source.file, name)]
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
        missing = f"{source.hub}, {part}: not found {looked}, and the hub gave nothing ({_in_its_words(error)})"
        remedy = "download it (json, jsonl, csv or parquet) into a folder and name the folder in data_dir or CCE_DATA"
        raise DataMissing(f"{missing}; {remedy}; the file's path there must match {source.file!r}") from None


def _in_its_words(error: BaseException) -> str:
    """What the hub, or the cache of what it gave, said first, and a remedy where one is known."""
    from huggingface_hub.errors import HfHubHTTPError

    # What the hub answered may lie below an error that says that nothing is in the cache either.
    chain = [error]
    while cause := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(cause)
    told = next((one for one in chain if isinstance(one, HfHubHTTPError)), error)
    lines = [line.strip() for line in str(told).splitlines() if line.strip()]
    # The first line may be no more than the status.
    said = " ".join(lines[: 2 if re.match(r"\d{3} .{,25}$", "".join(lines[:1])) else 1])[:300]
    remedy = next((remedy for words, remedy in REMEDIES.items() if re.search(words, said, re.IGNORECASE)), "")
    return ": ".join(filter(None, [type(told).__name__, said])) + (f"; {remedy}" if remedy else "")
