"""JudgeLM (Zhu et al., arXiv 2310.17631): the first line holds two scores, then comes the reason."""

import re

from cce.crowd.formats import higher

SCORE = r"(10(?:\.0+)?|[1-9](?:\.\d+)?)"
SCORES = re.compile(rf"\s*{SCORE}[ ,]+{SCORE}[ \t\r]*(?:\n|\Z)")


def read(text: str) -> float | None:
    """The higher of two scores of 1 to 10 that stand alone on the first line; 0.5 where they are equal."""
    scores = SCORES.match(text)
    return higher(*map(float, scores.groups())) if scores else None
