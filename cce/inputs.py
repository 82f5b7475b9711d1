"""Files that a command reads, by what they are to the user. `cce.outputs.keep_apart` lets nothing take their place."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from cce.benchmarks.sources import SOURCES, Folder, Source, data_files
from cce.models.engines import FINISHED
from cce.outputs import Files, store_files
from cce.project import own_files


def files_read(
    names: Iterable[str] = (), store: str | Path | None = None, prompts: str | None = None, data_dir: Folder = None
) -> Files:
    """What is read where these names of files and models are given, and these options; of a folder what is read there.

    The store is among them: nothing but completions belongs there.
    """
    names = [name for name in names if name]
    students = [Path(name) for name in names if os.path.isfile(os.path.join(name, FINISHED))]
    return {
        "a file of the project's own": own_files(),
        "a file of published data": _published(data_dir or os.environ.get("CCE_DATA")),
        "a student's file": [file for student in students for file in student.rglob("*")],
        "a prompt": Path(prompts or "").glob("*.jinja") if prompts else (),
        "the file of models' settings": [os.environ.get("CCE_MODELS")],
        "the file of prices": [os.environ.get("CCE_PRICES")],
        "the input": [file for name in names for file in _files_of(name)],
        "the store": [*store_files(store), *store_files(os.environ.get("CCE_REPLAY"))],
    }


def _files_of(name: str) -> list[Path]:
    """The file of this name, or of a folder of data, as `datasets` saves it, those in it."""
    path = Path(name)
    return [path] if path.is_file() else [*path.glob("*.arrow"), *path.glob("*.json")] if path.is_dir() else []


def _published(folder: Folder) -> list[Path]:
    """The files of a data folder that some benchmark is read from."""
    if not folder or not Path(folder).is_dir():
        return []
    sources = [one for each in SOURCES.values() for one in ([each] if isinstance(each, Source) else each.values())]
    pattern = re.compile("|".join(f"(?:{source.file})" for source in sources))
    return [file for file, name in data_files(Path(folder)).items() if pattern.search(name)]
