"""Doubts: what a set of pairs holds that no judge can do much with, counted before anything is asked."""

from array import array
from collections import Counter, defaultdict
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
    seen = _Seen()
    for pair in passing or pairs:
        seen.add(pair)
    return seen.told(pairs)


class _Seen:
    """What is counted of pairs, one after another, in little memory."""

    def __init__(self):
        self.counts, self.labels, self.benchmarks, self.texts = Counter(), Counter(), set(), array("q")
        self.first: dict[str, list[Pair]] = defaultdict(list)

    def add(self, pair: Pair) -> None:
        # Whichever answer is A.
        self.texts.append(hash((pair.questions, frozenset((pair.answers_a, pair.answers_b)))))
        self.labels[pair.label] += 1
        self.benchmarks.add(pair.benchmark)
        for kind in _kinds(pair):
            self.counts[kind] += 1
            if self.counts[kind] <= NAMED:
                self.first[kind].append(pair)

    def told(self, pairs: Sequence[Pair]) -> list[str]:
        _, which, times = np.unique(np.frombuffer(self.texts, "int64"), return_inverse=True, return_counts=True)
        again = np.flatnonzero(times[which] > 1)
        self.counts["again"], self.first["again"] = len(again), [pairs[int(place)] for place in again[:NAMED]]
        # One pair that is judged by itself is looked at, not scored.
        kinds = [kind for kind in SAID if self.counts[kind] and (kind != "unlabelled" or len(pairs) > 1)]
        return [self._line(kind, len(pairs)) for kind in kinds] + self._of_one_label()

    def _line(self, kind: str, of: int) -> str:
        (one, several, done), count = SAID[kind], self.counts[kind]
        several_benchmarks = len(self.benchmarks) > 1
        ids = [f"{pair.benchmark}: {pair.id}" if several_benchmarks else pair.id for pair in self.first[kind]]
        names = ", ".join(f"{name!r:.80}" for name in ids) + (", ..." if count > len(ids) else "")
        return f"{count:,} of {of:,} pairs {one if count == 1 else several} ({names}): {done}"

    def _of_one_label(self) -> list[str]:
        known = [(label, count) for label, count in self.labels.items() if label]
        if len(known) != 1 or known[0][1] == 1:
            return []
        said = f"all {known[0][1]:,} labelled pairs have the label {known[0][0]}"
        return [f"{said}: a judge that always says so is always right; let a coin decide which answer is A"]


def _kinds(pair: Pair) -> list[str]:
    questions, a, b = pair.questions, pair.answers_a, pair.answers_b
    kinds = {"same": a == b, "empty": any(map(blank, a + b)), "unlabelled": pair.label is None}
    kinds["echo"] = any(one.strip() == asked.strip() for asked, one in zip(questions * 2, a + b, strict=True))
    return [kind for kind, holds in kinds.items() if holds]
