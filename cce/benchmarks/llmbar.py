"""LLMBar (Zeng et al. 2023, arXiv 2310.07641): 419 pairs, one answer follows the instruction, the other does not.

None of the paper's five benchmarks, though RewardBench's chat-hard section holds the same pairs. The hub has a loading
script alone, which `datasets` no longer runs: take the folder Dataset/LLMBar of github.com/princeton-nlp/LLMBar.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from cce.benchmarks.files import Row, Source
from cce.benchmarks.pair import Pair
from cce.benchmarks.scoring import Scoring

# 100, 134, 92, 47 and 46 pairs.
SPLITS = ("Natural", "Adversarial_Neighbor", "Adversarial_GPTInst", "Adversarial_GPTOut", "Adversarial_Manual")


def _source(split: str) -> Source:
    # Natural/dataset.json and Adversarial/Neighbor/dataset.json as published, or natural.json, adv_neighbor.json.
    file = split.lower().replace("adversarial_", "adv(ersarial)?[/_]")
    return Source("princeton-nlp/LLMBar", split, rf"llmbar.*{file}(/dataset)?\.")


# By subset: natural, adversarial/neighbor ...
SOURCE = {split.lower().replace("_", "/"): _source(split) for split in SPLITS}


def pairs(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """One pair a row, A and B as published; the id is the row's subset and place in it."""
    seen: Counter[str] = Counter()
    for row in rows:
        yield Pair(
            id=f"{row['subset']}-{seen[row['subset']]}",
            instruction=row["input"],
            answer_a=row["output_1"],
            answer_b=row["output_2"],
            label={"1": "A", "2": "B"}[str(row["label"])],
            subset=row["subset"],
        )
        seen[row["subset"]] += 1
