"""JupyterLab itself, in a browser: a notebook is opened, all its cells are run, table and figure are there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from playwright.sync_api import Page

from tests.test_profiles import ROOT

pytestmark = pytest.mark.slow
NOTEBOOK = "01_judge_accuracy.ipynb"


@contextmanager
def lab(folder: Path) -> Iterator[str]:
    """JupyterLab over a copy of the notebook, with settings of its own; the address that opens the copy."""
    shutil.copy(ROOT / "notebooks" / NOTEBOOK, folder)
    # The completions that the kit's other tests of notebooks replay.
    own = {"CCE_REPLAY": str(ROOT / "tests/recorded.sqlite"), "PYTHONPATH": str(ROOT)}
    own |= {
        name: str(folder / "settings") for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_SETTINGS_DIR")
    }
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", "--notebook-dir", str(folder)]
    command = [sys.executable, "-m", "jupyterlab", *options]
    with subprocess.Popen(command, cwd=folder, env=os.environ | own, stderr=subprocess.PIPE, text=True) as server:
        try:
            started = next(found for line in server.stderr if (found := re.search(r"(http://127\S+/lab)(\S+)", line)))
            yield f"{started[1]}/tree/{NOTEBOOK}{started[2]}"
        finally:
            server.terminate()


def test_a_notebook_runs_from_top_to_bottom_and_shows_table_and_figure(browser, tmp_path):
    with lab(tmp_path) as address:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(address)
        page.wait_for_selector("#jp-main-statusbar :text('ipykernel) | Idle')", timeout=60_000)
        page.click(".lm-MenuBar-itemLabel:text-is('Run')")
        page.click(".lm-Menu-itemLabel:text-is('Run All Cells')")
        cells = saved(page, tmp_path / NOTEBOOK)
        page.locator(".jp-OutputArea-output img").first.scroll_into_view_if_needed()
        assert page.locator(".jp-OutputArea-output img").first.evaluate("image => image.naturalWidth") > 900
    outputs = [output for cell in cells for output in cell.outputs]
    assert [output.evalue for output in outputs if output.output_type == "error"] == []
    kinds = [kind for output in outputs for kind in output.get("data", {})]
    assert kinds.count("text/html") >= 3 and "image/png" in kinds


def saved(page: Page, file: Path) -> list[NotebookNode]:
    """The code cells, saved by the browser once all of them have run."""
    for _ in range(90):
        page.wait_for_timeout(1000)
        page.keyboard.press("Control+s")
        cells = [cell for cell in nbformat.read(file, 4).cells if cell.cell_type == "code"]
        if all(cell.execution_count for cell in cells):
            return cells
    raise AssertionError("not all cells have run")
