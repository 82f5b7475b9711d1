"""Files that are never there in part."""

import os
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Write the file at once: a reader, or a process that is killed, never leaves or finds half of it."""
    beside = file.with_name(file.name + ".part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, file)
