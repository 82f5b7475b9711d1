"""CCE: the judge decides with the crowd comparisons that A or B lost as background (the paper's method)."""

import asyncio

from cce.crowd.case import Case, Texts
from cce.crowd.compare import TEMPERATURE, Duel, compare
from cce.crowd.judgments import CrowdJudgment, crowd_judgments
from cce.crowd.outcome import cut_outcome, states_outcome
from cce.crowd.prompts import render
from cce.crowd.rename import rename
from cce.crowd.selection import criticizing
from cce.crowd.verdict import Judgment


async def cce(case: Case, budget: int) -> Judgment:
    """Crowd judgments, criticizing selection of `budget`, outcome removal, renaming, final judgment.

    Where neither candidate lost a comparison there is no background, and the judgment is vanilla's.
    """
    pool = await crowd_judgments(case)
    chosen = criticizing(pool, budget, case.protocol.seed, case.pair.id)
    case.selected = len(chosen)
    notes = await asyncio.gather(*[_notes(case, chosen, order) for order in range(case.protocol.orders)])
    return await compare(case, Duel.of(case.pair), notes=notes if chosen else ())


async def _notes(case: Case, chosen: list[CrowdJudgment], order: int) -> list[str]:
    # In the swapped order B stands in Assistant A's place, so its notes come first there.
    first = "A" if order == 0 else "B"
    placed = sorted(chosen, key=lambda judgment: judgment.candidate != first)
    notes = await asyncio.gather(*[_note(case, judgment, order) for judgment in placed])
    return [note for note in notes if note]


async def _note(case: Case, chosen: CrowdJudgment, order: int) -> str:
    # The candidate keeps its place; the crowd's answer stood in the other one.
    kept_first = (chosen.candidate == "A") == (order == 0)
    note = await _without_outcome(case, chosen.judgment.readings[order].text)
    return rename(note, "B" if kept_first else "A", chosen.member.letter)


async def _without_outcome(case: Case, judgment: str) -> str:
    async def attempt(texts: Texts) -> str:
        prompt = render("outcome_removal", case.protocol.prompts, **texts)
        return (await case.ask(case.judge, prompt, temperature=TEMPERATURE)).text

    rewritten = await case.fitted({"judgment": judgment}, attempt)
    case.outcome_cuts += states_outcome(rewritten)
    return cut_outcome(rewritten)
