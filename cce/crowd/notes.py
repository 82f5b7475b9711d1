"""Notes: selected crowd judgments on their way into the prompt, without their outcome and with names of their own.

Outcome removal: a model rewrites a crowd judgment without its verdict. The paper gives neither prompt nor check. A
model may leave the verdict in, so every sentence that states an outcome is cut afterwards.

Renaming: the crowd answer gets a name of its own, so that only A and B keep theirs. Both go by `cce.crowd.phrasings`.
"""

from dataclasses import dataclass

from cce.crowd.members import OTHER, CrowdJudgment, Selected
from cce.crowd.phrasings import cut_outcome, rename, states_outcome
from cce.crowd.session import Session
from cce.models.loop import together
from cce.models.wire import Completion, Expects


@dataclass(frozen=True)
class Note:
    """A selected crowd judgment on its way into the prompt: as `written`, as much of it as was `kept`, and as `shown`.

    Outcome removal lies between the first two, renaming between the last two. One that was all outcome is empty, and
    is not shown. `stubborn` says that the rewriting still held an outcome; `key` is that of the rewriting in the store.
    """

    of: CrowdJudgment
    written: str
    kept: str
    shown: str
    stubborn: bool = False
    key: str = ""


async def notes_of(session: Session, selected: Selected, removal: bool, order: int) -> list[Note]:
    """The notes that this order's prompt shows (0 given, 1 swapped), those on the answer shown as A first."""

    async def note(of: CrowdJudgment) -> Note:
        telling = of.telling_order(order)
        written, there = of.judgment.readings[telling].text, of.place(telling)
        names = {there: of.place(order), OTHER[there]: of.member.letter}
        if not removal:
            return Note(of, written, written, rename(written, names))
        rewritten = await rewriting(session, written, selected.apart)
        if rewritten.supposed:  # it states no outcome, and names nobody
            return Note(of, written, rewritten.text, rewritten.text, key=rewritten.key)
        kept, stubborn = cut_outcome(rewritten.text), states_outcome(rewritten.text)
        return Note(of, written, kept, rename(kept, names), stubborn, rewritten.key)

    placed = sorted(selected.chosen, key=lambda judgment: judgment.place(order))
    return await together(map(note, placed))


async def rewriting(session: Session, judgment: str, apart: str) -> Completion:
    """The judgment as a model writes it without its outcome, of which it may still leave some: see `cut_outcome`."""
    return await session.fill("outcome_removal", {"judgment": judgment}, Expects("removal", apart=apart))
