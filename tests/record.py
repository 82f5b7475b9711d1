"""Record what nbval replays: run notebooks with their defaults and the embedded model, keep every completion.

Example run: python tests/record.py notebooks/*.ipynb   (the Makefile calls it: make record)
"""

import sqlite3
import sys
import tempfile
from pathlib import Path

import nbformat
import papermill

from cce.project import root

STORE = root() / "tests" / "recorded.sqlite"


def record(notebook: Path) -> None:
    """Run one notebook into the store, and keep the output of the cell that nbval compares."""
    with tempfile.TemporaryDirectory() as folder:
        parameters = {"store": str(STORE), "out": folder, "figures": folder}
        executed = papermill.execute_notebook(str(notebook), None, parameters, progress_bar=False)
    compared = {cell.source: cell for cell in executed.cells if "NBVAL_CHECK_OUTPUT" in cell.source}
    source = nbformat.read(notebook, 4)
    for cell in source.cells:
        if cell.source in compared:
            cell.outputs, cell.execution_count = compared[cell.source].outputs, 1
    nbformat.write(source, notebook)


def main() -> None:
    """Record all notebooks, then make the store one plain file, without a write-ahead log beside it."""
    for notebook in map(Path, sys.argv[1:]):
        record(notebook)
    db = sqlite3.connect(STORE, isolation_level=None)
    db.execute("PRAGMA journal_mode = DELETE")
    db.execute("VACUUM")


if __name__ == "__main__":
    main()
