"""Auto-J (Li et al., arXiv 2310.05470): a comparison that states its final decision towards the end."""

import re

# The prompt names all three decisions with slashes between them; that is none.
DECISION = re.compile(r"final decision is:? ((?i:response 1|response 2|tie))\b(?!\s*/)")
P_FIRST = {"response 1": 1.0, "response 2": 0.0, "tie": 0.5}


def read(text: str) -> float | None:
    """The last decision that the judge states."""
    decisions = DECISION.findall(text)
    return P_FIRST[decisions[-1].lower()] if decisions else None
