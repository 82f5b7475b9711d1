"""CCE: the judge decides with crowd comparisons of A and of B as background (the paper's method)."""

from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison, compare
from cce.crowd.members import select
from cce.crowd.notes import notes_of
from cce.crowd.record import Judged
from cce.crowd.session import Session
from cce.models.loop import together


async def cce(session: Session, pair: Pair, budget: int, selection: str, removal: bool) -> Judged:
    """Crowd judgments, selection of `budget`, outcome removal where asked for, renaming, final judgment.

    `selection` is one of SELECTIONS. Where nothing was selected there is no background, and the judgment is
    vanilla's.
    """
    selected = await select(session, pair, selection, budget)
    notes = await together(notes_of(session, selected, removal, order) for order in range(session.orders))
    shown = [[note.shown for note in of_order if note.shown] for of_order in notes]
    judgment = await compare(session, Comparison.of(pair), "cce", notes=shown, apart=selected.apart)
    return Judged(judgment, selected, tuple(notes))
