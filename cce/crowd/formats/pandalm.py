"""PandaLM (Wang et al., arXiv 2306.05087): the first line says 1, 2 or Tie, then come reason and reference."""

P_FIRST = {"1": 1.0, "2": 0.0, "tie": 0.5}


def read(text: str) -> float | None:
    """What the first line says. Its authors' code takes anything else for a tie; here it is unreadable."""
    first_line = text.strip().partition("\n")[0]
    return P_FIRST.get(first_line.strip().lower())
