"""The three prices of a plan: as it is, in batches, and in batches with an adaptive crowd; each with its interval.

What a sample of questions needs is scaled to all by the ratio of items (Cochran, Sampling Techniques, 3rd edition,
6.3), in each set that was sampled; the interval comes from how far questions of a set differ from that ratio.
"""

from collections.abc import Sequence
from math import nan, sqrt

import numpy as np
import pandas as pd
from scipy.stats import t

from cce.analysis import print_table
from cce.analysis.statistics import Estimate
from cce.benchmarks.sample import Stratum
from cce.crowd.methods.adaptive import expected_members
from cce.models.dry_run import CHARACTERS_A_TOKEN, ITEMS, TOKENS, TOKENS_A_SECOND
from cce.planning import Planned
from cce.spending import PRICED_BY, Price, batch_share, price_of
from cce.text import tell

PRICES = ["dollars", "in_batches", "adaptive"]
COUNTS = ["calls", "in_store", "tokens_in", "tokens_out"]
TOTAL, UNKNOWN = "all", Price(nan, nan)
# How often a member's comparisons are taken to lean as the crowd does: the least, what is shown, the most. Supposed.
AGREEMENT = (0.6, 0.75, 0.9)
ASSUMED = f"""\
calls: completions to ask for; in_store: those found there, or bought by a notebook above; tokens and dollars: of calls.
The calls are a bound from above, and exact where outcomes decide nothing: a comparison that is not in the store may end
either way, so that every selection takes what it can take at most. No prompt overflows, and no call fails.
Tokens and seconds: the means of each model's completions of each kind in the store; of a model without any, assumed:
{CHARACTERS_A_TOKEN} characters per token, {TOKENS["judgment"]} tokens per judgment or rewriting, \
{TOKENS["answer"]} per answer, {TOKENS["list"]} per list of {ITEMS} items,
and {TOKENS_A_SECOND} tokens per second for each request in flight.
Hours: calls one after another, divided by the requests in flight; addresses side by side. Training is not in them.
in_batches: dollars at the providers' prices for batches. adaptive: in batches, with cce-adaptive@N in place of each
cce@N where its crowd serves no other method, and members that lean alike with a probability of {AGREEMENT[1]}, which is
supposed; its interval runs from {AGREEMENT[2]} to {AGREEMENT[0]}. Picks from pools are priced as they are."""


def scaled(needed: pd.Series, question: pd.Series, strata: Sequence[Stratum]) -> Estimate:
    """What all questions need by what those of the sample do, with a 95% interval; of other rows the plain sum.

    How far questions differ is estimated over all sets, relative to each set's mean, since each has few in the sample.
    """
    sums, parts, apart, freedom = needed.groupby(question).sum().to_dict(), [], 0.0, 0
    for items, questions, drawn in strata:
        of_each, sizes = np.array([sums.pop(one, 0.0) for one in drawn]), np.array([*drawn.values()])
        mean, k = of_each.sum() / sizes.sum(), len(drawn)
        parts.append((items * mean, (1 - k / questions) / k))
        if mean and k > 1:
            apart += np.sum(((of_each / mean - sizes) / sizes.mean()) ** 2)
            freedom += k - 1
    value = sum(part for part, _ in parts) + sum(sums.values())
    error = sqrt(apart / freedom * sum(part**2 * left for part, left in parts)) if freedom else 0.0
    half = t.ppf(0.975, freedom) * error if error else 0.0
    return Estimate(value, max(value - half, 0.0), value + half)


def price_table(planned: Sequence[Planned]) -> pd.DataFrame:
    """One row per notebook, and one for all: COUNTS, PRICES with their intervals, hours.

    Dollars are of models with a known price. The ends of the last row's intervals are sums: notebooks are planned by
    the same questions. Where nothing was sampled only `adaptive` has an interval.
    """
    table = pd.DataFrame([{"notebook": one.stem} | _row(one) for one in planned])
    if not any(one.strata for one in planned):
        table[[f"{name}_{end}" for name in PRICES[:2] for end in ("low", "high")]] = nan
    total = table.drop(columns="notebook").sum(min_count=len(table)).to_dict()
    return pd.concat([table, pd.DataFrame([{"notebook": TOTAL} | total])], ignore_index=True)


def model_table(planned: Sequence[Planned]) -> pd.DataFrame:
    """One row per model, over all notebooks: COUNTS, and PRICES without intervals, NaN where no price is known."""
    rows = []
    for one in planned:
        for (model, _), needed in one.needed.groupby(["model", "address"], sort=False):
            row = {name: each.value for name, each in _estimates(one, needed.fillna(0.0)).items()}
            unknown = needed.dollars[~needed.in_store].isna().any()
            rows.append({"model": model} | row | (dict.fromkeys(PRICES, nan) if unknown else {}))
    return pd.DataFrame(rows).groupby("model", sort=False).agg(lambda column: column.sum(skipna=False)).reset_index()


def _row(one: Planned) -> dict:
    estimates, by_address = _estimates(one, one.needed.fillna(0.0)), one.needed.groupby("address", sort=False)
    row = {name: estimates[name].value for name in COUNTS}
    for name in PRICES:
        row |= estimates[name].named(name)
    seconds = [scaled(_new(rows, "lasting"), rows.question, one.strata).value for _, rows in by_address]
    return row | {"hours": max(seconds, default=0.0) / 3600}


def _estimates(one: Planned, needed: pd.DataFrame) -> dict[str, Estimate]:
    def of(values: pd.Series) -> Estimate:
        return scaled(values, needed.question, one.strata)

    found = {"calls": of((~needed.in_store).astype(float)), "in_store": of(needed.in_store.astype(float))}
    found |= {name: of(_new(needed, name)) for name in (*COUNTS[2:], *PRICES[:2])}
    least, middle, most = (of(_new(needed, "in_batches") * _asked(one, needed, share)) for share in reversed(AGREEMENT))
    return found | {"adaptive": Estimate(middle.value, least.low, most.high)}


def _asked(one: Planned, needed: pd.DataFrame, agreement: float) -> pd.Series:
    """The share of each completion that an adaptive crowd asks for: all of its final judgments and of other methods."""
    share = expected_members(one.members, agreement) / one.members if one.members else 1.0
    return pd.Series(np.where(needed.replaced & (needed.stage != "final"), share, 1.0), needed.index)


def _new(needed: pd.DataFrame, name: str) -> pd.Series:
    return needed[name].where(~needed.in_store, 0.0)


def priced(one: Planned) -> Planned:
    """The same with each completion's dollars, in a batch too, and the seconds by which it makes a run longer."""
    needed = one.needed
    places = needed[["model", "address"]].drop_duplicates().itertuples(index=False)
    known = {(model, url): (price_of(model, url) or UNKNOWN, batch_share(model, url)) for model, url in places}
    rates = [known[place] for place in zip(needed.model, needed.address, strict=True)]
    tokens = zip(rates, needed.tokens_in, needed.tokens_out, strict=True)
    dollars = np.array([price.prompt * read + price.completion * written for (price, _), read, written in tokens])
    batched, lasting = dollars * np.array([share for _, share in rates]), needed.seconds / needed.concurrency
    return one._replace(needed=needed.assign(dollars=dollars, in_batches=batched, lasting=lasting))


def print_plan(planned: Sequence[Planned]) -> None:
    """Print what a plan comes to, and below it what was supposed and assumed."""
    planned = list(map(priced, planned))
    models = model_table(planned)
    for table in (price_table(planned), models):
        print_table(table.assign(**{name: table[name].map("{:,.0f}".format) for name in COUNTS}))
        tell(flush=True)
    if strata := [stratum for one in planned for stratum in one.strata]:
        sampled = f"{sum(sum(each.drawn.values()) for each in strata):,} of {sum(each.items for each in strata):,}"
        tell(f"From a sample: {sampled} pairs, instructions and questions, over all notebooks; --exact plans all.")
    tell(ASSUMED)
    if unpriced := models.model[models.dollars.isna()].tolist():
        tell(f"No price is known for {', '.join(unpriced)}: not in dollars; {PRICED_BY}.")
