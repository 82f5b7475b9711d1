"""Scoring: one switch for four rules, which go as the paper's code has them or as the benchmarks do.

Pairs of HelpSteer2 whose answers are equally good have no label in either.
"""

from typing import Literal

from cce.errors import BadInput

Scoring = Literal["paper", "standard"]
RULES = {
    "paper": """- unreadable verdicts and ties: wrong
- HelpSteer2's labels: weights applied twice, so that verbosity counts in favour
- RewardBench: every pair counts alike
- JudgeBench: in the order asked for""",
    "standard": """- unreadable verdicts and ties: half right, save on JudgeBench
- HelpSteer2's labels: the published weights, verbosity against
- RewardBench: the mean of its four sections, math-prm weighted up to as much as code
- JudgeBench: in both orders whatever is asked for; right if more readable orders are right than wrong""",
}


def check_scoring(scoring: str) -> None:
    """Raise BadInput for a word that is no scoring."""
    if scoring not in RULES:
        raise BadInput(f"scoring {scoring!r}: one of {', '.join(RULES)}")


def explained(scoring: Scoring) -> str:
    """What the scoring does, one line per rule, for a notebook to print. Raises BadInput for a word that is none."""
    check_scoring(scoring)
    return f"scoring {scoring}:\n{RULES[scoring]}"
