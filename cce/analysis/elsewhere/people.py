"""A judge beside people: how far it agrees with them and they with each other, and what few votes are worth beside many
verdicts.

Votes are a frame with one row a vote: id (of the pair), rater, and vote (A, B or tie). Verdicts are a frame of
judgments of one judge by one method, one row a pair.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm, ttest_1samp, wilcoxon
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.multitest import multipletests

from cce.analysis.statistics import Estimate, difference, with_interval
from cce.errors import BadInput

P_FIRST = {"A": 1.0, "B": 0.0, "tie": 0.5}
# Fewer instances than these say nothing of an annotator; below the second a t test is not to be trusted.
ENOUGH, NORMAL = 10, 30
AGREEMENT = ["who", "pairs_of_votes", *with_interval("agreement"), "kappa", "alpha"]
ANNOTATORS = ["annotator", "instances", "judge_as_good", "person_as_good", "p", "judge_may_replace"]


def agreement_with_people(votes: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """How far a judge agrees with people, and people with each other: AGREEMENT.

    Each vote stands beside the judge's verdict on its pair, and each two votes on a pair beside each other; unreadable
    verdicts agree with none. Kappa is Cohen's, of all such pairs; alpha is Krippendorff's for nominal data, of people
    with the judge among them and of people alone. Intervals are clustered by pair.
    """
    votes = checked(votes)
    said = verdicts.set_index("id").verdict
    judged = votes[votes.id.isin(said.index)]
    of_judge = judged.id.map(said).fillna("unreadable")
    pairs = [(place, *two) for place, given in votes.groupby("id").vote for two in combinations(given, 2)]
    if not pairs or judged.empty:
        raise BadInput("votes: at least two on one pair, and one on a pair that was judged, are wanted")
    place, first, second = zip(*pairs, strict=True)
    with_judge = pd.concat([judged, pd.DataFrame({"id": said.index, "rater": "the judge", "vote": said.to_numpy()})])
    rows = [
        _agreement("the judge, with a person", judged.id, judged.vote, of_judge) | {"alpha": alpha(with_judge)},
        # Which of two people comes first means nothing: both orders count.
        _agreement("a person, with another", place * 2, first + second, second + first) | {"alpha": alpha(votes)},
    ]
    rows[1]["pairs_of_votes"] //= 2
    return pd.DataFrame(rows, columns=AGREEMENT)


def agreements_with_people(votes: pd.DataFrame, judges: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The same for several judges by name, in the column judge."""
    tables = {name: agreement_with_people(votes, verdicts) for name, verdicts in judges.items()}
    return pd.concat(tables, names=["judge"]).reset_index("judge").reset_index(drop=True)


def _agreement(who: str, cluster, first, second) -> dict:
    agree = (np.asarray(first) == np.asarray(second)).astype(float)
    found = difference(agree, 0, 1, np.asarray(cluster)).named("agreement", 100)
    kappa = cohen_kappa_score(np.asarray(first), np.asarray(second))
    return {"who": who, "pairs_of_votes": len(agree), "kappa": kappa} | found


def alpha(votes: pd.DataFrame) -> float:
    """Krippendorff's alpha for nominal data: 1 for people who always agree, 0 for those who do by chance alone.

    Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability. Pairs with a single vote say nothing; NaN
    where all votes are alike.
    """
    counts = votes.dropna(subset="vote").groupby(["id", "vote"]).size().unstack(fill_value=0).to_numpy(float)
    counts = counts[counts.sum(axis=1) > 1]
    of_pair, of_value = counts.sum(axis=1), counts.sum(axis=0)
    total = of_value.sum()
    observed = ((of_pair**2 - (counts**2).sum(axis=1)) / (of_pair - 1)).sum() / total
    expected = (total**2 - (of_value**2).sum()) / (total * (total - 1)) if total > 1 else 0.0
    return float(1 - observed / expected) if expected > 0 else float("nan")


class Replacement(NamedTuple):
    """Whether a judge may stand in for a person: a row per annotator (ANNOTATORS), the share of them whom it may
    replace, and how often it is as good as one, on average.
    """

    annotators: pd.DataFrame
    winning_rate: float
    advantage: float

    @property
    def passes(self) -> bool:
        """Whether the judge may."""
        return self.winning_rate >= 0.5


def alternative_annotator_test(votes: pd.DataFrame, verdicts: pd.DataFrame, epsilon: float = 0.2) -> Replacement:
    """The alternative annotator test (Calderon et al. 2025, arXiv 2501.10970).

    Annotator by annotator it asks who agrees more with the others' votes on a pair, the judge or this annotator; a draw
    counts for both. The judge may replace an annotator where it is as good less often by `epsilon` at most (0.2 for
    experts, 0.1 for crowd workers), by a one-sided t test of the differences, or Wilcoxon's with fewer than NORMAL, and
    with the false discovery rate held at 5% over annotators (Benjamini and Yekutieli 2001). Annotators with fewer than
    ENOUGH pairs that others have voted on, too, are left out; the test's authors advise 30 and more.
    Raises BadInput where none is left.
    """
    votes = checked(votes).drop_duplicates(["id", "rater"])
    said = verdicts.set_index("id").verdict
    votes = votes[votes.id.isin(said.index)]
    given = {place: dict(zip(rows.rater, rows.vote, strict=True)) for place, rows in votes.groupby("id")}
    rows = []
    for annotator in votes.rater.unique():
        as_good = [
            _as_good(said[place], of[annotator], [vote for rater, vote in of.items() if rater != annotator])
            for place, of in given.items()
            if annotator in of and len(of) > 1
        ]
        if len(as_good) >= ENOUGH:
            judge, person = map(np.array, zip(*as_good, strict=True))
            told = {"judge_as_good": judge.mean(), "person_as_good": person.mean()}
            rows.append({"annotator": annotator, "instances": len(judge), "p": _p(person - judge, epsilon)} | told)
    if not rows:
        raise BadInput(f"votes: no annotator has {ENOUGH} pairs on which others voted as well")
    table = pd.DataFrame(rows, columns=ANNOTATORS)
    table["judge_may_replace"] = multipletests(table.p.fillna(1), alpha=0.05, method="fdr_by")[0]
    return Replacement(table, float(table.judge_may_replace.mean()), float(table.judge_as_good.mean()))


def replacement_table(votes: pd.DataFrame, judges: dict[str, pd.DataFrame], epsilon: float = 0.2) -> pd.DataFrame:
    """One row per judge: agreement with people, annotators, winning_rate, judge_as_good and person_as_good (means over
    annotators, in percent), and whether it may replace a person, by `alternative_annotator_test`.
    """
    rows = []
    for name, verdicts in judges.items():
        found = alternative_annotator_test(votes, verdicts, epsilon)
        shares = {"winning_rate": found.winning_rate, "judge_as_good": found.advantage}
        shares["person_as_good"] = float(found.annotators.person_as_good.mean())
        told = {"judge": name, "annotators": len(found.annotators)} | {
            one: 100 * share for one, share in shares.items()
        }
        rows.append(told | {"may_replace": found.passes})
    return pd.DataFrame(rows)


def _as_good(verdict: str | None, vote: str, others: list[str]) -> tuple[float, float]:
    judge, person = (np.mean([one == other for other in others]) for one in (verdict, vote))
    return float(judge >= person), float(person >= judge)


def _p(differences: np.ndarray, epsilon: float) -> float:
    below = differences - epsilon
    if len(differences) < NORMAL:
        return float(wilcoxon(below, alternative="less").pvalue)
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(ttest_1samp(differences, epsilon, alternative="less").pvalue)


def win_rate(votes: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """How often A is preferred, by few people's votes and many verdicts: one row for the votes alone, one for the
    verdicts alone, and one for both, in percent with 95% intervals.

    The last takes the judge's error, as the voted pairs show it, out of its verdicts on all pairs, with the weight that
    makes the variance least (prediction-powered inference, Angelopoulos et al. 2023, arXiv 2311.01453). A pair's votes
    count as their mean, ties as a half. Pairs are taken as independent draws from one kind.
    """
    voted = checked(votes).groupby("id").vote.apply(lambda given: given.map(P_FIRST).mean())
    p_a = verdicts.dropna(subset="p_a").set_index("id").p_a.astype(float)
    both = voted.index.intersection(p_a.index)
    if len(both) < 2:
        raise BadInput("votes: at least two pairs that were judged are wanted")
    y, of_judge, rest = voted[both].to_numpy(), p_a[both].to_numpy(), p_a.drop(both).to_numpy()
    rows = {
        "the votes alone": _normal(y.mean(), y.var(ddof=1) / len(y)),
        "the verdicts alone": _normal(p_a.mean(), p_a.var(ddof=1) / len(p_a)),
        "the votes, with the verdicts": powered(y, of_judge, rest),
    }
    counts = [len(y), len(p_a), len(p_a)]
    told = zip(rows.items(), counts, strict=True)
    return pd.DataFrame([{"by": by, "pairs": n} | estimate.named("win_rate", 100) for (by, estimate), n in told])


def powered(y: np.ndarray, predicted: np.ndarray, more: np.ndarray) -> Estimate:
    """The mean of y, of which few are known, by predictions of these and of `more`, with its 95% interval."""
    n, m = len(y), len(more)
    if m < 2:
        return _normal(y.mean(), y.var(ddof=1) / n)
    spread = np.concatenate([predicted, more]).var(ddof=1)
    weight = np.clip(np.cov(y, predicted)[0, 1] / ((1 + n / m) * spread), 0, 1) if spread > 0 else 0.0
    left = y - weight * predicted
    value = weight * more.mean() + left.mean()
    return _normal(value, weight**2 * more.var(ddof=1) / m + left.var(ddof=1) / n)


def _normal(value: float, variance: float) -> Estimate:
    reach = norm.ppf(0.975) * np.sqrt(variance)
    return Estimate(float(value), float(value - reach), float(value + reach))


def checked(votes: pd.DataFrame) -> pd.DataFrame:
    """The votes, if they are. Raises BadInput naming the column that is missing, or the word that is no vote."""
    if missing := [name for name in ("id", "rater", "vote") if name not in votes]:
        raise BadInput(f"votes: there is no column {missing[0]!r}; there are: {', '.join(votes)}")
    if odd := sorted(set(votes.vote.dropna()) - set(P_FIRST)):
        raise BadInput(f"votes: vote {odd[0]!r}: A, B or tie is wanted")
    return votes.dropna(subset="vote").assign(id=votes.id.astype(str))
