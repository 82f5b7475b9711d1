"""What a model's tokens cost, in US dollars: data/prices.csv, or the user's own file of that form in CCE_PRICES."""

import csv
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from cce.errors import BadInput

PRICES = Path(__file__).parent / "data" / "prices.csv"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Price:
    """US dollars a token of the prompt and of the completion."""

    prompt: float = 0.0
    completion: float = 0.0


def price_of(model: str, url: str) -> Price | None:
    """The price of a model by its name, as the endpoint knows it; None where it is not known.

    A model that the file does not list is free on this machine, that is without an address or at a loopback one.
    Raises BadInput where the file cannot be read.
    """
    known = _prices(os.environ.get("CCE_PRICES") or str(PRICES))
    free = Price() if not url or on_loopback(url) else None
    return known.get(model, free)


def on_loopback(url: str) -> bool:
    """Whether this machine itself is at the address."""
    return urlsplit(url).hostname in LOOPBACK


@cache
def _prices(file: str) -> dict[str, Price]:
    try:
        with open(file, encoding="utf-8", newline="") as lines:
            return {row["model"]: _price(row) for row in csv.DictReader(lines)}
    except (OSError, KeyError, TypeError, ValueError) as problem:
        wanted = "model, prompt and completion, the last two in US dollars a million tokens"
        raise BadInput(f"prices {file}: {problem}; CSV with the columns {wanted} is wanted") from problem


def _price(row: dict[str, str]) -> Price:
    prompt, completion = (float(row[name]) / 1e6 for name in ("prompt", "completion"))
    if not (prompt >= 0 and completion >= 0):
        raise ValueError(f"{row['model']}: a price of {row['prompt']} and {row['completion']}")
    return Price(prompt, completion)
