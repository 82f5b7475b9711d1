"""Whether a judge's probabilities mean what they say, and what is left for people where the least sure verdicts go to
them.

Takes judgments with a label A or B and a probability of A; others are left out, and so are judges that give verdicts in
words alone, whose probabilities are 0, a half or 1. Judges and methods stand apart.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from cce.analysis.statistics import proportion, with_interval
from cce.errors import BadInput

GROUP = ["judge", "method"]
NUMBERS = [*GROUP, "pairs", "brier", "ece", "surer_half", "all"]
RELIABILITY = [*GROUP, "pairs", "said", *with_interval("found")]
KEPT = [*GROUP, "pairs", "kept", *with_interval("accuracy")]
# Shares of the pairs, in percent.
SHARES = range(5, 101, 5)


def calibration_table(judgments: pd.DataFrame, bins: int = 10) -> pd.DataFrame:
    """One row per judge and method: NUMBERS.

    brier is the mean squared error of the probability; ece the mean distance of `reliability_table` from what is said,
    weighed with the pairs of a bin; surer_half and all are accuracies in percent, of the surer half of the verdicts and
    of all.
    """
    return _by_group(judgments, lambda own: [_numbers(own, _curve(own, bins), _kept(own))], NUMBERS)


def reliability_table(judgments: pd.DataFrame, bins: int = 10) -> pd.DataFrame:
    """One row per judge, method and bin of the probability that is not empty: RELIABILITY.

    `said` is the mean probability of A in the bin, `found` the share of A by the label with its 95% interval over
    instructions, both in percent.
    """
    return _by_group(judgments, lambda own: _curve(own, bins), RELIABILITY)


def kept_table(judgments: pd.DataFrame) -> pd.DataFrame:
    """The accuracy of the surest verdicts, one row per judge, method and share of SHARES that is kept: KEPT. A
    probability of a half is worth a half.
    """
    return _by_group(judgments, _kept, KEPT)


def gives_probabilities(judgments: pd.DataFrame) -> bool:
    """Whether there is any such judgment."""
    return bool(_known(judgments))


def _numbers(own: pd.DataFrame, curve: list[dict], kept: list[dict]) -> dict:
    off = [abs(row["found"] - row["said"]) / 100 for row in curve]
    told = {"pairs": len(own), "brier": brier_score_loss(own.won, own.p_a)}
    told["ece"] = np.average(off, weights=[row["pairs"] for row in curve])
    accuracy = {row["kept"]: row["accuracy"] for row in kept}
    return told | {"surer_half": accuracy[50], "all": accuracy[100]}


def _curve(own: pd.DataFrame, bins: int) -> list[dict]:
    found, said = calibration_curve(own.won, own.p_a, n_bins=bins)
    # Scikit-learn's bins: an edge belongs to the one below.
    place, rows = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], own.p_a), []
    for (_, part), share, mean in zip(own.groupby(place), found, said, strict=True):
        estimate = proportion(part.won, np.ones(len(part)), part.cluster)._replace(value=share)
        rows.append({"pairs": len(part), "said": 100 * mean} | estimate.named("found", 100))
    return rows


def _kept(own: pd.DataFrame) -> list[dict]:
    right, rows = np.where(own.p_a == 0.5, 0.5, (own.p_a > 0.5) == own.won), []
    surest = np.argsort(-(own.p_a - 0.5).abs().to_numpy(), kind="stable")
    for share in SHARES:
        chosen = surest[: max(1, round(share * len(own) / 100))]
        accuracy = proportion(right[chosen], np.ones(len(chosen)), own.cluster.to_numpy()[chosen])
        rows.append({"pairs": len(chosen), "kept": share} | accuracy.named("accuracy", 100))
    return rows


def _by_group(judgments: pd.DataFrame, rows_of: Callable, columns: list[str]) -> pd.DataFrame:
    if not (groups := _known(judgments)):
        raise BadInput("calibration: no judge gives probabilities other than 0, a half and 1 for pairs with a label")
    rows = [dict(zip(GROUP, group, strict=True)) | row for group, own in groups for row in rows_of(own)]
    return pd.DataFrame(rows, columns=columns)


def _known(judgments: pd.DataFrame) -> list[tuple[tuple, pd.DataFrame]]:
    known = judgments[judgments.label.isin(["A", "B"]) & judgments.p_a.notna()]
    known = known.assign(p_a=known.p_a.astype(float), won=known.label == "A")
    return [(group, own) for group, own in known.groupby(GROUP, sort=False) if not own.p_a.isin([0, 0.5, 1]).all()]
