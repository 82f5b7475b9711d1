"""One pair as tables: the verdict of each method, and how the comparisons with the crowd ended."""

from collections.abc import Sequence

import pandas as pd

from cce.crowd.result import Result

VERDICTS = ["benchmark", "id", "judge", "method", "verdict", "p_a", "label", "correct", "crowd_judgments", "selected"]
VERDICTS += ["notes", "calls", "prompt_tokens", "completion_tokens"]
CROWD = ["judge", "method", "member", "model", "candidate", "outcome", "selected"]


def verdict_table(results: Sequence[Result]) -> pd.DataFrame:
    """One row per result: the columns of `evaluate` named in VERDICTS, and how many crowd judgments were made."""
    rows = [result | {"crowd_judgments": len(result["trace"]["crowd"])} for result in results]
    return pd.DataFrame(rows, columns=VERDICTS)


def crowd_table(results: Sequence[Result]) -> pd.DataFrame:
    """One row per crowd judgment: judge, method, member (its letter), model (None where the pair brought the answer
    along), candidate (A or B), outcome (of the candidate: won, lost or None), selected.
    """
    names = {"judge", "method"}
    rows = [{name: result[name] for name in names} | one for result in results for one in result["trace"]["crowd"]]
    return pd.DataFrame(rows, columns=CROWD)
