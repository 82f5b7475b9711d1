"""Sampling: the items that a limit draws by lot, and the shards that pairs are dealt out to."""

import re
from collections.abc import Iterable, Iterator
from heapq import nsmallest
from operator import itemgetter
from random import Random
from typing import TypeVar

from cce.benchmarks.pair import Pair
from cce.errors import BadInput

# What has an id: a pair, a question, an instruction.
T = TypeVar("T")


def drawn(items: Iterable[T], kind: str, source: str, limit: int | None, seed: int) -> list[T]:
    """As many items as the limit says, or all, in their order; a smaller limit draws from a larger one's items.

    Which ones depends on the seed and on each item's own id; `kind` and `source` are for the words of an error.
    Raises BadInput for a limit below 1 (before the first item is read), for an id that stands twice, for no items.
    """
    if limit is not None and limit < 1:
        raise BadInput(f"limit {limit}: at least one of the {kind}, or none given for all")
    items = told_apart(items, source)
    if limit is not None:
        # One by one, so that of hundreds of thousands only the drawn ones are kept.
        lots = ((Random(f"{seed}:limit:{item.id}").random(), place, item) for place, item in enumerate(items))
        items = (item for _, _, item in sorted(nsmallest(limit, lots), key=itemgetter(1)))
    chosen = list(items)
    if not chosen:
        raise BadInput(f"{source}: holds no {kind}")
    return chosen


def told_apart(items: Iterable[T], source: str) -> Iterator[T]:
    """The same items. Raises BadInput at an id that stands twice."""
    seen = set()
    for item in items:
        if item.id in seen:
            raise BadInput(f"{source}: the id {item.id!r} stands twice; ids must differ")
        seen.add(item.id)
        yield item


def shard_of(shard: str) -> tuple[int, int]:
    """Which part it is, and of how many: (2, 4) for "2/4". Raises BadInput for anything else."""
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", str(shard))
    part, parts = map(int, found.groups()) if found else (0, 0)
    if not 1 <= part <= parts:
        raise BadInput(f"shard {shard!r}: i/n for the i-th of n parts, such as 2/4")
    return part, parts


def dealt(pairs: list[Pair], shard: str, source: str) -> list[Pair]:
    """Every n-th pair from the i-th on, for the shard i/n; pairs on one instruction go with the first of them.

    Raises BadInput for a bad shard, and for one that gets no pair of this source.
    """
    part, parts = shard_of(shard)
    # Pairs on one instruction share its crowd answers: two shards would buy these twice, and get two different ones.
    instructions = {question: place for place, question in enumerate(dict.fromkeys(p.questions[0] for p in pairs))}
    chosen = [pair for pair in pairs if instructions[pair.questions[0]] % parts == part - 1]
    if not chosen:
        raise BadInput(f"shard {shard!r}: none of the {len(instructions)} instructions of {source}; take fewer shards")
    return chosen
