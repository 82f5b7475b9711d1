"""How published judges write their verdicts: a file a format, read as the probability that the first answer is better.

Every reading takes the judge's own words, keeps to the place where its format has the verdict, and gives None where
none stands there; no format can read a verdict from its own prompt.
"""


def higher(first: float, second: float) -> float:
    """1.0 where the first score is the higher one, 0.0 where the second is, 0.5 where they are equal."""
    return 0.5 if first == second else float(first > second)
