"""The paper's method, and what tells where its gain comes from: its prompt without notes, and losses alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison, Remark, compare
from cce.crowd.members import Selected, select
from cce.crowd.notes import Note, notes_of
from cce.crowd.record import Judged
from cce.crowd.session import Session
from cce.crowd.verdict import Judgment, unwritten
from cce.models.loop import together


async def cce(
    session: Session, pair: Pair, budget: int, selection: str, removal: bool, shuffled: bool = False
) -> Judged:
    """The paper's method: the judge decides with `budget` selected comparisons of A and B with the crowd as background.

    `selection` is one of SELECTIONS; `removal` says whether outcomes are removed. Where there is no note to show, the
    judgment is vanilla's; with `prompts="paper"` it is that of the same prompt without notes, as in the paper's code.
    A `shuffled` one shows the notes of the session's other pair, which `cce` shows with that: what `cce` gains beyond
    this, it gains by what its notes say of its own answers.
    """
    compared = session.other if shuffled else pair
    judged = await by_notes(session, pair, await select(session, compared, selection, budget), removal)
    return replace(judged, notes_of=compared.id) if shuffled else judged


async def by_notes(session: Session, pair: Pair, selected: Selected, removal: bool) -> Judged:
    """The judgment with these crowd judgments as background."""
    notes = await together(notes_of(session, selected, removal, order) for order in range(session.orders))
    return Judged(await decide(session, pair, remarks(notes), selected.apart), selected, notes)


def remarks(notes: Sequence[Sequence[Note]]) -> list[list[Remark]]:
    """What the prompt of each order shows of these notes."""
    return [
        [Remark(note.shown, note.of.place(order), note.of.member.letter) for note in of_order if note.shown]
        for order, of_order in enumerate(notes)
    ]


async def decide(session: Session, pair: Pair, shown: Sequence[list[Remark]], apart: str) -> Judgment:
    """The judgment by the prompt of `cce`, with what is shown in each order; `apart` is that of `Expects`."""
    without = "cce" if session.options.prompts == "paper" else "vanilla"
    return await compare(session, Comparison.of(pair), "cce", notes=shown, without_notes=without, apart=apart)


async def count(session: Session, pair: Pair, budget: int) -> Judged:
    """The candidate that lost fewer of the comparisons that `cce` of this budget selects; where both lost as many,
    vanilla decides. No rationale is read: what `cce` gains beyond this, it gains by more than who lost how often.
    """
    selected = await select(session, pair, "criticizing", budget)
    lost = Counter(judgment.candidate for judgment in selected.chosen)
    if lost["A"] == lost["B"] or any(judgment.judgment.supposed for judgment in selected.chosen):
        return Judged(await compare(session, Comparison.of(pair)), selected)
    return Judged(unwritten(float(lost["A"] < lost["B"]), session.orders), selected)


async def cce_prompt(session: Session, pair: Pair) -> Judged:
    """The prompt of `cce` without any note: what `cce` gains by its wording alone."""
    no_notes = [[]] * session.orders
    return Judged(await compare(session, Comparison.of(pair), "cce", notes=no_notes, without_notes="cce"))
