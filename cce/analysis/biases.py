"""Verdicts turned by what ought to change none: pairs with a bias planted beside the same pairs without it."""

from collections.abc import Mapping

import pandas as pd

from cce.analysis.accuracy import GROUP, by_group
from cce.analysis.statistics import difference, proportion, with_interval
from cce.benchmarks.biases import POSITION
from cce.errors import BadInput

COLUMNS = [*GROUP, "bias", "pairs", *with_interval("turned"), *with_interval("more_than_vanilla")]
COLUMNS += [*with_interval("accuracy"), *with_interval("change")]
KEY = ["benchmark", "judge", "id", "method"]


def bias_table(plain: pd.DataFrame, biased: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """How many verdicts each bias turns: COLUMNS, in percent and points, with 95% intervals.

    Takes frames of `evaluate`: of the pairs as they are, and of `planted` ones by bias. A verdict is `turned` where it
    is another than without the bias, whichever way; CALM's robustness rate is the rest. Of `position` it is turned
    where it does not go with the answer. `more_than_vanilla` is the difference from vanilla on the same pairs,
    `accuracy` that with the bias, and `change` the difference from that without. Pairs of which a judgment is missing
    are left out, and every pair counts alike. Raises BadInput where vanilla is not there.
    """
    if "vanilla" not in set(plain.method):
        raise BadInput("biases: vanilla is what the others stand beside; judge by it, too")
    beside = [_turned(plain, frame, bias) for bias, frame in biased.items()]
    of_vanilla = pd.concat(beside).query("method == 'vanilla'").set_index([*KEY[:3], "bias"]).turned.rename("vanilla")
    both = pd.concat(beside).join(of_vanilla, on=[*KEY[:3], "bias"])
    return by_group(both, _summary, COLUMNS, ["bias", *GROUP])


def _turned(plain: pd.DataFrame, biased: pd.DataFrame, bias: str) -> pd.DataFrame:
    both = biased.merge(plain, on=KEY, suffixes=("", "_plain"), validate="one_to_one")
    both = both[both.failed.isna() & both.failed_plain.isna()]
    expected = both.verdict_plain.replace({"A": "B", "B": "A"}) if bias == POSITION else both.verdict_plain
    # Unreadable ones are alike.
    turned = both.verdict.fillna("").ne(expected.fillna(""))
    right, before = both.correct.astype(float), both.correct_plain.astype(float)
    # What a bias adds to the prompt is no other instruction.
    both = both.assign(bias=bias, cluster=both.cluster_plain)
    return both.assign(turned=turned.astype(float), right=right, before=before)


def _summary(pairs: pd.DataFrame) -> dict:
    turned = proportion(pairs.turned, [1] * len(pairs), pairs.cluster).named("turned", 100)
    accuracy = proportion(pairs.right, [1] * len(pairs), pairs.cluster).named("accuracy", 100)
    known = pairs.dropna(subset="vanilla")
    more = difference(known.turned, known.vanilla, 1, known.cluster).named("more_than_vanilla", 100)
    change = difference(pairs.right, pairs.before, 1, pairs.cluster).named("change", 100)
    vanilla = (pairs.method == "vanilla").all()
    return {"pairs": len(pairs)} | turned | accuracy | change | ({} if vanilla else more)
