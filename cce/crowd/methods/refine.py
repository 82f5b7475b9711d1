"""Refinement, which the paper leaves open: the judge reads what it wrote, and decides again.

`refine@k` does so in k rounds. As in Self-Refine (arXiv 2303.17651) the judge sees all that it wrote, its verdict too,
whose mark is broken up as everywhere; to take the verdict out would take a call more. `cce-again@N` shows it instead as
one note more, without its outcome, as all notes are.
"""

from dataclasses import replace

from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison, Remark, compare
from cce.crowd.members import members
from cce.crowd.methods.cce import cce, decide, remarks
from cce.crowd.notes import rewriting
from cce.crowd.phrasings import cut_outcome
from cce.crowd.record import Judged
from cce.crowd.session import Session
from cce.crowd.verdict import Reading
from cce.models.loop import together


async def refine(session: Session, pair: Pair, budget: int) -> Judged:
    """`cce` with all lost comparisons of the whole crowd; then `budget` rounds in which the judge reads its last
    rationale, that of the same order, and the notes once more.

    A round's requests are the same whatever the budget. The verdict is the last round's; one that is unreadable changes
    nothing, neither the verdict nor what the next round reads.
    """
    first = await cce(session, pair, 2 * len(members(pair, session.crowd)), "criticizing", removal=True)
    judgment, shown, apart = first.judgment, remarks(first.notes), first.selected.apart
    for _ in range(budget):
        own = [reading.text for reading in judgment.readings]
        background = {"notes": shown, "without_notes": "refine", "own": own}
        again = await compare(session, Comparison.of(pair), "refine", **background, apart=apart)
        judgment = again if again.verdict else judgment
    return replace(first, judgment=judgment)


async def cce_again(session: Session, pair: Pair, budget: int) -> Judged:
    """`cce` of this budget, and once more with its rationale behind the notes, each order with its own; outcome removal
    rewrites it first. Where nothing is left of it, the judgment is that of `cce`.
    """
    first = await cce(session, pair, budget, "criticizing", removal=True)
    apart = first.selected.apart

    async def further(reading: Reading) -> list[Remark]:
        kept = cut_outcome((await rewriting(session, reading.text, apart)).text)
        return [Remark(kept, "A", "B")] if kept else []

    own = await together(map(further, first.judgment.readings))
    shown = [[*notes, *one] for notes, one in zip(remarks(first.notes), own, strict=True)]
    return replace(first, judgment=await decide(session, pair, shown, apart))
