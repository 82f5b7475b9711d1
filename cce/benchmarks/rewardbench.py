"""RewardBench (Lambert et al. 2024), filtered split: 2,985 chosen and rejected answers in 23 subsets."""

from collections.abc import Iterable

from cce.benchmarks.files import Row, Source
from cce.benchmarks.pair import Pair, shuffled_sides

SOURCE = Source("allenai/reward-bench", "filtered", r"reward-?bench.*filtered")


def pairs(rows: Iterable[Row], seed: int) -> list[Pair]:
    """One pair a row; the id is the row's place in the split, and a seeded coin decides which answer is A."""
    return [_pair(str(row.get("filtered_index", place)), row, seed) for place, row in enumerate(rows)]


def _pair(place: str, row: Row, seed: int) -> Pair:
    sides = shuffled_sides(place, row["chosen"], row["rejected"], seed)
    return Pair(id=place, instruction=row["prompt"], subset=row["subset"], **sides)
