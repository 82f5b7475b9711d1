"""Table 3: what was picked and at what cost, and the scores of the models that the picks taught."""

from collections.abc import Sequence
from itertools import combinations
from math import nan

import numpy as np
import pandas as pd

from cce.analysis.distillation import UNTRAINED
from cce.analysis.paper.cells import paper_scores
from cce.analysis.statistics import difference
from cce.benchmarks.instructions import Pool
from cce.errors import BadInput

# What makes a row of Table 3.
ROW = ["base_model", "instructions", "count", "sampling"]
# What is taken from either score, and under which name.
MT_BENCH = {"rating": "mtbench", "rating_low": "mtbench_low", "rating_high": "mtbench_high"}
ALPACA = {name + end: name + end for name in ("win_rate", "length_controlled") for end in ("", "_low", "_high")}
ALPACA |= {"length": "mean_length"}
COSTS = ["comparisons", "unreadable", "calls", "prompt_tokens", "completion_tokens"]


def sampling_of(method: str) -> str:
    """What Table 3 calls this way to pick: its "crowd" is any method with a crowd."""
    return "crowd" if method.startswith("cce") else method


def picks_table(picks: pd.DataFrame, pools: Sequence[Pool]) -> pd.DataFrame:
    """Summarise what several methods picked from the same pools, a row a method.

    Args:
        picks: as `pick` returns them, of one or more methods.
        pools: those that were picked from.

    Returns method, sampling (as in Table 3), pools, comparisons, unreadable, calls, prompt_tokens and
    completion_tokens (all over all pools), calls_per_pool, length (mean, of what was picked, in characters) and longest
    (percent of the pools of which a longest response was picked).
    """
    longest = pd.Series({pool.id: max(map(len, pool.responses)) for pool in pools})
    length = picks.response.str.len()
    picks = picks.assign(length=length, longest=100.0 * (length == picks.id.map(longest)), pools=1)
    groups = picks.groupby("method", sort=False)
    table = groups[["pools", *COSTS]].sum().join(groups[["length", "longest"]].mean().round(1)).reset_index()
    table.insert(1, "sampling", table.method.map(sampling_of))
    table.insert(table.columns.get_loc("calls") + 1, "calls_per_pool", (table.calls / table.pools).round(1))
    return table


def agreements(picks: pd.DataFrame) -> pd.DataFrame:
    """How often two methods picked the same text: for every two of them method, other, pools, same (how many)."""
    texts = picks.pivot(index="id", columns="method", values="response")
    rows = [
        {"method": one, "other": other, "pools": len(texts), "same": int((texts[one] == texts[other]).sum())}
        for one, other in combinations(picks.method.unique(), 2)
    ]
    return pd.DataFrame(rows)


def trained_models(names: Sequence[str], picked: pd.DataFrame, base_model: str, instructions: str) -> pd.DataFrame:
    """What `rejection_table` has to know of its models.

    Args:
        names: the methods whose picks taught a model, and UNTRAINED for the base model as it was.
        picked: as `picks_table` makes it.
        base_model, instructions: as of `rejection_table`.
    """
    known = picked.set_index("method").rename(columns={"pools": "count"})[["count", "sampling", "calls"]]
    known.loc[UNTRAINED] = [0, UNTRAINED, 0]
    models = pd.DataFrame({"model": list(names), "base_model": base_model, "instructions": instructions})
    return models.join(known, on="model")


def rejection_table(models: pd.DataFrame, mt_bench: pd.DataFrame, alpaca: pd.DataFrame) -> pd.DataFrame:
    """Put the scores of trained models into Table 3's form, a row a model, in the order of `models`.

    Args:
        models: the columns model (as both scores name it), base_model (NAME or NAME@BASE_URL), instructions (lima and
            tulu3_sft are the paper's), count (of them), sampling (random, vanilla, crowd, or untrained for the base
            model as it was) and calls (what the picking cost, 0 where nothing was judged).
        mt_bench: as `mt_bench_table` makes it, of one judge.
        alpaca: as `alpaca_table` makes it.

    Returns these columns and, NaN where a model has no such score, mtbench (1 to 10), win_rate and length_controlled
    (percent) with their intervals, mean_length (of AlpacaEval-2's answers, in characters), and the paper's
    paper_mtbench, paper_alpaca_first and paper_alpaca_second for the same base model, instructions, count and
    sampling. The paper's table does not name the last two, so that neither stands beside one of ours.
    Raises BadInput for a model that has no score at all.
    """
    unscored = set(models.model) - set(mt_bench.model) - set(alpaca.model)
    if unscored:
        raise BadInput(f"neither MT-Bench nor AlpacaEval-2 has a score of {', '.join(sorted(unscored))}")
    table = models
    for scores, names in ((mt_bench[mt_bench.part == "all"], MT_BENCH), (alpaca, ALPACA)):
        scores = scores[["model", *names]].rename(columns=names)
        table = table.merge(scores, "left", on="model", validate="one_to_one")
    paper = pd.DataFrame([paper_scores(*row) for row in table[ROW].itertuples(index=False)])
    return table.join(paper.add_prefix("paper_"))


def score_steps(grades: pd.DataFrame, annotations: pd.DataFrame) -> pd.DataFrame:
    """What each model scores more than the one before it, on the same questions.

    Args:
        grades: as `grade` returns them, of one judge.
        annotations: as `preferences` returns them, of the same models.

    Returns score ("rating", or "win rate" in percent), model, baseline (the model before it in `grades`), answers (how
    many of theirs have both a score), gain with gain_low and gain_high (95% bootstrap interval over questions; NaN
    where all differ alike).
    """
    annotations = annotations.rename(columns={"generator_2": "model", "index": "id"})
    scores = {
        "rating": grades.set_index(["model", "id", "turn"]).rating,
        "win rate": 100 * (annotations.set_index(["model", "id"]).preference - 1),
    }
    names = list(grades.model.unique())
    return pd.DataFrame(
        {"score": score, "model": model, "baseline": baseline} | _step(values[model], values[baseline])
        for score, values in scores.items()
        for baseline, model in zip(names, names[1:], strict=False)
    )


def _step(score: pd.Series, baseline: pd.Series) -> dict:
    both = pd.DataFrame({"score": score, "baseline": baseline}).dropna()
    gain = (nan, nan, nan)
    if len(both):
        gain = difference(both.score, both.baseline, np.ones(len(both)), both.index.get_level_values("id"))
    return {"answers": len(both)} | dict(zip(["gain", "gain_low", "gain_high"], gain, strict=True))
