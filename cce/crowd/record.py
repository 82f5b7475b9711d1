"""The record of a judged pair: one row of numbers and rationales, and the trace of how its verdict came about.

The record is plain JSON. Texts that the store holds are named by their keys there.
"""

import hashlib
import json
from array import array
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path

import numpy as np
import pandas as pd

from cce.benchmarks.pair import Pair
from cce.crowd.members import CrowdJudgment, Selected
from cce.crowd.notes import Note
from cce.crowd.session import Session
from cce.crowd.verdict import UNJUDGED, Judgment
from cce.errors import OutputUnusable
from cce.models.clock import STAGES, WAITED
from cce.outputs import alone, append, begun, check_writable, clearly, identity

# What a row says, in this order.
COLUMNS = ["benchmark", "id", "subset", "cluster", "judge", "method", "verdict", "label", "correct", "p_a", "p_given"]
COLUMNS += ["p_swapped", "text", "text_swapped", "rationale_tokens", "calls", "prompt_tokens", "completion_tokens"]
COLUMNS += ["seconds", "latency", "dollars", "selected", "notes", "outcome_cuts", "context_cuts", "judgments_cut_off"]
COLUMNS += ["answers_cut_off", "crowd_refused", "length_a", "length_b", "unreadable", "failed"]
# The fields that come first in a record's JSON object; the others follow.
FIRST = ["id", "method", "judge", "verdict", "label", "correct", "text", "calls", "prompt_tokens", "completion_tokens"]
# Fields of a row that are one of a few words, and those that are numbers.
WORDS = ["benchmark", "subset", "judge", "method", "verdict", "label", "unreadable", "failed"]
NUMBERS = [name for name in COLUMNS if name not in (*WORDS, "id", "cluster", "text", "text_swapped")]


@dataclass(frozen=True)
class Judged:
    """What a method finds of a pair, and how: its judgment, and where it has a crowd, which crowd judgments were made
    and selected, and the notes that each order's prompt showed. These are on the pair itself or, where its id is given,
    on the pair `notes_of`. `failed` says why the judgment is missing.
    """

    judgment: Judgment
    selected: Selected = Selected()
    notes: Sequence[Sequence[Note]] = ((),)
    notes_of: str | None = None
    failed: str | None = None


def record_of(pair: Pair, judge: str, method: str, judged: Judged, session: Session) -> dict:
    """What is told of a pair that one judge, by the name that results show, has judged by one method; as JSON.

    COLUMNS, of which FIRST come first; then `seed`; `pair` with questions, a, b (one text per turn) and why; `trace`
    with `crowd`, the crowd judgments, `notes` of the order given (`of` is a place in `crowd`, `key` the rewriting's),
    `final`, the keys of the judgment that counts in each order, `completions`, the keys of all that was used,
    `notes_of`, the id of the pair on which crowd judgments and notes are, None for this one, and `latency`, the seconds
    of each of STAGES on the way to the verdict.
    """
    row = _row(pair, judged, session) | {"judge": judge, "method": method}
    texts = {"questions": pair.questions, "a": pair.answers_a, "b": pair.answers_b, "why": pair.why}
    more = {"seed": session.options.seed, "pair": texts, "trace": _trace(judged, session)}
    return {name: row[name] for name in [*FIRST, *COLUMNS]} | more


def _row(pair: Pair, judged: Judged, session: Session) -> dict:
    judgment, notes = judged.judgment, judged.notes
    given, swapped = [*judgment.readings, None][:2]
    p_given, p_swapped = [*judgment.p_in, None][:2]
    # A short name of the first question: judgments of answers to one question depend on each other.
    cluster = hashlib.sha256(pair.questions[0].encode()).hexdigest()[:12]
    correct = judgment.verdict == pair.label if pair.label and judgment is not UNJUDGED else None
    row = {"benchmark": pair.benchmark, "id": pair.id, "subset": pair.subset, "cluster": cluster}
    row |= {"verdict": judgment.verdict, "label": pair.label, "correct": correct}
    row |= {"p_a": judgment.p_a, "p_given": p_given, "p_swapped": p_swapped}
    row |= {"text": given.text, "text_swapped": swapped and swapped.text, "rationale_tokens": given.tokens}
    row |= {"selected": len(judged.selected.chosen), "notes": sum(bool(note.shown) for note in notes[0])}
    row |= {"outcome_cuts": sum(note.stubborn for of_order in notes for note in of_order)}
    row |= session.cost() | {"latency": _waited(judged, "seconds"), "dollars": session.dollars()}
    row |= {"context_cuts": session.context_cuts}
    row |= {"judgments_cut_off": session.cut_off("judgment", "removal"), "answers_cut_off": session.cut_off("answer")}
    row |= {"crowd_refused": len(session.refused)}
    row |= dict(zip(("length_a", "length_b"), pair.lengths, strict=True))
    return row | {"unreadable": judgment.unreadable, "failed": judged.failed}


def _trace(judged: Judged, session: Session) -> dict:
    made, chosen = judged.selected.made, judged.selected.chosen
    notes = [
        {"of": made.index(note.of)} | {name: getattr(note, name) for name in ("written", "kept", "shown", "key")}
        for note in judged.notes[0]
    ]
    crowd = [_crowd_judgment(judgment) | {"selected": judgment in chosen} for judgment in made]
    final = [reading.key for reading in judged.judgment.readings if reading.key]
    used = {"completions": sorted(session.used), "notes_of": judged.notes_of}
    latency = {stage: _waited(judged, stage) for stage in STAGES}
    return {"crowd": crowd, "notes": notes, "final": final, **used, "latency": latency}


def _waited(judged: Judged, part: str) -> float | None:
    seconds = getattr(WAITED.get(), part)
    return None if judged.failed or not isfinite(seconds) else round(seconds, 3)


def _crowd_judgment(judgment: CrowdJudgment) -> dict:
    member, found = judgment.member, judgment.judgment
    # The answer is a text only where the pair brought it along.
    answer = [completion.key for completion in judgment.said] if member.model else member.answer
    told = {"candidate": judgment.candidate, "member": member.letter, "model": member.model and member.model.model}
    told |= {"answer": answer, "outcome": judgment.outcome, "p_a": found.p_a, "p_in": found.p_in}
    told |= {"noise": judgment.noise}
    return told | {"rationales": [reading.key for reading in found.readings]}


class Records(AbstractContextManager):
    """A JSONL file of records, one line per judgment or pick, each written as it comes, by one process at a time.

    What lies there is always whole: the former file until the first record is there, which takes its place at once,
    then as many records as were made. A record for which the disk has no room is not there in part. Raises BadInput
    where another process writes the file, OutputUnusable where it cannot be written or was taken away meanwhile.
    """

    def __init__(self, path: str | Path):
        self.path, self.file, self.alone = Path(path), None, ExitStack()

    def __enter__(self) -> "Records":
        self._make_folder()
        check_writable(self.path)
        self.alone.enter_context(alone(self.path))
        return self

    def __exit__(self, kind: type | None, *_) -> None:
        with self.alone:
            if self.file is None:
                return
            with self.file:
                lost = identity(self.path) != identity(self.file.fileno())
            if lost and kind is None:
                again = "run it again: what models have answered is in the store"
                raise OutputUnusable(f"{self.path}: was removed or replaced while it was written; {again}")

    def write(self, record: dict) -> None:
        """Add a record, such as `record_of` makes."""
        line = json.dumps(record, ensure_ascii=False) + "\n"
        if self.file is None:
            self._make_folder()
            self.file = begun(self.path, line)
        else:
            with clearly(self.path):
                append(self.file, line)

    def _make_folder(self) -> None:
        with clearly(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)


def read_rows(path: str | Path) -> pd.DataFrame:
    """The rows of a file of records without their rationales, as compact as a table of accuracies can do with.

    Words are categories, `id` is the row's place and `cluster` a number, so that a million rows take some 100 MB.
    """
    words, numbers, clusters = {name: {} for name in WORDS}, {name: array("d") for name in NUMBERS}, array("Q")
    codes = {name: array("i") for name in WORDS}
    with Path(path).open(encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            clusters.append(int(record["cluster"], 16))
            for name, known in words.items():
                codes[name].append(-1 if record[name] is None else known.setdefault(record[name], len(known)))
            for name, column in numbers.items():
                # Records of earlier versions have no dollars.
                column.append(nan if record.get(name) is None else record[name])
    columns = {name: pd.Categorical.from_codes(codes[name], list(known)) for name, known in words.items()}
    columns |= {name: np.frombuffer(column) for name, column in numbers.items()}
    return pd.DataFrame(columns | {"cluster": np.array(clusters), "id": np.arange(len(clusters))}, copy=False)
