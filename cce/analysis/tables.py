"""Tables for eyes and on disk, and those of one pair: for eyes, an interval stands beside its number."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from cce.names import short_name
from cce.outputs import clearly, write_whole
from cce.text import tell, visible

# Keeps a number and its interval on one line of a page.
NO_BREAK = "\N{NO-BREAK SPACE}"
# More digits than one, where one says too little; the paper prints the scores of its Table 3 with two.
TWO_DIGITS = ["mtbench", "win_rate", "length_controlled", "paper_mtbench", "paper_alpaca_first", "paper_alpaca_second"]
TWO_DIGITS += ["alpaca_first", "alpaca_second", "kappa", "points_per_100_tokens", "gain", "dollars", "hours"]
TWO_DIGITS += ["in_batches", "adaptive"]
TWO_DIGITS += ["alpha", "alpha_of_people", "brier", "ece", "latency", "median", "p95", "model_seconds"]
DIGITS = {"mcnemar_p": 3, "mcnemar_holm": 3} | dict.fromkeys(TWO_DIGITS, 2)
VERDICTS = ["benchmark", "id", "judge", "method", "verdict", "p_a", "label", "correct", "crowd_judgments", "selected"]
VERDICTS += ["notes", "calls", "prompt_tokens", "completion_tokens"]
CROWD = ["judge", "method", "member", "model", "candidate", "outcome", "selected"]


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as CSV; cells that do not exist are empty. Raises OutputUnusable where it cannot be written."""
    with clearly(Path(path)):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_whole(Path(path), table.to_csv(index=False))


def print_table(table: pd.DataFrame) -> None:
    """Print a table as plain text."""
    tell(readable(table).to_string(index=False).replace(NO_BREAK, " "))


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table as text: X, X_low and X_high become one, models lose their address, tokens are added up, - is none."""
    shown = table.copy()
    for name in {"judge", "model", "base_model"} & set(shown):
        shown[name] = shown[name].map(short_name)
    if {"prompt_tokens", "completion_tokens"} <= set(shown):
        shown["tokens"] = shown.pop("prompt_tokens") + shown.pop("completion_tokens")
    for name in [name for name in shown if f"{name}_low" in shown]:
        low, high = shown.pop(f"{name}_low"), shown.pop(f"{name}_high")
        cells = zip(shown[name], low, high, strict=True)
        shown[name] = [_with_interval(*cell, DIGITS.get(name, 1)) for cell in cells]
    return pd.DataFrame({visible(name): _column(column) for name, column in shown.items()})


def names(models: Iterable[str]) -> str:
    """Models in a line, without their addresses."""
    return ", ".join(map(short_name, models))


def verdict_table(results: Sequence[Mapping]) -> pd.DataFrame:
    """One row per `Result`: the columns of `evaluate` named in VERDICTS, and how many crowd judgments were made."""
    rows = [result | {"crowd_judgments": len(result["trace"]["crowd"])} for result in results]
    return pd.DataFrame(rows, columns=VERDICTS)


def crowd_table(results: Sequence[Mapping]) -> pd.DataFrame:
    """One row per crowd judgment: CROWD, where model is None if the pair brought the answer along."""
    return pd.DataFrame([result | one for result in results for one in result["trace"]["crowd"]], columns=CROWD)


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
    return ["-" if pd.isna(cell) else _cell(cell, digits) for cell in column]


def _cell(cell: object, digits: int) -> str:
    return visible(cell) if isinstance(cell, str) else _number(cell, digits)


def _number(value: float, digits: int) -> str:
    least = 10**-digits
    return f"<{least}" if 0 < value < least / 2 else f"{value:.{digits}f}"
