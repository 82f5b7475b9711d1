"""Results on disk: judgments as JSONL, tables as CSV; each file is whole or not there."""

from pathlib import Path

import pandas as pd

from cce.text import write_whole

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
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
