"""What is judged or asked, loaded: published sets of pairs, questions and instructions, the kit's own, and any file's.

The arguments `data_dir`, `limit` and `seed` of all loaders, and their errors, are those of `load_pairs`.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from cce.benchmarks.files import Row
from cce.benchmarks.further import rewardbench2_pools
from cce.benchmarks.pair import Instruction, Pair, Pool, Question, dealt, drawn, shard_of
from cce.benchmarks.pair_file import PairFile, rows_of, user_pairs
from cce.benchmarks.published import BENCHMARKS, Benchmark, Scoring, check_scoring
from cce.benchmarks.rows import Reader, labels_of, user_rows
from cce.benchmarks.sample import SAMPLE
from cce.benchmarks.sources import DATA, SOURCES, Folder, Source, as_published, find_rows
from cce.errors import BadInput

__all__ = ["PUBLISHED", "Benchmark", "Source", "load_instructions", "load_pairs", "load_pools", "load_questions"]
__all__ += ["load_references", "register"]

# The paper's own, in the order of its Table 1.
PUBLISHED = ("rewardbench", "helpsteer2", "mtbench_human", "judgebench", "evalbias")
REGISTERED: dict[str, Benchmark] = {}  # from outside the package
SHIPPED = ("pocket", "pocket_train")  # the kit's own pairs: for judging, and for training judges
# The categories of MT-Bench in which a judge sees a reference answer to each turn.
REFERENCED = ("math", "reasoning", "coding")


def register(name: str, benchmark: Benchmark) -> None:
    """Let `load_pairs` know a benchmark from outside the package. Raises BadInput for a name of the kit's own."""
    if name in (*BENCHMARKS, *SHIPPED):
        raise BadInput(f"benchmark {name!r}: the kit has one of this name; give yours another")
    REGISTERED[name] = benchmark


def load_pairs(
    source: str | Path | Iterable,
    data_dir: Folder = None,
    limit: int | None = None,
    seed: int = 0,
    scoring: Scoring = "paper",
    shard: str | None = None,
    labels: Mapping | str | None = None,
    labelled: bool = False,
) -> Sequence[Pair]:
    """Load the pairs of a benchmark: of one that is published or registered, of pocket or pocket_train; or your own: of
    a file, a folder of `datasets.save_to_disk`, a pandas frame, or rows from a list or generator.

    Rows of your own have id, instruction, answer_a, answer_b and, where known, label (A, B or tie); `Pair` has further
    fields. Or they have chosen and rejected, texts or lists of messages, and their number for an id where there is
    none. `labels` says what other labels mean: {"model_a": "A", "model_b": "B"} or "model_a=A,model_b=B"; to nothing
    stands for no label. Where `labelled`, some pair must have the label A or B.
    Published files lie in `data_dir`, without that in the environment's CCE_DATA, without that on the hub. `limit` says
    how many pairs to draw, at random by `seed`, which also decides which answer is A where the source says only which
    is better. `scoring` differs in labels and orders. `shard` is "2/4" for the second of four parts of the whole.

    Returns the pairs in the source's order: a list, or for a whole .jsonl file a `PairFile`, which leaves them there.
    Warns of columns that look misspelt. Raises BadInput for a bad name, limit, shard, file or row, DataMissing where a
    benchmark cannot be found.
    """
    check_scoring(scoring)
    if shard is not None:
        shard_of(shard)
    own = not isinstance(source, str) or source not in (*BENCHMARKS, *REGISTERED, *SHIPPED)
    name = str(source) if isinstance(source, (str, os.PathLike)) else "pairs"
    if not own and labels:
        raise BadInput(f"labels {labels!r}: of rows of your own; the labels of {name} are known")
    if own:
        pairs = _own_pairs(source, name, labels_of(labels), seed, lazily=limit is None and shard is None)
    else:
        pairs = _published(name, data_dir, seed, scoring)
    if SAMPLE.get() or not isinstance(pairs, PairFile):
        pairs = drawn(pairs, "pairs", name, limit, seed)
    if labelled and not any(pair.label in ("A", "B") for pair in pairs):
        raise BadInput(f"{name}: no pair has the label A or B, and there is no accuracy without; add a column label")
    return pairs if shard is None else dealt(pairs, shard, name)


def load_questions(
    name: str = "mt_bench", data_dir: Folder = None, limit: int | None = None, seed: int = 0
) -> list[Question]:
    """Load the questions of mt_bench (Zheng et al. 2023, arXiv 2306.05685) or pocket_talk, sixteen of the kit's own."""
    if name not in ("mt_bench", "pocket_talk"):
        raise BadInput(f"unknown questions {name!r}: mt_bench or pocket_talk")
    questions = _mt_bench(data_dir) if name == "mt_bench" else user_rows(DATA / "pocket_talk.jsonl", Question)
    return drawn(questions, "questions", name, limit, seed)


def load_references(
    name: str = "alpaca_eval", data_dir: Folder = None, limit: int | None = None, seed: int = 0
) -> list[Question]:
    """Load AlpacaEval's instructions, or those of pocket, the kit's own pairs: each is a question of one turn, with the
    output that models are compared with (of pocket the better answer) as the reference. An id is the place in the whole
    set, from 0, which annotations call `index`; the category is its source or kind.
    """
    if name not in ("alpaca_eval", "pocket"):
        raise BadInput(f"unknown instructions {name!r}: alpaca_eval or pocket")
    return drawn(_alpaca_eval(data_dir) if name == "alpaca_eval" else _pocket(), "instructions", name, limit, seed)


def load_instructions(
    name_or_path: str, data_dir: Folder = None, limit: int | None = None, seed: int = 0
) -> list[Instruction]:
    """Load the first turns of lima (Zhou et al. 2023, arXiv 2305.11206), tulu3_sft (Lambert et al. 2024, arXiv
    2411.15124), pocket_train (the kit's own pairs for training), or a file of instructions (id, instruction), in order.
    """
    if name_or_path == "pocket_train":
        found = (Instruction(id=pair.id, instruction=pair.instruction) for pair in load_pairs(name_or_path))
    elif name_or_path in ("lima", "tulu3_sft"):
        found = _instructions(name_or_path, data_dir)
    elif Path(name_or_path).suffix:
        found = user_rows(Path(name_or_path), Instruction)
    else:
        known = "one of lima, tulu3_sft, pocket_train, or the path of a file of instructions"
        raise BadInput(f"unknown instructions {name_or_path!r}: {known}")
    return drawn(found, "instructions", name_or_path, limit, seed)


def load_pools(
    name_or_path: str | Path, data_dir: Folder = None, limit: int | None = None, seed: int = 0
) -> list[Pool]:
    """Load the pools of rewardbench2 (Malik et al. 2025, arXiv 2506.01937), its Ties included, or those of a file:
    {id, instruction, responses: [...]} and, where they are known, `correct` (the places of right ones) and `subset`.
    """
    name = str(name_or_path)
    if name == "rewardbench2":
        with as_published(f"{name}: a row lacks a field, or holds a value unknown there"):
            return drawn(rewardbench2_pools(find_rows(SOURCES[name], data_dir)), "pools", name, limit, seed)
    if not Path(name).suffix:
        raise BadInput(f"unknown pools {name!r}: rewardbench2, or the path of a file of pools")
    return drawn(user_rows(Path(name), Pool), "pools", name, limit, seed)


def _published(name: str, data_dir: Folder, seed: int, scoring: Scoring) -> Iterator[Pair]:
    if name in SHIPPED:
        yield from user_rows(DATA / f"{name}.jsonl", Pair, benchmark=name)
        return
    known = (BENCHMARKS | REGISTERED)[name]
    with as_published(f"{name}: a row lacks a field, or holds a value unknown there"):
        for pair in known.pairs(find_rows(known.source, data_dir), seed, scoring):
            yield pair.model_copy(update={"benchmark": name})


def _own_pairs(source: object, name: str, labels: dict[str, str], seed: int, lazily: bool) -> Sequence[Pair]:
    if not isinstance(source, (str, os.PathLike)):
        return Reader(name, "", labels, seed).pairs(rows_of(source))
    # Named with its ending, so that a file called judgebench.jsonl is not taken for JudgeBench.
    if Path(source).suffix or os.path.isdir(source):
        return user_pairs(Path(source), labels, seed, lazily)
    names = ", ".join([*BENCHMARKS, *REGISTERED, *SHIPPED])
    raise BadInput(f"unknown benchmark {name!r}: one of {names}, or the path of a file of pairs")


def _mt_bench(data_dir: Folder) -> Iterator[Question]:
    with as_published("mt_bench: a row lacks a field or its reference answer", "are the files as published?"):
        known = find_rows(SOURCES["mt_bench_references"], data_dir)
        answers = {row["question_id"]: row["choices"][0]["turns"] for row in known}
        for row in find_rows(SOURCES["mt_bench_questions"], data_dir):
            references = answers[row["question_id"]] if row["category"] in REFERENCED else ()
            yield Question(id=row["question_id"], category=row["category"], turns=row["turns"], references=references)


def _alpaca_eval(data_dir: Folder) -> Iterator[Question]:
    with as_published("alpaca_eval: a row lacks a field"):
        for n, row in enumerate(find_rows(SOURCES["alpaca_eval"], data_dir)):
            yield Question(id=n, category=row["dataset"], turns=(row["instruction"],), references=(row["output"],))


def _pocket() -> Iterator[Question]:
    for n, pair in enumerate(load_pairs("pocket")):
        best = pair.answer_a if pair.label == "A" else pair.answer_b
        yield Question(id=n, category=f"pocket: {pair.subset}", turns=(pair.instruction,), references=(best,))


def _instructions(name: str, data_dir: Folder) -> Iterator[Instruction]:
    with as_published(f"{name}: a row lacks a field"):
        for place, row in enumerate(find_rows(SOURCES[name], data_dir)):
            # The id stays the row's place where one before it is empty.
            if turn := _first_turn(name, row):
                yield Instruction(id=str(place), instruction=turn)


def _first_turn(name: str, row: Row) -> str:
    if name == "tulu3_sft":
        # A system message may come first.
        return next((message["content"] for message in row["messages"] if message["role"] == "user"), "")
    # The hub has LIMA's turns in one list; the other form in circulation keeps those before the last one apart.
    if "conversations" in row:
        return row["conversations"][0]
    return row["history"][0][0] if row["history"] else row["instruction"]
