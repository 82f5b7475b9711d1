"""Doubts: what a set of pairs holds that no judge can do much with, counted before anything is asked."""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from cce.benchmarks.cells import blank
from cce.benchmarks.pair import Pair

# How many ids name what is counted.
NAMED = 3
# What is counted, in words for one pair and for several, and what is done about it.
SAID = {
    "same": ("holds the same answer twice", "hold the same answer twice", "judged all the same; only a tie is fair"),
    "empty": ("holds an empty answer", "hold an empty answer", "judged all the same, as an answer that says nothing"),
    "echo": ("holds its question as an answer", "hold their question as an answer", "judged all the same"),
    "again": (
        "stands there again, with the same texts",
        "stand there more than once, with the same texts",
        "each is judged, and counts; intervals know which pairs share a question",
    ),
    "unlabelled": ("has no label", "have no label", "judged, and left out of every accuracy"),
}


def doubts_of(pairs: Sequence[Pair], passing: Iterable[Pair] | None = None) -> list[str]:
    """One line for each kind of pair that is not what it should be: how many, the first ids, and what becomes of it.

    Also where one label stands throughout: then a judge that always says it is always right. The pairs may be seen as
    they are `passing`, where to read them takes long.
    """
    found: dict[str, list[str]] = {kind: [] for kind in SAID}
    counts, labels, texts = Counter(), Counter(), array("q")
    for pair in passing or pairs:
        # Whichever answer is A.
        texts.append(hash((pair.questions, frozenset((pair.answers_a, pair.answers_b)))))
        labels[pair.label] += 1
        for kind in _kinds(pair):
            counts[kind] += 1
            if counts[kind] <= NAMED:
                found[kind].append(pair.id)
    again = _again(np.frombuffer(texts, "int64"))
    counts["again"], found["again"] = len(again), [pairs[int(place)].id for place in again[:NAMED]]
    if len(pairs) == 1:
        counts["unlabelled"] = 0
    told = [_told(kind, counts[kind], len(pairs), found[kind]) for kind in SAID if counts[kind]]
    known = {label: count for label, count in labels.items() if label}
    if len(known) == 1 and (count := sum(known.values())) > 1:
        one = f"all {count:,} labelled pairs have the label {next(iter(known))}"
        told.append(f"{one}: a judge that always says so is always right; let a coin decide which answer is A")
    return told


def _kinds(pair: Pair) -> list[str]:
    questions, a, b = pair.questions, pair.answers_a, pair.answers_b
    kinds = {"same": a == b, "empty": any(map(blank, a + b)), "unlabelled": pair.label is None}
    kinds["echo"] = any(one.strip() == asked.strip() for asked, one in zip(questions * 2, a + b, strict=True))
    return [kind for kind, holds in kinds.items() if holds]


def _again(hashes: np.ndarray) -> np.ndarray:
    """The places of those that are equal to another one."""
    _, first, times = np.unique(hashes, return_inverse=True, return_counts=True)
    return np.flatnonzero(times[first] > 1)


def _told(kind: str, count: int, of: int, ids: list[str]) -> str:
    one, several, done = SAID[kind]
    names = ", ".join(repr(name) for name in ids) + (", ..." if count > len(ids) else "")
    return f"{count:,} of {of:,} pairs {one if count == 1 else several} ({names}): {done}"
