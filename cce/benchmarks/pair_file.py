"""Pairs of the user's own: of a file, which may stay on the disk, of a folder, a pandas frame, a generator, a list."""

import os
from array import array
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path

import numpy as np

from cce.benchmarks.doubts import doubts_of
from cce.benchmarks.files import Row, is_cells, lines_of, opened, parsed, read_rows, readable
from cce.benchmarks.pair import Pair, drawn
from cce.benchmarks.rows import NoLabel, Reader, labels_named, warn_of_columns
from cce.errors import BadInput

VERSION = attrgetter("st_size", "st_mtime_ns")


def user_pairs(path: Path, labels: Mapping[str, str], seed: int, lazily: bool) -> Sequence[Pair]:
    """The pairs of a file or folder of the user's own; those of a .jsonl file may stay there."""
    folder = os.path.isdir(path)
    # So that a folder called judgebench is not taken for JudgeBench.
    benchmark = f"{path.name}/" if folder else path.name
    reader = Reader(str(path), benchmark, labels, seed, is_cells(path))
    if lazily and not folder and path.suffix.lower() == ".jsonl":
        return PairFile(path, reader)
    return reader.pairs(read_rows(path))


def as_pairs(pairs: object, seed: int) -> Sequence[Pair]:
    """Pairs as they are; the rows of a pandas frame, a list or a generator as pairs."""
    if isinstance(pairs, (str, os.PathLike)):
        raise BadInput(f"pairs {str(pairs)!r}: load them first, by load_pairs({str(pairs)!r})")
    if isinstance(pairs, PairFile) or (isinstance(pairs, list) and all(isinstance(one, Pair) for one in pairs)):
        return pairs
    return Reader("pairs", seed=seed).pairs(rows_of(pairs))


def rows_of(pairs: object) -> Iterable[object]:
    """The rows of a pandas frame; anything else is rows already. Raises BadInput for what holds none."""
    if hasattr(pairs, "to_dict") and hasattr(pairs, "columns"):
        # An index may hold the ids.
        return (pairs.reset_index() if "id" in pairs.index.names else pairs).to_dict("records")
    if not isinstance(pairs, Iterable) or isinstance(pairs, (bytes, Mapping, Pair)):
        raise BadInput(f"pairs: a file, a frame, or a list of rows is wanted, not {type(pairs).__name__}")
    return pairs


class PairFile(Sequence[Pair]):
    """The pairs of the user's own JSONL file: all are checked at first, and each is read again when it is asked for.

    Only the offsets of lines are kept, so that a million pairs need little more memory than ten, and their `doubts`, as
    `doubts_of` tells them. Raises BadInput as `load_pairs` does for a bad file, and at a pair that is asked for once
    the file has changed.
    """

    def __init__(self, path: Path, reader: Reader):
        self.name, self.path, self.reader, columns = path, path.absolute(), reader, set()
        with readable(self.name), opened(self.name) as file:
            self.version = VERSION(os.fstat(file.fileno()))
            start = 3 if file.buffer.peek(3).startswith(BOM_UTF8) else 0
            self.offsets = array("Q")
            for offset, row in lines_of(file, self.name):
                self.offsets.append(start + offset)
                columns.update(row if isinstance(row, dict) else ())
        warn_of_columns(reader.source, columns)
        # A million hashes take less than as many ids, which are looked at where two hashes are alike.
        hashes = array("q")
        try:
            self.doubts = doubts_of(self, self._noting(hashes))
        except NoLabel as error:
            raise labels_named(error, (row for _, row in self._rows(range(len(self))))) from None
        if len(np.unique(hashes)) < len(self) or not len(self):
            drawn(self, "pairs", str(path), limit=None, seed=0)

    def __len__(self) -> int:
        return len(self.offsets)

    def __iter__(self) -> Iterator[Pair]:
        return self._read(range(len(self)))

    def __getitem__(self, index: int | slice) -> Pair | list[Pair]:
        places = range(len(self))[index]
        return list(self._read(places)) if isinstance(index, slice) else next(self._read([places]))

    def __repr__(self) -> str:
        return f"<{len(self):,} pairs in {self.path}>"

    def _noting(self, hashes: array) -> Iterator[Pair]:
        for pair in self:
            hashes.append(hash(pair.id))
            yield pair

    def _read(self, places: Iterable[int]) -> Iterator[Pair]:
        return (self.reader.pair(row, place + 1) for place, row in self._rows(places))

    def _rows(self, places: Iterable[int]) -> Iterator[tuple[int, Row]]:
        with readable(self.path), open(self.path, "rb") as file:
            if VERSION(os.fstat(file.fileno())) != self.version:
                raise BadInput(f"{self.path}: has changed since its pairs were loaded; load them again")
            for place in places:
                file.seek(self.offsets[place])
                yield place, parsed(file.readline().splitlines()[0].decode(), f"{self.name}, row {place + 1}")
