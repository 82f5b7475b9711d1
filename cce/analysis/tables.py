"""Tables for eyes and on disk: for eyes, an interval beside its number, and models without their address."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from cce.names import short_name
from cce.text import write_whole

# Keeps a number and its interval on one line of a page.
NO_BREAK = "\N{NO-BREAK SPACE}"
# More digits than one, where one says too little.
DIGITS = {"mcnemar_p": 3, "kappa": 2, "points_per_100_tokens": 2, "gain": 2, "dollars": 2, "hours": 2}
# The scores of Table 3, which the paper prints with two.
SCORES = ["mtbench", "win_rate", "length_controlled", "alpaca_first", "alpaca_second"]
DIGITS |= dict.fromkeys([*SCORES, *(f"paper_{name}" for name in SCORES)], 2)
# Columns that name a model.
MODELS = {"judge", "model", "base_model"}
# The fields of a judgment that come first in its JSON object; the others follow.
FIRST = ["id", "method", "judge", "verdict", "label", "correct", "text", "calls", "prompt_tokens", "completion_tokens"]


def write_judgments(judgments: pd.DataFrame, path: str | Path) -> None:
    """Write a frame of judgments as JSONL, one object per row; an unreadable verdict is null."""
    ordered = judgments[[*FIRST, *judgments.columns.difference(FIRST, sort=False)]]
    _write(path, ordered.to_json(orient="records", lines=True, force_ascii=False))


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as CSV; cells that do not exist are empty."""
    _write(path, table.to_csv(index=False))


def print_table(table: pd.DataFrame) -> None:
    """Print a table as plain text."""
    print(readable(table).to_string(index=False).replace(NO_BREAK, " "))


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table as text: columns X, X_low and X_high become one, prompt and completion tokens are added up.

    What is not there is a dash.
    """
    shown = table.copy()
    for name in MODELS & set(shown):
        shown[name] = shown[name].map(short_name)
    if {"prompt_tokens", "completion_tokens"} <= set(shown):
        shown["tokens"] = shown.pop("prompt_tokens") + shown.pop("completion_tokens")
    for name in [name for name in shown if f"{name}_low" in shown]:
        low, high = shown.pop(f"{name}_low"), shown.pop(f"{name}_high")
        digits = DIGITS.get(name, 1)
        shown[name] = [_with_interval(*cell, digits) for cell in zip(shown[name], low, high, strict=True)]
    return pd.DataFrame({name: _column(column) for name, column in shown.items()})


def names(models: Iterable[str]) -> str:
    """Models in a line, without their addresses."""
    return ", ".join(map(short_name, models))


def _write(path: str | Path, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_whole(Path(path), text)


def _with_interval(value: float, low: float, high: float, digits: int) -> str:
    if pd.isna(value):
        return "-"
    number = f"{value:.{digits}f}"
    return number if pd.isna(low) else f"{number}{NO_BREAK}[{low:.{digits}f},{NO_BREAK}{high:.{digits}f}]"


def _column(column: pd.Series) -> list[str]:
    if column.dtype == bool:
        return ["yes" if cell else "no" for cell in column]
    # Counts stay whole where a missing one has made the column one of floats.
    numbers = pd.to_numeric(column, errors="coerce").dropna()
    digits = DIGITS.get(column.name, 1 if (numbers % 1).any() else 0)
    return ["-" if pd.isna(cell) else cell if isinstance(cell, str) else _number(cell, digits) for cell in column]


def _number(value: float, digits: int) -> str:
    least = 10**-digits
    return f"<{least}" if 0 < value < least / 2 else f"{value:.{digits}f}"
