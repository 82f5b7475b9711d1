"""HelpSteer2 (Wang et al. 2024), validation split: 1,038 rated answers, two successive rows to each prompt."""

from collections.abc import Iterable, Iterator

from cce.benchmarks.files import Benchmark, Row, Source
from cce.benchmarks.pair import Pair
from cce.benchmarks.scoring import Scoring
from cce.errors import BadInput

REVISION = "990b2711a36180dd19d9c94b8627844866f8982a"
# The data set's published weights for one figure of merit.
WEIGHTS = {"helpfulness": 0.65, "correctness": 0.8, "coherence": 0.45, "complexity": 0.55, "verbosity": -0.4}
CRITERIA = (
    "the five attributes of this data set: helpfulness, correctness, coherence, complexity (of the knowledge that "
    "the answer took to write) and verbosity (the amount of detail relative to what was asked)"
)


def goodness(row: Row, scoring: Scoring) -> float:
    """The weighted sum of the five ratings (0 to 4 each), rounded so that equal sums compare as equal.

    The paper's code applies the weights when it loads the ratings and once more when it scores, so that each weight is
    squared and verbosity counts in favour of an answer.
    """
    power = 2 if scoring == "paper" else 1
    return round(sum(weight**power * float(row[attribute]) for attribute, weight in WEIGHTS.items()), 6)


def pairs(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """A pair from every two rows, the first one A; pairs of equal goodness have no better answer and are left out."""
    rows = list(rows)
    for place, (a, b) in enumerate(zip(rows[::2], rows[1::2], strict=True)):
        if a["prompt"] != b["prompt"]:
            at = f"rows {2 * place} and {2 * place + 1}"
            raise BadInput(f"HelpSteer2: {at} have different prompts; the file is not as published")
        good_a, good_b = goodness(a, scoring), goodness(b, scoring)
        if good_a != good_b:
            sides = {"answer_a": a["response"], "answer_b": b["response"], "label": "A" if good_a > good_b else "B"}
            yield Pair(id=str(place), instruction=a["prompt"], criteria=CRITERIA, **sides)


BENCHMARK = Benchmark(Source("nvidia/HelpSteer2", "validation", r"helpsteer2.*validation", REVISION), pairs)
