"""One pair as tables: the verdict of each method, and how the comparisons with the crowd ended."""

from collections.abc import Sequence

import pandas as pd

from cce.crowd.result import Result
from cce.crowd.stages import in_order

VERDICTS = ["benchmark", "id", "judge", "method", "verdict", "p_a", "label", "correct", "crowd_judgments", "selected"]
VERDICTS += ["notes", "calls", "prompt_tokens", "completion_tokens"]
CROWD = ["judge", "method", "member", "model", "candidate", "outcome", "selected"]


def verdict_table(results: Sequence[Result]) -> pd.DataFrame:
    """A row a result: the columns of `evaluate` named in VERDICTS, and how many crowd judgments were made."""
    rows = [result | {"crowd_judgments": len(result.case.crowd_judgments)} for result in results]
    return pd.DataFrame(rows, columns=VERDICTS)


def crowd_table(results: Sequence[Result]) -> pd.DataFrame:
    """A row a crowd judgment: judge, method, member (its letter), model (None where the pair brought the answer along),
    candidate (A or B), outcome (of the candidate: won, lost or None), selected.
    """
    rows = [
        {
            "judge": result["judge"],
            "method": result["method"],
            "member": judgment.member.letter,
            "model": judgment.member.model and judgment.member.model.model,
            "candidate": judgment.candidate,
            "outcome": judgment.outcome,
            "selected": judgment in result.case.selected,
        }
        for result in results
        for judgment in in_order(result.case)
    ]
    return pd.DataFrame(rows, columns=CROWD)
