"""What a crowd knows: GPT-4's published verdicts on all pairs of six models, beside people's votes on the same pairs.

For a vote on A and B the crowd are the four other models' answers to the same question. How GPT-4 found A and B beside
these, never beside each other, is what criticizing selection shows a judge. No model is asked, and no text is read.

A verdict counts 1 for whom the vote prefers, 0 for the other, and a half where it is a tie, or where two counts are
alike. Votes that are ties are left out.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from cce.analysis.coalitions import alone, coalitions, left_out, shapley
from cce.analysis.elsewhere import load_judgments
from cce.analysis.elsewhere.mt_bench import MODELS, PLACE, parts_of, verdicts, votes
from cce.analysis.statistics import difference, with_interval

OTHERS = len(MODELS) - 2
DRAWS = 50  # of noise
COLUMNS = ["what", "votes", *with_interval("agreement"), *with_interval("more_than_verdict")]


class Crowd:
    """The votes, with what GPT-4 found of each pair: `own`, the pair's own verdict, and `beside` the four others.

    `beside` is signed, by vote, side (A, B) and other model, in the order of MODELS: 1 where the candidate won, -1
    where it lost, 0 for a tie.
    """

    def __init__(self, data_dir: str | Path | None = None):
        self.data_dir, self.votes = data_dir, votes(data_dir)
        self.judgments = load_judgments("mtbench_gpt4", data_dir)
        a, b, table = self.votes.a.to_numpy(), self.votes.b.to_numpy(), verdicts(data_dir)
        at = table[self.votes.question.to_numpy() - 81, self.votes.turn.to_numpy() - 1]
        rows = np.arange(len(a))
        self.own = np.sign(at[rows, a, b] - 0.5)
        every = range(len(MODELS))
        self.others = np.array([[one for one in every if one not in pair] for pair in zip(a, b, strict=True)])
        self.beside = np.stack(
            [np.sign(np.take_along_axis(at[rows, side], self.others, axis=1) - 0.5) for side in (a, b)], axis=1
        )
        self.cluster = self.votes.question.to_numpy()
        self.sign = 2 * self.votes.won.to_numpy() - 1

    def agrees(self, lead: np.ndarray) -> np.ndarray:
        """By vote, whether A's lead agrees with it: 1, 0, or a half without a lead. More dimensions come first."""
        return 0.5 + 0.5 * np.sign(lead) * self.sign

    def net(self, chosen: Sequence[int] | np.ndarray = range(OTHERS), beside: np.ndarray | None = None) -> np.ndarray:
        """A's wins less its losses, less the same of B, beside these of the four others."""
        beside = (self.beside if beside is None else beside)[..., chosen]
        return beside[:, 0].sum(axis=-1) - beside[:, 1].sum(axis=-1)

    def losses(self, chosen: Sequence[int] | np.ndarray = range(OTHERS)) -> np.ndarray:
        """B's losses less A's, beside these of the four others."""
        lost = self.beside[..., chosen] < 0
        return lost[:, 1].sum(axis=-1) - lost[:, 0].sum(axis=-1)

    def both(self, crowd: np.ndarray) -> np.ndarray:
        """The pair's own verdict, and where that is a tie the crowd's."""
        return np.where(self.own != 0, self.own, crowd)

    def as_judges(self) -> dict[str, pd.DataFrame]:
        """GPT-4's verdicts on the pairs, and the crowd's by wins less losses, as judgments: id, verdict and p_a."""
        own = self.judgments[["id", "verdict", "p_a"]]
        counted = pd.Series(self._net_of_pairs(), own.index)
        told = np.select([counted > 0, counted < 0], ["A", "B"], "tie")
        return {"GPT-4's verdict": own, "its crowd's": own.assign(verdict=told, p_a=0.5 + 0.5 * np.sign(counted))}

    def _net_of_pairs(self) -> list[int]:
        table = verdicts(self.data_dir)
        nets = []
        for name in self.judgments.id:
            question, a, b, turn = parts_of(name)
            at = np.sign(table[question - 81, turn - 1] - 0.5)
            a, b = MODELS.index(a), MODELS.index(b)
            nets.append(int(sum(at[a, one] - at[b, one] for one in range(len(MODELS)) if one not in (a, b))))
        return nets

    def mean(self, agreement: np.ndarray) -> dict[str, float]:
        """The cells `agreement`: its mean over votes in percent, with its interval, clustered by question."""
        return difference(agreement, 0, 1, self.cluster).named("agreement", 100)

    def row(self, what: str, agreement: np.ndarray) -> dict:
        """A row of COLUMNS: the agreement, and by how much it is above the pair's own verdict's on the same votes."""
        more = difference(agreement, self.agrees(self.own), 1, self.cluster)
        told = {"what": what, "votes": len(agreement)} | self.mean(agreement)
        return told | more.named("more_than_verdict", 100)


def agreement_table(crowd: Crowd) -> pd.DataFrame:
    """How far each kind of verdict agrees with the votes: COLUMNS."""
    kinds = {
        "the pair's own verdict": crowd.own,
        "the crowd's: wins less losses": crowd.net(),
        "the crowd's: losses alone": crowd.losses(),
        "the verdict, its ties by the crowd": crowd.both(crowd.net()),
        "the verdict, for two of the crowd": crowd.net() + 2 * crowd.own,
    }
    return pd.DataFrame([crowd.row(what, crowd.agrees(lead)) for what, lead in kinds.items()], columns=COLUMNS)


def people_table(crowd: Crowd) -> pd.DataFrame:
    """The same beside the majority of each pair's votes, and how far people agree with each other: COLUMNS, of which
    the last ones are empty for people.

    A pair's majority is that of its votes without ties; where these balance the pair is left out. Two people are any
    two votes on one pair.
    """
    key = [*PLACE, "a", "b"]
    frame, rows = _sorted_pairs(crowd), []
    own = frame.groupby(key).agg(won=("won", "mean"), first=("place", "first"))
    decided = own[own.won != 0.5]
    kept = decided["first"].to_numpy()
    sign = np.where(frame.swapped.to_numpy()[kept], -1, 1) * (2 * (decided.won.to_numpy() > 0.5) - 1)
    for what, lead in (("the pair's own verdict", crowd.own), ("the crowd's: wins less losses", crowd.net())):
        agreement = 0.5 + 0.5 * np.sign(lead[kept]) * sign
        told = difference(agreement, 0, 1, crowd.cluster[kept]).named("agreement", 100)
        rows.append({"what": f"{what}, with the majority", "votes": len(kept)} | told)
    experts = frame[frame.judge.str.startswith("expert")]
    people = {"one person, with another": frame, "one expert, with another": experts}
    rows += [{"what": what} | _people(voters, key) for what, voters in people.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def _sorted_pairs(crowd: Crowd) -> pd.DataFrame:
    # A pair may stand in either order.
    frame = crowd.votes.assign(place=np.arange(len(crowd.votes)), swapped=crowd.votes.a > crowd.votes.b)
    low, high = frame[["a", "b"]].min(axis=1), frame[["a", "b"]].max(axis=1)
    return frame.assign(a=low, b=high, won=frame.won.where(~frame.swapped, 1 - frame.won))


def _people(frame: pd.DataFrame, key: Sequence[str]) -> dict:
    pairs = [
        (place[0], float(first == second))
        for place, won in frame.groupby(list(key)).won
        for first, second in combinations(won, 2)
    ]
    question, agreement = map(np.array, zip(*pairs, strict=True))
    found = difference(agreement, 0, 1, question).named("agreement", 100)
    return {"votes": len(agreement)} | found


def size_table(crowd: Crowd) -> pd.DataFrame:
    """Agreement over the size of the crowd, 0 to 4, of the crowd alone and of the verdict with its ties decided by it:
    size, what, agreement with its interval (the mean over all crowds of that size for each vote), lowest and highest
    (of one crowd by its members' rank among the four).
    """
    rows = []
    for size in range(OTHERS + 1):
        leads = [crowd.net(list(chosen)) for chosen in combinations(range(OTHERS), size)]
        for what, lead in (("crowd alone", lambda net: net), ("verdict, its ties by the crowd", crowd.both)):
            agreement = np.array([crowd.agrees(lead(net)) for net in leads])
            means = 100 * agreement.mean(axis=1)
            ends = {"lowest": means.min(), "highest": means.max()}
            rows.append({"size": size, "what": what} | crowd.mean(agreement.mean(axis=0)) | ends)
    return pd.DataFrame(rows)


def member_table(crowd: Crowd) -> pd.DataFrame:
    """What each model carries as a member of the crowd: model, votes (in whose crowd it is), alone (the agreement of a
    crowd of it), left_out (what is lost without it) and shapley (its part of what the crowd is above a half), in points
    with their intervals.
    """
    value = 100 * np.stack([crowd.agrees(crowd.net(np.flatnonzero(chosen))) for chosen in coalitions(OTHERS)])
    # By place among the four and vote.
    found = {"alone": alone(value), "left_out": left_out(value), "shapley": shapley(value)}
    rows = []
    for model, name in enumerate(MODELS):
        vote, place = np.nonzero(crowd.others == model)
        told = {"model": name, "votes": len(vote)}
        for measure, worth in found.items():
            told |= difference(worth[place, vote], 0, 1, crowd.cluster[vote]).named(measure)
        rows.append(told)
    return pd.DataFrame(rows)


# Of the four others, who come in the order of their strength: which two.
KINDS = {"the two strongest": [0, 1], "the two weakest": [2, 3], "the strongest and the weakest": [0, 3]}


def kind_table(crowd: Crowd) -> pd.DataFrame:
    """Agreement of weak, strong and mixed crowds of two: COLUMNS."""
    return pd.DataFrame([crowd.row(what, crowd.agrees(crowd.net(two))) for what, two in KINDS.items()], columns=COLUMNS)


def noise_table(crowd: Crowd, seed: int, shares: Sequence[float] = (0, 0.1, 0.2, 0.3, 0.4, 0.5)) -> pd.DataFrame:
    """Agreement where a share of the crowd's verdicts is turned round, means over DRAWS draws: share, what, agreement
    with its interval.
    """
    drawn, rows = np.random.default_rng(seed), []
    leads: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "crowd alone": lambda net: net,
        "verdict, its ties by the crowd": crowd.both,
        "verdict, for two of the crowd": lambda net: net + 2 * crowd.own,
    }
    for share in shares:
        turned = [np.where(drawn.random(crowd.beside.shape) < share, -1, 1) for _ in range(DRAWS)]
        nets = [crowd.net(beside=crowd.beside * turn) for turn in turned]
        for what, lead in leads.items():
            agreement = np.mean([crowd.agrees(lead(net)) for net in nets], axis=0)
            rows.append({"share": share, "what": what} | crowd.mean(agreement))
    return pd.DataFrame(rows)
