"""Record what nbval replays: run notebooks with their defaults and the embedded model, keep what is shown.

Example run: python tests/record.py notebooks/*.ipynb   (the Makefile calls it: make record)
"""

import sqlite3
import sys
from pathlib import Path

import nbformat
import papermill

from cce.project import root

STORE = root() / "tests" / "recorded.sqlite"


def record(notebook: Path) -> None:
    """Run one notebook with its defaults into the store, and keep what its cells show, for readers and for nbval."""
    store = STORE.relative_to(root()).as_posix()
    executed = papermill.execute_notebook(str(notebook), None, {"store": store}, progress_bar=False, cwd=str(root()))
    shown = {cell.source: cell.outputs for cell in executed.cells if cell.cell_type == "code"}
    source = nbformat.read(notebook, 4)
    for place, cell in enumerate(cell for cell in source.cells if cell.cell_type == "code"):
        # What goes to standard error is progress, and warnings that name places on this machine.
        cell.outputs = [output for output in shown[cell.source] if output.get("name") != "stderr"]
        cell.execution_count = place + 1
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = cell.execution_count
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
