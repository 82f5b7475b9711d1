"""Members of a crowd: what each one's crowd judgments are worth to their count, and how alike their votes are.

A member votes for the answer that lost less to its own: for B where A lost to it and B did not, for nobody where both
lost, or neither. A coalition's verdict is that of most of its members' votes, and vanilla's where these balance, as
`count` has it of the whole crowd. So all coalitions are known from crowd judgments that have been made, and no model is
asked. Every pair counts alike.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd

from cce.analysis.coalitions import alone, coalitions, left_out, sampled_shapley, shapley
from cce.analysis.statistics import Estimate, difference, interval_of, resampled_means, with_interval
from cce.errors import BadInput
from cce.names import short_name

PLACE = ["benchmark", "judge"]
EXACT = 8  # the most members of which all coalitions are looked at
ORDERS = 2_000  # in which members come, drawn where they are more
MEASURES = ["alone", "left_out", "shapley"]
COLUMNS = [*PLACE, "member", "model", "pairs", *with_interval("strength"), *with_interval("disagreement")]
COLUMNS += [name for measure in MEASURES for name in with_interval(measure)] + ["orders", "drawing_error"]
LIKENESS = [*PLACE, "members", "couples", "pairs", *with_interval("correlation"), *with_interval("effective_votes")]
AT_HAND = "brought along"


@dataclass(frozen=True)
class Votes:
    """One judge's crowd judgments on one benchmark's labelled pairs.

    `members` are models by the letter of the member. `votes`, by member and pair, are 1 for A, -1 for B, 0 for nobody;
    `labels` likewise, by pair; `vanilla` says whether vanilla is right; `cluster` is the instruction.
    """

    place: dict[str, str]
    members: dict[str, str]
    votes: np.ndarray
    labels: np.ndarray
    vanilla: np.ndarray
    cluster: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """By member and pair, whether its vote is right: 1, 0, or a half for none."""
        return (1 + self.votes * self.labels) / 2

    def value(self, chosen: np.ndarray) -> np.ndarray:
        """By coalition and pair, 100 where its verdict is right, else 0; `chosen` is bool, by coalition and member."""
        lead = chosen.astype(np.int8) @ self.votes.astype(np.int8) * self.labels
        return 100 * np.where(lead == 0, self.vanilla, lead > 0)


def crowd_votes(records: str | Path, method: str) -> list[Votes]:
    """The votes in a file of records, by benchmark and judge: those that `method`, which compares the answers with the
    whole crowd, has found, and the verdicts of vanilla beside them.

    Pairs without a label A or B, and those of which either judgment is missing, are left out. Raises BadInput where
    none is left.
    """
    found = defaultdict(dict)
    with Path(records).open(encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            if record["method"] in ("vanilla", method) and record["failed"] is None and record["label"] in ("A", "B"):
                found[record["benchmark"], record["judge"], record["id"]][record["method"]] = record
    groups = defaultdict(list)
    for (benchmark, judge, _), both in found.items():
        if len(both) == 2 and both[method]["trace"]["crowd"]:
            groups[benchmark, judge].append((both[method], bool(both["vanilla"]["correct"])))
    if not groups:
        raise BadInput(f"{records}: no labelled pair has been judged by vanilla and, with a crowd, by {method}")
    return [_votes(dict(zip(PLACE, place, strict=True)), rows) for place, rows in groups.items()]


def _votes(place: dict[str, str], rows: Sequence[tuple[Mapping, bool]]) -> Votes:
    crowds, members = [record["trace"]["crowd"] for record, _ in rows], {}
    for one in (one for crowd in crowds for one in crowd):
        members.setdefault(one["member"], short_name(one["model"]) if one["model"] else AT_HAND)
    votes, letters = np.zeros((len(members), len(rows))), list(members)
    for pair, crowd in enumerate(crowds):
        for one in crowd:
            if one["outcome"] == "lost":
                votes[letters.index(one["member"]), pair] += 1 if one["candidate"] == "B" else -1
    labels = np.array([1 if record["label"] == "A" else -1 for record, _ in rows])
    cluster = np.array([record["cluster"] for record, _ in rows])
    return Votes(place, members, votes, labels, np.array([right for _, right in rows]), cluster)


def contribution_table(known: Sequence[Votes], seed: int = 0) -> pd.DataFrame:
    """What each member carries: COLUMNS, in percent and points, with 95% intervals over instructions.

    `strength` is how often its vote is right, no vote being a half; `disagreement` the share of votes of one other
    member that differ from its own. In points of the count's accuracy: `alone` is what it adds to vanilla,
    `left_out` what the crowd loses without it, `shapley` its part of what the crowd adds to vanilla: the mean over all
    orders in which the members may come (exact for up to EXACT members), or over `orders` drawn by the seed, whose
    standard error is `drawing_error`.
    """
    return pd.DataFrame([row for votes in known for row in _contributions(votes, seed)], columns=COLUMNS)


def _contributions(votes: Votes, seed: int) -> list[dict]:
    members, drawn, error = len(votes.members), nan, [nan] * len(votes.members)
    nobody, everybody = np.zeros((1, members), bool), np.ones((1, members), bool)
    if members <= EXACT:
        value = votes.value(coalitions(members))
        found = {"alone": alone(value) - value[0], "left_out": left_out(value), "shapley": shapley(value)}
    else:
        singles, drawn = np.eye(members, dtype=bool), ORDERS
        found = {"alone": votes.value(singles) - votes.value(nobody)}
        found["left_out"] = votes.value(everybody) - votes.value(~singles)
        found["shapley"], error = sampled_shapley(votes.value, members, ORDERS, seed)
    found |= {"strength": 100 * votes.right, "disagreement": 100 * _disagreement(votes.votes)}
    rows = []
    for place, (letter, model) in enumerate(votes.members.items()):
        row = votes.place | {"member": letter, "model": model, "pairs": len(votes.labels)}
        for name, by_pair in found.items():
            row |= difference(by_pair[place], 0, 1, votes.cluster).named(name)
        rows.append(row | {"orders": drawn, "drawing_error": error[place]})
    return rows


def _disagreement(votes: np.ndarray) -> np.ndarray:
    """By member and pair, the share of the other members that vote otherwise."""
    others = max(len(votes) - 1, 1)
    return (votes[:, None] != votes[None]).sum(axis=1) / others


def family_of(model: str) -> str:
    """The letters that a model's name begins with, without whose it is: `qwen` of `Qwen/Qwen2.5-7B-Instruct`."""
    found = re.match(r"[A-Za-z]+", model.split("/")[-1])
    return found[0].lower() if found else model


def likeness_table(known: Sequence[Votes]) -> pd.DataFrame:
    """How alike the members' mistakes are, of all couples of members, of those within a family and of those across:
    LIKENESS.

    `correlation` is the mean over couples of the correlation of being right. `effective_votes` is how many independent
    votes the crowd's are worth, were all of its couples as alike as these: n / (1 + (n - 1) correlation), which is
    Kish's design effect (1965), and that of correlated juries (Ladha 1992, doi 10.2307/2111584). NaN where a member is
    always right, or never.
    """
    return pd.DataFrame([row for votes in known for row in _likeness(votes)], columns=LIKENESS)


def _likeness(votes: Votes) -> list[dict]:
    families, rows = list(map(family_of, votes.members.values())), []
    couples = list(combinations(range(len(families)), 2))
    within = [couple for couple in couples if families[couple[0]] == families[couple[1]]]
    kinds = {"all": couples, "within a family": within}
    kinds["across families"] = [couple for couple in couples if couple not in within]
    for name, chosen in kinds.items():
        if chosen:
            told = votes.place | {"members": name, "couples": len(chosen), "pairs": len(votes.labels)}
            alike, effective = _correlation(votes, chosen)
            rows.append(told | alike.named("correlation") | effective.named("effective_votes"))
    return rows


def _correlation(votes: Votes, couples: Sequence[tuple[int, int]]) -> tuple[Estimate, Estimate]:
    right, (first, second) = votes.right, np.transpose(couples)
    moments = np.concatenate([right, right**2, right[first] * right[second]]).T
    correlated = partial(_mean_correlation, members=len(right), first=first, second=second)
    value, drawn = correlated(moments.mean(axis=0)), correlated(resampled_means(moments, votes.cluster))
    clusters = len(np.unique(votes.cluster))
    worth = [_effective(len(right), correlation) for correlation in (value, drawn)]
    return interval_of(float(value), drawn, clusters), interval_of(float(worth[0]), worth[1], clusters)


def _mean_correlation(means: np.ndarray, members: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    mean, square, product = np.split(means, [members, 2 * members], axis=-1)
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        each = (product - mean[..., first] * mean[..., second]) / (spread[..., first] * spread[..., second])
    return np.where(np.isfinite(each), each, nan).mean(axis=-1)


def _effective(members: int, correlation: np.ndarray) -> np.ndarray:
    shared = 1 + (members - 1) * correlation
    # Below this no correlation of so many members can lie but by chance.
    return members / np.where(shared > 0, shared, nan)


def less_one(crowd: Sequence[str]) -> dict[str, list[str]]:
    """By a name that says so, the crowd without each of its models; where one is listed twice, it stays once."""
    places = {model: place for place, model in enumerate(crowd)}
    return {
        f"without {short_name(model)}": [one for at, one in enumerate(crowd) if at != place]
        for model, place in places.items()
        if len(crowd) > 1
    }
