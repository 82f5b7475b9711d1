"""What a run has asked for: by model from the store, by notebook and method from the judgments."""

from collections.abc import Iterable, Mapping, Sequence
from math import nan
from pathlib import Path

import pandas as pd

from cce.analysis.report.executed import Executed
from cce.models.endpoint import OPENAI_URL
from cce.models.prices import price_of
from cce.models.store import Store

COSTS = ["calls", "prompt_tokens", "completion_tokens", "seconds"]
# Parameters that name models, or map them from or to something.
NAMING = ("judges", "crowd", "analyst", "graders", "samplers", "base", "beside", "published")
# Of models of this machine the store knows the name alone, since trainings make new ones.
OWN = ("embedded", "student-")
BY_MODEL = """
SELECT json_extract(request, '$.model'), count(*), sum(json_extract(response, '$.prompt_tokens')),
sum(json_extract(response, '$.completion_tokens')), sum(json_extract(response, '$.seconds'))
FROM completions GROUP BY 1 ORDER BY 2 DESC
"""


def by_model(stores: Iterable[Path], notebooks: Sequence[Executed]) -> pd.DataFrame:
    """What these stores hold, whoever asked for it, a row a model.

    Returns model, completions, prompt_tokens, completion_tokens, seconds (of model time) and dollars (by
    `cce.models.prices`: 0 on this machine, NaN without a known price). Raises StoreUnusable for what is no store.
    """
    rows = [row for store in stores for row in Store(store, replay=True).db.execute(BY_MODEL)]
    columns = ["model", "completions", "prompt_tokens", "completion_tokens", "seconds"]
    table = pd.DataFrame(rows, columns=columns).groupby("model", sort=False).sum().reset_index()
    urls = addresses(named(notebooks))
    return table.assign(dollars=[_dollars(row, urls) for row in table.itertuples()])


def by_method(notebooks: Sequence[Executed]) -> pd.DataFrame:
    """What the judgments needed, whoever paid for it, a row a notebook, judge and method.

    Returns notebook, judge, method, judgments, calls, prompt_tokens, completion_tokens and seconds; what two judgments
    share counts in both.
    """
    files = [(one.stem, rows) for one in notebooks for rows in one.judgments.values()]
    frame = pd.DataFrame([{"notebook": stem, "judgments": 1, **row} for stem, rows in files for row in rows])
    if frame.empty:
        return frame
    return frame.groupby(["notebook", "judge", "method"], sort=False)[["judgments", *COSTS]].sum().reset_index()


def named(notebooks: Sequence[Executed]) -> set[str]:
    """Every model that the notebooks were given, as it was written; names that only map to one are among them."""
    return {model for one in notebooks for name in NAMING for model in _models(one.parameters.get(name))}


def addresses(models: Iterable[str]) -> dict[str, str]:
    """The address of those that have one, by the name that the store knows them by."""
    parts = (model.rpartition("@") for model in models)
    # A student's folder may have an @ of its own.
    return {name: url for name, _, url in parts if "://" in url}


def _models(given: str | list[str] | dict[str, str] | None) -> list[str]:
    both = [*given, *given.values()] if isinstance(given, dict) else given or []
    return [both] if isinstance(both, str) else both


def _dollars(row, urls: Mapping[str, str]) -> float:
    url = urls.get(row.model, "" if row.model.startswith(OWN) else OPENAI_URL)
    price = price_of(row.model, url)
    return price.prompt * row.prompt_tokens + price.completion * row.completion_tokens if price else nan
