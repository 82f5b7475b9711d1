"""Scoring: one switch for four rules, which go as the paper's code has them or as the benchmarks do.

Pairs of HelpSteer2 whose answers are equally good have no label in either.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import yaml

from cce.benchmarks.files import DATA
from cce.errors import BadInput

Scoring = Literal["paper", "standard"]
RULES = yaml.safe_load((DATA / "scoring.yaml").read_text())
# RewardBench's subsets and what they count for, by section.
SECTIONS = yaml.safe_load((DATA / "rewardbench.yaml").read_text())
SECTION_OF = {subset: section for section, subsets in SECTIONS.items() for subset in subsets}


def check_scoring(scoring: str) -> None:
    """Raise BadInput for a word that is no scoring."""
    if scoring not in RULES:
        raise BadInput(f"scoring {scoring!r}: one of {', '.join(RULES)}")


def explained(scoring: Scoring) -> str:
    """What the scoring does, one line per rule, for a notebook to print. Raises BadInput for a word that is none."""
    check_scoring(scoring)
    return f"scoring {scoring}:\n{RULES[scoring]}"


def section_weights(subsets: Sequence[str]) -> list[float]:
    """What each of RewardBench's pairs counts for, from its subset: sections alike, subsets within one by SECTIONS.

    Sections and subsets without a pair are left out; the weights add up to 1. Source: github.com/allenai/reward-bench.
    """
    count_of = {subset: count for section in SECTIONS.values() for subset, count in section.items()}
    pairs_of, totals = Counter(subsets), Counter()
    for subset in pairs_of:
        totals[SECTION_OF[subset]] += count_of[subset]
    return [count_of[s] / pairs_of[s] / totals[SECTION_OF[s]] / len(totals) for s in subsets]
