"""Drawing by lot: which items a limit keeps depends on the seed and on each item's own id."""

from collections.abc import Iterable, Iterator
from heapq import nsmallest
from operator import itemgetter
from random import Random
from typing import Protocol, TypeVar

from cce.errors import BadInput


class Named(Protocol):
    """What has an id: a pair, a question, an instruction."""

    id: str


T = TypeVar("T", bound=Named)


def drawn(items: Iterable[T], kind: str, source: str, limit: int | None, seed: int) -> list[T]:
    """So many of the items, or all, in their order; a smaller limit draws from a larger one's items.

    `kind` and `source` say in an error what the items are, and where they come from.
    Raises BadInput for a limit below 1 (before the first item is read), for an id that stands twice, for no items.
    """
    if limit is not None and limit < 1:
        raise BadInput(f"limit {limit}: at least one of the {kind}, or none given for all")
    items = _told_apart(items, source)
    chosen = list(items) if limit is None else _by_lot(items, limit, seed)
    if not chosen:
        raise BadInput(f"{source}: holds no {kind}")
    return chosen


def _by_lot(items: Iterable[T], limit: int, seed: int) -> list[T]:
    # One by one, so that of hundreds of thousands only the drawn are kept.
    lots = ((Random(f"{seed}:limit:{item.id}").random(), place, item) for place, item in enumerate(items))
    return [item for _, _, item in sorted(nsmallest(limit, lots), key=itemgetter(1))]


def _told_apart(items: Iterable[T], source: str) -> Iterator[T]:
    seen = set()
    for item in items:
        if item.id in seen:
            raise BadInput(f"{source}: the id {item.id!r} stands twice; ids must differ")
        seen.add(item.id)
        yield item
