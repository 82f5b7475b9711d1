"""CCE: the judge decides with crowd comparisons of A and of B as background (the paper's method)."""

from dataclasses import dataclass

from cce.crowd.case import Case, Texts
from cce.crowd.compare import TEMPERATURE, Duel, compare
from cce.crowd.judgments import CrowdJudgment
from cce.crowd.outcome import cut_outcome, states_outcome
from cce.crowd.prompts import render
from cce.crowd.rename import rename
from cce.crowd.selection import select
from cce.crowd.verdict import Judgment
from cce.models.loop import together


@dataclass(frozen=True)
class Note:
    """A selected crowd judgment on its way into the prompt: as `written`, as much of it as was `kept`, and as `shown`.

    Outcome removal lies between the first two, renaming between the last two. One that was all outcome is empty, and
    is not shown.
    """

    of: CrowdJudgment
    written: str
    kept: str
    shown: str


async def cce(case: Case, budget: int, selection: str, removal: bool) -> Judgment:
    """Crowd judgments, selection of `budget`, outcome removal where asked for, renaming, final judgment.

    `selection` is one of SELECTIONS. Where nothing was selected there is no background, and the judgment is
    vanilla's.
    """
    case.selected = await select(case, selection, budget)
    notes = await together(_notes(case, removal, order) for order in range(case.orders))
    case.notes = notes[0]
    shown = [[note.shown for note in of_order if note.shown] for of_order in notes]
    return await compare(case, Duel.of(case.pair), "cce", notes=shown)


async def _notes(case: Case, removal: bool, order: int) -> list[Note]:
    # Notes on the answer that is shown as A come first.
    placed = sorted(case.selected, key=lambda judgment: judgment.place(order))
    return await together(_note(case, judgment, removal, order) for judgment in placed)


async def _note(case: Case, chosen: CrowdJudgment, removal: bool, order: int) -> Note:
    telling = chosen.telling_order(order)
    written, there = chosen.judgment.readings[telling].text, chosen.place(telling)
    kept = await _without_outcome(case, written) if removal else written
    names = {there: chosen.place(order), "B" if there == "A" else "A": chosen.member.letter}
    return Note(chosen, written, kept, rename(kept, names))


async def _without_outcome(case: Case, judgment: str) -> str:
    async def attempt(texts: Texts) -> str:
        prompt = render("outcome_removal", case.protocol.prompts, **texts)
        return (await case.ask(case.judge, prompt, temperature=TEMPERATURE)).text

    rewritten = await case.fitted({"judgment": judgment}, attempt)
    case.outcome_cuts += states_outcome(rewritten)
    return cut_outcome(rewritten)
