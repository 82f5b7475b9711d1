"""Shards: the pairs dealt out to several processes or machines, like cards, an instruction at a time."""

import re

from cce.benchmarks.pair import Pair
from cce.errors import BadInput


def shard_of(shard: str) -> tuple[int, int]:
    """Which part it is, and of how many: (2, 4) for "2/4". Raises BadInput for anything else."""
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", str(shard))
    part, parts = map(int, found.groups()) if found else (0, 0)
    if not 1 <= part <= parts:
        raise BadInput(f"shard {shard!r}: i/n for the i-th of n parts, such as 2/4")
    return part, parts


def dealt(pairs: list[Pair], shard: str, source: str) -> list[Pair]:
    """Every n-th pair from the i-th on; those on one instruction go with the first of them.

    Raises BadInput for a bad shard, and for one that gets no pair of this source.
    """
    part, parts = shard_of(shard)
    # Pairs on one instruction share its crowd answers: two shards would buy these twice, and get two different ones.
    instructions = {question: place for place, question in enumerate(dict.fromkeys(p.questions[0] for p in pairs))}
    chosen = [pair for pair in pairs if instructions[pair.questions[0]] % parts == part - 1]
    if not chosen:
        raise BadInput(f"shard {shard!r}: none of the {len(instructions)} instructions of {source}; take fewer shards")
    return chosen
