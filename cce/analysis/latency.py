"""Latency: what a user waits for a verdict, by stage, beside all the time that models needed for it."""

from collections.abc import Iterable, Mapping, Sequence
from math import nan

import pandas as pd

from cce.analysis.accuracy import by_group
from cce.analysis.statistics import mean, with_interval
from cce.models.clock import STAGES

WHOLE = "all"
COLUMNS = ["stage", "judgments", *with_interval("latency"), "median", "p95", "model_seconds"]


def latency_table(records: Iterable[Mapping], group: Sequence[str] = ("judge", "method")) -> pd.DataFrame:
    """One row per group of records (see `cce.crowd.record`) and stage of the critical path, and one for the whole path.

    In seconds: `latency` is the mean over judgments, with its 95% interval over instructions; `median` and `p95` are
    percentiles; `model_seconds` is the mean of all model time, whatever ran at once. Left out are stages that a method
    lacks, and judgments of which no latency is known: those that are missing, and those from a batch.
    """
    known = pd.DataFrame([_row(record, group) for record in records if record.get("latency") is not None])
    if known.empty:
        return pd.DataFrame(columns=[*group, *COLUMNS])
    long = known.melt([*group, "cluster", "model_seconds"], [*STAGES, WHOLE], "stage", "seconds")
    table = by_group(long, _summary, [*group, *COLUMNS], [*group, "stage"])
    table = table[(table.latency > 0) | (table.stage == WHOLE)]
    return table.sort_values(list(group), key=lambda key: key.map(pd.Index(key.unique()).get_loc), kind="stable")


def _row(record: Mapping, group: Sequence[str]) -> dict:
    place = {name: record[name] for name in (*group, "cluster")}
    return place | record["trace"]["latency"] | {WHOLE: record["latency"], "model_seconds": record["seconds"]}


def _summary(rows: pd.DataFrame) -> dict:
    middle, p95 = rows.seconds.quantile([0.5, 0.95])
    beside = rows.model_seconds.mean() if rows.stage.iloc[0] == WHOLE else nan
    latency = mean(rows.seconds, rows.cluster).named("latency")
    return {"judgments": len(rows), **latency, "median": middle, "p95": p95, "model_seconds": beside}
