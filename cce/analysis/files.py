"""Results on disk: judgments as JSONL, tables as CSV; each file is whole or not there."""

import os
from pathlib import Path

import pandas as pd

# The fields of a judgment that come first in its JSON object; the others follow.
FIRST = ["id", "method", "judge", "verdict", "label", "correct", "text", "calls", "prompt_tokens", "completion_tokens"]


def write_judgments(judgments: pd.DataFrame, path: str | Path) -> None:
    """Write a frame of judgments, one JSON object a row; an unreadable verdict is null."""
    ordered = judgments[[*FIRST, *judgments.columns.difference(FIRST, sort=False)]]
    _write(path, ordered.to_json(orient="records", lines=True, force_ascii=False))


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as CSV, the cells that do not exist empty."""
    _write(path, table.to_csv(index=False))


def _write(path: str | Path, text: str) -> None:
    # Written beside and moved into place, so that a killed run leaves no half file.
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
