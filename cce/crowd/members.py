"""The crowd: its members' answers, the judge's comparisons of A and of B with them, and which of these are selected.

Source: section 3 and Table 4 of the paper. Its code counts an unreadable verdict as lost; here it is neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import cycle, islice
from string import ascii_uppercase
from typing import Literal

from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison, compare
from cce.crowd.noise import flipped, lies, strikes
from cce.crowd.session import Session
from cce.crowd.verdict import Judgment, verdict_of
from cce.errors import ContentRefused
from cce.models.client import LLM
from cce.models.loop import together
from cce.models.wire import Completion
from cce.names import short_name

Side = Literal["A", "B"]
OTHER: dict[Side, Side] = {"A": "B", "B": "A"}
SELECTIONS = ("random", "praising", "criticizing", "balanced")


@dataclass(frozen=True)
class Member:
    """One member of the crowd: an answer at hand, or a model, and which of its samples where it is listed again."""

    letter: str
    answer: str | None = None
    model: LLM | None = None
    sample: int = 0

    def lot(self, drawing: str) -> str:
        """What this member draws, whoever else is in the crowd and wherever its model is served."""
        who = f"{short_name(self.model.model)}:{self.sample}" if self.model else self.answer
        return sha256(f"{drawing}:{who}".encode()).hexdigest()


def members(pair: Pair, crowd: Sequence[LLM]) -> list[Member]:
    """The pair's own crowd, then the models, lettered C, D, E ...; a model that is listed twice answers twice."""
    names = [model.model for model in crowd]
    asked = [{"model": model, "sample": names[:place].count(model.model)} for place, model in enumerate(crowd)]
    at_hand = [{"answer": answer} for answer in pair.crowd]
    return [Member(letter_of(place), **source) for place, source in enumerate(at_hand + asked)]


def letter_of(place: int) -> str:
    """C for the first member, Z for the 24th, then C2, D2 ..."""
    again, letter = divmod(place, 24)
    return ascii_uppercase[2 + letter] + (str(again + 1) if again else "")


@dataclass(frozen=True)
class CrowdJudgment:
    """The comparison of a candidate with one crowd answer. In the given order the candidate keeps its own place.

    `noise` is the kind of what is wrong with it, if anything is: see `cce.crowd.noise`.
    """

    candidate: Side
    member: Member
    said: Sequence[Completion]  # by the member's model, one per turn
    judgment: Judgment
    noise: str | None = None

    @property
    def outcome(self) -> Literal["won", "lost"] | None:
        """What the comparison found of the candidate; None for a tie, an unreadable verdict, or a supposed one."""
        if self.judgment.verdict not in ("A", "B") or self.judgment.supposed:
            return None
        return "won" if self.judgment.verdict == self.candidate else "lost"

    def may_be(self, outcome: str) -> bool:
        """Whether it ended so; a supposed comparison may have ended either way."""
        return self.judgment.supposed or self.outcome == outcome

    def place(self, order: int) -> Side:
        """Where the candidate stood in this order (0 given, 1 swapped)."""
        return OTHER[self.candidate] if order else self.candidate

    def telling_order(self, order: int) -> int:
        """This order where it found what the comparison found as a whole, else the other one.

        A judge that prefers a position may find for the candidate in one order although it lost over both.
        Of a comparison with an outcome one order at least says so.
        """
        tells = self.outcome is None or verdict_of(self.judgment.p_in[order]) == self.judgment.verdict
        return order if tells else 1 - order


async def crowd_judgment(session: Session, pair: Pair, candidate: Side, member: Member) -> CrowdJudgment | None:
    """Compare the candidate with this member's answer, which takes the other candidate's place.

    Where a filter refuses the answer or the comparison there is none: the crowd goes on without this member.

    The prompt is vanilla's. Of a conversation a model answers each turn, its own earlier answers in view; with
    `prompts="paper"` the last one alone, after A's earlier answers, and takes the place of the last answer alone.
    """
    noise = _noise(session, pair, candidate, member)
    member = _in_place_of(session, pair, member, noise)
    try:
        said, answers = await _answered(session, pair, member, noise)
        if session.options.prompts == "paper":
            answers = (*(pair.answers_b if candidate == "A" else pair.answers_a)[:-1], *answers)
        sides = (pair.answers_a, answers) if candidate == "A" else (answers, pair.answers_b)
        judgment = await compare(session, Comparison(pair.questions, *sides, pair.criteria))
    except ContentRefused:
        session.refused.add(member.letter)
        return None
    return CrowdJudgment(candidate, member, said, flipped(judgment) if noise == "flipped" else judgment, noise)


def _noise(session: Session, pair: Pair, candidate: Side, member: Member) -> str | None:
    """The kind of noise that strikes this judgment, or this member's answer to this pair's question."""
    noise, seed = session.noise, session.options.seed
    if noise is None:
        return None
    what = candidate if noise.kind == "flipped" else "answer"
    if not strikes(noise, member.lot(f"{seed}:{noise.kind}:{what}:{pair.id}")):
        return None
    # The liar is the same in all pairs, as far as these have the same members.
    if noise.kind == "liar" and member != min(members(pair, session.crowd), key=lambda one: one.lot(f"{seed}:liar")):
        return None
    return noise.kind


def _in_place_of(session: Session, pair: Pair, member: Member, noise: str | None) -> Member:
    """Who answers in place of an answer at hand: for a foreign one the one in its place in the other pair's crowd, or
    that pair's A where it has none; for a lie the judge's model, since a text's own author cannot be asked.
    """
    if member.model or noise not in ("foreign", "liar"):
        return member
    if noise == "liar":
        return replace(member, answer=None, model=session.judge)
    theirs = session.other.crowd or session.other.answers_a[-1:]
    return replace(member, answer=theirs[pair.crowd.index(member.answer) % len(theirs)])


async def _answered(
    session: Session, pair: Pair, member: Member, noise: str | None
) -> tuple[list[Completion], tuple[str, ...]]:
    """What the member's model said, and the answers, as many as the pair has turns that it answers."""
    if not member.model:
        return [], (member.answer,)
    paper, asked = session.options.prompts == "paper", session.other if noise == "foreign" else pair
    known = asked.answers_a[:-1] if paper else ()
    if noise == "liar":
        said = await lies(session, member.model, {"questions": asked.questions, "answers": known}, member.sample)
    else:
        warmth = session.options.crowd_temperature
        said = await session.converse(member.model, asked.questions, warmth, member.sample, known)
    # Some endpoints say so in the reply, and send what they had until then.
    if any(completion.finish == "content_filter" for completion in said):
        raise ContentRefused(f"{member.model.model}: its filter took the answer")
    # Another pair may have fewer turns: its answers come again.
    turns = 1 if paper else len(pair.questions)
    return said, tuple(islice(cycle(completion.text for completion in said), turns))


@dataclass(frozen=True)
class Selected:
    """The crowd judgments that were made, by member and A's before B's, and those of them that were selected.

    `apart` tells the selection apart from others that may choose the same as long as outcomes are only supposed.
    """

    made: Sequence[CrowdJudgment] = ()
    chosen: Sequence[CrowdJudgment] = ()
    apart: str = ""


async def select(session: Session, pair: Pair, selection: str, budget: int) -> Selected:
    """Draw `budget` crowd judgments: half from those that keep A, half from those that keep B; the odd one keeps A.

    A side that has fewer of the wanted kind gives all it has; the other side does not fill up. Every selection draws
    from one seeded order of the crowd, so that a smaller budget selects among the judgments of a larger one. A member's
    place in it is its own: without one member, the others are drawn in the same order. Source: the paper's code, but
    for the seed.
    """

    async def of_side(side: Side, share: int) -> list[CrowdJudgment]:
        queue = drawn(session, pair, f"selection:{side}")
        # Random ones are chosen unseen, so that the others need not be judged.
        wanted, judged = share if selection == "random" else len(queue), []
        while queue and len(judged) < wanted:
            next_ones, queue = queue[: wanted - len(judged)], queue[wanted - len(judged) :]
            judged += filter(None, await together(crowd_judgment(session, pair, side, one) for one in next_ones))
        return judged

    made_a, made_b = await together(of_side(side, share) for side, share in _shares(budget).items())
    return choose(session, pair, made_a + made_b, selection, budget)


def choose(session: Session, pair: Pair, made: Sequence[CrowdJudgment], selection: str, budget: int) -> Selected:
    """What `select` draws where these crowd judgments are all that were made."""
    chosen = []
    for side, share in _shares(budget).items():
        lots = [member.letter for member in drawn(session, pair, f"selection:{side}")]
        judged = [judgment for judgment in made if judgment.candidate == side]
        chosen += _chosen(sorted(judged, key=lambda one: lots.index(one.member.letter)), side, selection, share)
    letters = [member.letter for member in members(pair, session.crowd)]
    made = sorted(made, key=lambda one: (letters.index(one.member.letter), one.candidate))
    decided = selection == "random" or not any(judgment.judgment.supposed for judgment in made)
    apart = "" if decided else f"{selection}, seed {session.options.seed}, {session.noise}"
    return Selected(made, chosen, apart)


def drawn(session: Session, pair: Pair, drawing: str) -> list[Member]:
    """The pair's crowd in an order of its own for each drawing, by the seed."""
    lot = f"{session.options.seed}:{drawing}:{pair.id}"
    return sorted(members(pair, session.crowd), key=lambda member: member.lot(lot))


def _shares(budget: int) -> dict[Side, int]:
    return {"A": budget - budget // 2, "B": budget // 2}


def _chosen(judged: list[CrowdJudgment], side: Side, selection: str, share: int) -> list[CrowdJudgment]:
    if selection == "random":
        return judged
    # Of balanced ones the odd one is a loss of A's and a win of B's, so that a budget of two holds one of each.
    losses = {"praising": 0, "criticizing": share, "balanced": (share + (side == "A")) // 2}[selection]
    lost = [judgment for judgment in judged if judgment.may_be("lost")][:losses]
    won = [judgment for judgment in judged if judgment.may_be("won") and judgment not in lost]
    return lost + won[: share - losses]
