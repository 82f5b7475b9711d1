"""The record of a judged pair: one row of numbers and rationales, and the trace of how its verdict came about.

The record is plain JSON. Texts that the store holds are named by their keys there.
"""

import hashlib
import json
from array import array
from dataclasses import dataclass, field
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd

from cce.benchmarks.pair import Pair
from cce.crowd.members import CrowdJudgment, Selected
from cce.crowd.notes import Note
from cce.crowd.session import Session
from cce.crowd.verdict import UNJUDGED, Judgment

# What a row says, in this order. Until they are a frame rows are tuples: dicts take twice the room.
COLUMNS = ["benchmark", "id", "subset", "cluster", "judge", "method", "verdict", "label", "correct", "p_a", "p_given"]
COLUMNS += ["p_swapped", "text", "text_swapped", "rationale_tokens", "calls", "prompt_tokens", "completion_tokens"]
COLUMNS += ["seconds", "selected", "notes", "outcome_cuts", "context_cuts", "failed"]
# The fields that come first in a record's JSON object; the others follow.
FIRST = ["id", "method", "judge", "verdict", "label", "correct", "text", "calls", "prompt_tokens", "completion_tokens"]


@dataclass(frozen=True)
class Judged:
    """What a method finds of a pair, and how: its judgment, and where it has a crowd, which crowd judgments were made
    and selected, and the notes that each order's prompt showed. `failed` says why the judgment is missing.
    """

    judgment: Judgment
    selected: Selected = field(default_factory=lambda: Selected([], []))
    notes: tuple[list[Note], ...] = ()
    failed: str | None = None


def missing(reason: str) -> Judged:
    """What stands where a call failed for good: neither right nor wrong."""
    return Judged(UNJUDGED, failed=reason)


def cluster_of(pair: Pair) -> str:
    """A short name of the pair's first question: judgments of answers to one question depend on each other."""
    return hashlib.sha256(pair.questions[0].encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Record:
    """One pair as one judge judged it by one method; `judge` is the name that results show."""

    pair: Pair
    judge: str
    method: str
    judged: Judged
    session: Session

    def row(self) -> tuple:
        """A cell for each of COLUMNS."""
        pair, judgment, notes = self.pair, self.judged.judgment, self.judged.notes
        return (
            pair.benchmark,
            pair.id,
            pair.subset,
            cluster_of(pair),
            self.judge,
            self.method,
            judgment.verdict,
            pair.label,
            judgment.verdict == pair.label if pair.label and judgment is not UNJUDGED else None,
            judgment.p_a,
            judgment.p_in(0),
            judgment.p_in(1),
            judgment.text,
            judgment.readings[1].text if len(judgment.readings) > 1 else None,
            judgment.readings[0].tokens,
            *self.session.cost().values(),
            len(self.judged.selected.chosen),
            sum(bool(note.shown) for note in notes[0]) if notes else 0,
            sum(note.stubborn for of_order in notes for note in of_order),
            self.session.context_cuts,
            self.judged.failed,
        )

    def as_json(self) -> dict:
        """The row under the names of COLUMNS, those of FIRST first, then the seed, the pair's texts, and the trace.

        `pair` holds questions, a, b (one text per turn) and why. `trace` holds `crowd`, one entry per crowd judgment
        (see `_crowd_judgment`), `notes` of the order given (`of` is a place in `crowd`; written, kept, shown, and the
        key of the rewriting), `final`, the keys of the judgment that counts in each order, and `completions`, the keys
        of all that was used.
        """
        row, pair = dict(zip(COLUMNS, self.row(), strict=True)), self.pair
        texts = {"questions": pair.questions, "a": pair.answers_a, "b": pair.answers_b, "why": pair.why}
        more = {"seed": self.session.options.seed, "pair": texts, "trace": self._trace()}
        return {name: row.pop(name) for name in FIRST} | row | more

    def _trace(self) -> dict:
        made, chosen, notes = self.judged.selected.made, self.judged.selected.chosen, self.judged.notes
        return {
            "crowd": [_crowd_judgment(judgment, judgment in chosen) for judgment in made],
            "notes": [_note(note, made.index(note.of)) for note in (notes[0] if notes else [])],
            "final": [reading.key for reading in self.judged.judgment.readings if reading.key],
            "completions": list(self.session.used),
        }


def _crowd_judgment(judgment: CrowdJudgment, selected: bool) -> dict:
    """Who was compared with whom and how it ended. The answer is a text only where the pair brought it along."""
    member = judgment.member
    return {
        "candidate": judgment.candidate,
        "member": member.letter,
        "model": member.model.model if member.model else None,
        "answer": list(judgment.answer.keys) if member.model else judgment.answer.texts[0],
        "outcome": judgment.outcome,
        "p_a": judgment.judgment.p_a,
        "p_in": [judgment.judgment.p_in(order) for order in range(len(judgment.judgment.readings))],
        "rationales": [reading.key for reading in judgment.judgment.readings],
        "selected": selected,
    }


def _note(note: Note, of: int) -> dict:
    return {"of": of, "written": note.written, "kept": note.kept, "shown": note.shown, "key": note.key}


# Fields of a row that are one of a few words, and those that are numbers.
WORDS = ["benchmark", "subset", "judge", "method", "verdict", "label", "failed"]
NUMBERS = [name for name in COLUMNS if name not in (*WORDS, "id", "cluster", "text", "text_swapped")]


def read_rows(path: str | Path) -> pd.DataFrame:
    """The rows of a file of records without their rationales, as compact as a table of accuracies can do with.

    Words are categories, `id` is the row's place and `cluster` a number, so that a million rows take some 100 MB.
    """
    words, numbers, clusters = {name: {} for name in WORDS}, {name: array("d") for name in NUMBERS}, array("Q")
    codes = {name: array("i") for name in WORDS}
    with Path(path).open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            clusters.append(int(record["cluster"], 16))
            for name, known in words.items():
                codes[name].append(-1 if record[name] is None else known.setdefault(record[name], len(known)))
            for name, column in numbers.items():
                column.append(nan if record[name] is None else record[name])
    columns = {name: pd.Categorical.from_codes(codes[name], list(known)) for name, known in words.items()}
    columns |= {name: np.frombuffer(column) for name, column in numbers.items()}
    return pd.DataFrame(columns | {"cluster": np.array(clusters), "id": np.arange(len(clusters))}, copy=False)
