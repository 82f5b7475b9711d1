"""Table 3: what was picked and at what cost, and how the models that the picks taught score in a chat."""

from collections.abc import Sequence
from itertools import combinations
from math import nan

import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from cce.analysis.distillation import UNTRAINED
from cce.analysis.paper import ROW, paper_scores
from cce.analysis.statistics import Estimate, difference
from cce.benchmarks.alpaca_eval import chosen_strength, length_controlled_win_rate, preferred
from cce.benchmarks.instructions import Pool
from cce.errors import BadInput

COSTS = ["comparisons", "unreadable", "calls", "prompt_tokens", "completion_tokens"]
# Of the length-controlled rate: each is a regression of its own.
RESAMPLES = 499


def picks_table(picks: pd.DataFrame, pools: Sequence[Pool]) -> pd.DataFrame:
    """Summarise what several methods picked from the same pools, with one row per method.

    Takes frames of `pick`. Returns method, sampling (as in Table 3, whose "crowd" is any method with a crowd), pools,
    their sums of COSTS, calls_per_pool, length (mean, of what was picked, in characters) and longest (percent of the
    pools in which a longest response was picked).
    """
    longest = pd.Series({pool.id: max(map(len, pool.responses)) for pool in pools})
    length = picks.response.str.len()
    picks = picks.assign(length=length, longest=100.0 * (length == picks.id.map(longest)), pools=1)
    groups = picks.groupby("method", sort=False)
    table = groups[["pools", *COSTS]].sum().join(groups[["length", "longest"]].mean().round(1)).reset_index()
    table.insert(1, "sampling", table.method.where(~table.method.str.startswith("cce"), "crowd"))
    table.insert(table.columns.get_loc("calls") + 1, "calls_per_pool", (table.calls / table.pools).round(1))
    return table


def agreements(picks: pd.DataFrame) -> pd.DataFrame:
    """How often two methods picked the same text: for every two of them method, other, pools, same (how many)."""
    texts = picks.pivot(index="id", columns="method", values="response")
    return pd.DataFrame(
        {"method": one, "other": other, "pools": len(texts), "same": int((texts[one] == texts[other]).sum())}
        for one, other in combinations(picks.method.unique(), 2)
    )


def mt_bench_table(grades: pd.DataFrame) -> pd.DataFrame:
    """Summarise a frame of `grade`: for each judge and model one row per category, one per turn, and one over all.

    Returns judge, model, part (the category, "turn 1" ... or "all"), answers, unreadable (those without a rating) and
    rating, the mean of the others with its 95% bootstrap interval over questions (NaN where all are alike).
    """
    table = []
    for (judge, model), own in grades.groupby(["judge", "model"], sort=False):
        turns = [(f"turn {turn}", rows) for turn, rows in own.groupby("turn")]
        for part, rows in [*own.groupby("category", sort=False), *turns, ("all", own)]:
            read = rows.dropna(subset="rating")
            counts = {"part": part, "answers": len(rows), "unreadable": len(rows) - len(read)}
            rating = difference(read.rating, 0, 1, read.id).named("rating")
            table.append({"judge": judge, "model": model} | counts | rating)
    return pd.DataFrame(table)


def alpaca_table(
    annotations: pd.DataFrame, difficulty: pd.DataFrame | None = None, gamed: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Summarise annotations as `preferences` returns them, with one row per model.

    Returns model, instructions, unreadable (those without a preference), win_rate and length_controlled (percent), each
    with its 95% bootstrap interval over instructions (NaN where all are alike), and length (mean, in characters). The
    length-controlled rate takes what `load_gamed` returns, and is NaN without it; its regression is fitted anew to each
    sample, at the penalty chosen for the whole.
    """
    table = []
    for model, rows in annotations.groupby("generator_2", sort=False):
        share = preferred(rows)
        read = share.notna()
        unknown = gamed is None or not read.any()
        controlled = Estimate(nan, nan, nan) if unknown else _controlled(rows, difficulty, gamed)
        counts = {"model": model, "instructions": len(rows), "unreadable": int((~read).sum())}
        rate = difference(100 * share[read], 0, 1, rows["index"][read]).named("win_rate")
        rates = rate | controlled.named("length_controlled")
        table.append(counts | rates | {"length": rows.len_output_2.mean()})
    return pd.DataFrame(table)


def trained_models(names: Sequence[str], picked: pd.DataFrame, base_model: str, instructions: str) -> pd.DataFrame:
    """The `models` of `rejection_table`, from the table of what was picked.

    `names` are the methods whose picks taught a model, and UNTRAINED for the base model as it was.
    """
    known = picked.set_index("method").rename(columns={"pools": "count"})[["count", "sampling", "calls"]]
    known.loc[UNTRAINED] = [0, UNTRAINED, 0]
    models = pd.DataFrame({"model": list(names), "base_model": base_model, "instructions": instructions})
    return models.join(known, on="model")


def rejection_table(models: pd.DataFrame, mt_bench: pd.DataFrame, alpaca: pd.DataFrame) -> pd.DataFrame:
    """Put the scores of trained models into Table 3's form, with one row per model, in the order of `models`.

    `models` has the columns of `trained_models`: model (as both scores name it), base_model, instructions, count (of
    them), sampling (random, vanilla, crowd, or untrained) and calls (of the picking); `mt_bench` is of one judge.
    Returns these columns and, NaN where a model has no such score, mtbench (1 to 10), win_rate and length_controlled
    (percent) with their intervals, mean_length (of AlpacaEval-2's answers, in characters), and what `paper_scores`
    finds for the row. The paper does not name its two rates, so neither stands beside one of ours.
    Raises BadInput for a model that has no score at all.
    """
    unscored = set(models.model) - set(mt_bench.model) - set(alpaca.model)
    if unscored:
        raise BadInput(f"neither MT-Bench nor AlpacaEval-2 has a score of {', '.join(sorted(unscored))}")
    ratings = mt_bench[mt_bench.part == "all"].filter(regex="^(model|rating)")
    ratings.columns = ratings.columns.str.replace("rating", "mtbench")
    rates = alpaca.filter(regex="^(model|win_rate|length)").rename(columns={"length": "mean_length"})
    how = {"how": "left", "on": "model", "validate": "one_to_one"}
    table = models.merge(ratings, **how).merge(rates, **how)
    paper = pd.DataFrame([paper_scores(*row) for row in table[ROW].itertuples(index=False)])
    return table.join(paper.add_prefix("paper_"))


def score_steps(grades: pd.DataFrame, annotations: pd.DataFrame) -> pd.DataFrame:
    """What each model scores more than the one before it, on the same questions.

    Takes the frame of `grade`, of one judge, and that of `preferences`, of the same models. Returns score ("rating", or
    "win rate" in percent), model, baseline (the one before it in `grades`), answers (that have both models' scores) and
    gain with its 95% bootstrap interval over questions (NaN where all differ alike).
    """
    annotations = annotations.rename(columns={"generator_2": "model", "index": "id"})
    rating = grades.set_index(["model", "id", "turn"]).rating
    won, names, rows = 100 * (annotations.set_index(["model", "id"]).preference - 1), list(grades.model.unique()), []
    for score, values in {"rating": rating, "win rate": won}.items():
        for baseline, model in zip(names, names[1:], strict=False):
            both = pd.DataFrame({"score": values[model], "baseline": values[baseline]}).dropna()
            gain = difference(both.score, both.baseline, 1, both.index.get_level_values("id")).named("gain")
            rows.append({"score": score, "model": model, "baseline": baseline, "answers": len(both)} | gain)
    return pd.DataFrame(rows)


def _controlled(annotations: pd.DataFrame, difficulty: pd.DataFrame, gamed: pd.DataFrame) -> Estimate:
    strength = chosen_strength(annotations, difficulty, gamed)

    def rate(rows: np.ndarray) -> float:
        return length_controlled_win_rate(annotations.iloc[rows], difficulty, gamed, strength)

    places, random = np.arange(len(annotations)), np.random.default_rng(0)
    drawn = bootstrap((places,), rate, n_resamples=RESAMPLES, vectorized=False, method="percentile", rng=random)
    return Estimate(rate(places), *drawn.confidence_interval)
