"""What is judged: the paper's five pair sets and others, the kit's own `pocket`, and any JSONL file of pairs.

load_pairs("judgebench", limit=20)
load_pairs("my_pairs.jsonl")
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from cce.benchmarks import evalbias, helpsteer2, judgebench, llmbar, mtbench_human, rewardbench, tulu3_preference
from cce.benchmarks.draw import drawn
from cce.benchmarks.files import Row, Source, find_rows
from cce.benchmarks.own import own_rows
from cce.benchmarks.pair import Pair
from cce.benchmarks.scoring import Scoring, check_scoring
from cce.benchmarks.shard import dealt, shard_of
from cce.errors import BadInput

# In the order of the paper's Table 1.
PUBLISHED = {
    "rewardbench": rewardbench,
    "helpsteer2": helpsteer2,
    "mtbench_human": mtbench_human,
    "judgebench": judgebench,
    "evalbias": evalbias,
}
# No part of that table: a benchmark that it does not have, and pairs for training judges.
FURTHER = {"llmbar": llmbar, "tulu3_preference": tulu3_preference}
# The kit's own pairs: for judging, and for training judges.
SHIPPED = {"pocket": "pocket.jsonl", "pocket_train": "pocket_train.jsonl"}


def load_pairs(
    name_or_path: str,
    data_dir: str | Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    scoring: Scoring = "paper",
    shard: str | None = None,
) -> list[Pair]:
    """Load the pairs of a benchmark.

    Args:
        name_or_path: rewardbench, helpsteer2, mtbench_human, judgebench, evalbias, llmbar, tulu3_preference, pocket,
            pocket_train, or the path of a file of pairs (id, instruction, answer_a, answer_b, and label A or B where
            known).
        data_dir: folder of the published files; without it the environment's CCE_DATA, without that the hub.
        limit: how many pairs to draw, at random by `seed`; a smaller limit draws from a larger one's pairs.
        seed: also decides which answer is A where the source says only which is better.
        scoring: paper or standard, which differ in labels and orders; see `cce.benchmarks.scoring`.
        shard: "2/4" for the second of four parts of what the above gives; together they are the whole.

    Returns the pairs in the source's order.
    Raises BadInput for a bad name, limit, shard or file, DataMissing where a benchmark cannot be found.
    """
    check_scoring(scoring)
    if shard is not None:
        shard_of(shard)
    pairs = drawn(_all_pairs(name_or_path, data_dir, seed, scoring), "pairs", name_or_path, limit, seed)
    return pairs if shard is None else dealt(pairs, shard, name_or_path)


def _all_pairs(name: str, data_dir: str | Path | None, seed: int, scoring: Scoring) -> Iterator[Pair]:
    if name in SHIPPED:
        yield from own_rows(Path(__file__).parent / "data" / SHIPPED[name], Pair, benchmark=name)
    elif name in PUBLISHED | FURTHER:
        yield from _published_pairs(name, data_dir, seed, scoring)
    elif Path(name).suffix:
        # Named with its ending, so that a file called judgebench.jsonl is not taken for JudgeBench.
        yield from own_rows(Path(name), Pair, benchmark=Path(name).name)
    else:
        known = ", ".join([*PUBLISHED, *FURTHER, *SHIPPED])
        raise BadInput(f"unknown benchmark {name!r}: one of {known}, or the path of a file of pairs")


def _published_pairs(name: str, data_dir: str | Path | None, seed: int, scoring: Scoring) -> Iterator[Pair]:
    module = (PUBLISHED | FURTHER)[name]
    try:
        for pair in module.pairs(_rows(module.SOURCE, data_dir), seed, scoring):
            yield pair.model_copy(update={"benchmark": name})
    except (KeyError, TypeError, ValueError) as problem:
        what = "lacks a field, or holds a value unknown there"
        raise BadInput(f"{name}: a row {what} ({problem}); is the file as published?") from problem


def _rows(source: Source | dict[str, Source], data_dir: str | Path | None) -> Iterable[Row]:
    if isinstance(source, Source):
        return find_rows(source, data_dir)
    # A file a subset: its rows are told which.
    return [row | {"subset": subset} for subset, part in source.items() for row in find_rows(part, data_dir)]
