"""A result: one judged pair with all that led to its verdict."""

from collections.abc import Sequence

from cce.benchmarks.pair import Pair
from cce.crowd.case import Case
from cce.crowd.evaluate import COLUMNS, judged, row_of
from cce.crowd.verdict import Judgment


class Result(dict):
    """The row that `evaluate` makes of a judged pair, as a dict, and how it came about.

    `case` holds the pair, its crowd judgments, which of them were selected and what became of these; `judgment` the
    judge's rationales with the prompts that they answer.
    """

    def __init__(self, case: Case, method: str, judgment: Judgment, failed: str | None):
        super().__init__(zip(COLUMNS, row_of(case, method, judgment, failed), strict=True))
        self.case, self.judgment = case, judgment


def judge(pair: Pair, method: str = "vanilla", judge: str = "embedded", crowd: Sequence[str] = (), **options) -> Result:
    """Judge one pair, and keep how the verdict came about. Takes the options of `evaluate`."""
    return judged(Result, [pair], [method], [judge], crowd, **options)[0]
