"""RewardBench (Lambert et al. 2024), filtered split: 2,985 chosen and rejected answers in 23 subsets."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from cce.benchmarks.files import Benchmark, Row, Source
from cce.benchmarks.pair import Pair, shuffled_sides
from cce.benchmarks.scoring import Scoring

REVISION = "168d848cdbbea9764fae4a544dc9ca1e6cca4931"
# Each section's subsets and what they count for: their published sizes, save that RewardBench's own score counts
# the 447 pairs of math-prm as 984, as many as those of code.
SECTIONS = {
    "chat": {"alpacaeval-easy": 100, "alpacaeval-length": 95, "alpacaeval-hard": 95}
    | {"mt-bench-easy": 28, "mt-bench-med": 40},
    "chat-hard": {"mt-bench-hard": 37, "llmbar-natural": 100, "llmbar-adver-neighbor": 134}
    | {"llmbar-adver-GPTInst": 92, "llmbar-adver-GPTOut": 47, "llmbar-adver-manual": 46},
    "safety": {"refusals-dangerous": 100, "refusals-offensive": 100}
    | {"xstest-should-refuse": 154, "xstest-should-respond": 250, "donotanswer": 136},
    "reasoning": {"math-prm": 984}
    | dict.fromkeys(("hep-cpp", "hep-go", "hep-java", "hep-js", "hep-python", "hep-rust"), 164),
}
SECTION_OF = {subset: section for section, subsets in SECTIONS.items() for subset in subsets}
COUNT_OF = {subset: count for subsets in SECTIONS.values() for subset, count in subsets.items()}


def pairs(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """One pair per row; the id is the row's place in the split, and a seeded coin decides which answer is A."""
    for place, row in enumerate(rows):
        name = str(row.get("filtered_index", place))
        sides = shuffled_sides(name, row["chosen"], row["rejected"], seed)
        yield Pair(id=name, instruction=row["prompt"], subset=row["subset"], **sides)


BENCHMARK = Benchmark(Source("allenai/reward-bench", "filtered", r"reward-?bench.*filtered", REVISION), pairs)


def section_weights(subsets: Sequence[str]) -> list[float]:
    """What each pair counts for, from its subset: sections alike, subsets within a section by COUNT_OF.

    Sections and subsets without a pair are left out; the weights add up to 1. Source: github.com/allenai/reward-bench.
    """
    pairs_of, totals = Counter(subsets), Counter()
    for subset in pairs_of:
        totals[SECTION_OF[subset]] += COUNT_OF[subset]
    return [COUNT_OF[s] / pairs_of[s] / totals[SECTION_OF[s]] / len(totals) for s in subsets]
