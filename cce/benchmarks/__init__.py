"""What is judged: the paper's five sets of pairs and others, the kit's own `pocket`, and any JSONL file of pairs."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from cce.benchmarks.files import DATA, Folder, PairFile, Source, as_published, find_rows, user_rows
from cce.benchmarks.pair import Pair, dealt, drawn, shard_of
from cce.benchmarks.published import BENCHMARKS, Benchmark, Scoring, check_scoring
from cce.errors import BadInput

__all__ = ["PUBLISHED", "Benchmark", "Source", "load_pairs", "register"]

# The paper's own, in the order of its Table 1.
PUBLISHED = ("rewardbench", "helpsteer2", "mtbench_human", "judgebench", "evalbias")
REGISTERED: dict[str, Benchmark] = {}  # from outside the package
SHIPPED = ("pocket", "pocket_train")  # the kit's own pairs: for judging, and for training judges


def register(name: str, benchmark: Benchmark) -> None:
    """Let `load_pairs` know a benchmark from outside the package. Raises BadInput for a name of the kit's own."""
    if name in (*BENCHMARKS, *SHIPPED):
        raise BadInput(f"benchmark {name!r}: the kit has one of this name; give yours another")
    REGISTERED[name] = benchmark


def load_pairs(
    name_or_path: str,
    data_dir: Folder = None,
    limit: int | None = None,
    seed: int = 0,
    scoring: Scoring = "paper",
    shard: str | None = None,
) -> Sequence[Pair]:
    """Load the pairs of a benchmark: of one that is published or registered, of pocket or pocket_train, or of a file.

    A file's pairs have id, instruction, answer_a, answer_b and, where known, label (A or B); `Pair` has further fields.
    Published files lie in `data_dir`, without that in the environment's CCE_DATA, without that on the hub. `limit` says
    how many pairs to draw, at random by `seed`, which also decides which answer is A where the source says only which
    is better. `scoring` differs in labels and orders. `shard` is "2/4" for the second of four parts of the whole.

    Returns the pairs in the source's order: a list, or for a whole .jsonl file a `PairFile`, which leaves them there.
    Raises BadInput for a bad name, limit, shard or file, DataMissing where a benchmark cannot be found.
    """
    check_scoring(scoring)
    if shard is not None:
        shard_of(shard)
    elif limit is None and name_or_path not in REGISTERED and Path(name_or_path).suffix.lower() == ".jsonl":
        return PairFile(name_or_path)
    pairs = drawn(_all_pairs(name_or_path, data_dir, seed, scoring), "pairs", name_or_path, limit, seed)
    return pairs if shard is None else dealt(pairs, shard, name_or_path)


def _all_pairs(name: str, data_dir: Folder, seed: int, scoring: Scoring) -> Iterator[Pair]:
    known = BENCHMARKS | REGISTERED
    if name in SHIPPED:
        yield from user_rows(DATA / f"{name}.jsonl", Pair, benchmark=name)
    elif name in known:
        with as_published(f"{name}: a row lacks a field, or holds a value unknown there"):
            for pair in known[name].pairs(find_rows(known[name].source, data_dir), seed, scoring):
                yield pair.model_copy(update={"benchmark": name})
    elif Path(name).suffix:
        # Named with its ending, so that a file called judgebench.jsonl is not taken for JudgeBench.
        yield from user_rows(Path(name), Pair, benchmark=Path(name).name)
    else:
        names = ", ".join([*known, *SHIPPED])
        raise BadInput(f"unknown benchmark {name!r}: one of {names}, or the path of a file of pairs")
