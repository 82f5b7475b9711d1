"""The cases of a run for the page's browser: every judgment, its pair, and how its verdict came about.

Texts stand once, in one list, and are named by their place in it: crowd judgments serve several methods.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import chain, repeat

from cce.analysis.report.executed import Executed
from cce.analysis.report.replays import NEEDED, UNKNOWN, Sitting, replayed, replaying, sitting
from cce.benchmarks.pair import Pair
from cce.crowd.judgments import CrowdJudgment
from cce.crowd.prompts import VERDICT_MARK
from cce.crowd.result import Result
from cce.names import short_name

# What the browser is told of a judgment, as it stands in the file.
FIELDS = ["method", "verdict", "p_a", "p_given", "p_swapped", "calls", "prompt_tokens", "completion_tokens"]
FIELDS += ["seconds", "outcome_cuts", "context_cuts", "failed"]
# What makes a judgment the one that it is, whatever else a run holds.
KEY = ["benchmark", "id", "judge", "method", "seed"]
# Shorter texts are not worth a place of their own wherever they stand in a prompt.
SHORTEST_SHARED = 40


class Once:
    """Things that stand once in a list, by their place in it."""

    def __init__(self) -> None:
        self.things: list[str | dict] = []
        self._places: dict[str, int] = {}

    def place(self, thing: str | dict) -> int:
        """Where the thing stands; one that does not yet is put in."""
        name = json.dumps(thing) if isinstance(thing, dict) else thing
        if name not in self._places:
            self._places[name] = len(self.things)
            self.things.append(thing)
        return self._places[name]


class Cases:
    """All judgments of a run's notebooks, as plain lists and dicts for JSON."""

    def __init__(self, notebooks: Sequence[Executed]):
        self.texts, self.pairs, self.crowd, self.whys, self.rows = Once(), Once(), Once(), Once(), []
        for notebook in notebooks:
            for part, rows in notebook.judgments.items():
                self._add(notebook, part, rows)

    def data(self) -> dict:
        """The texts, the pairs, the crowd judgments, the reasons why something is not at hand, and the judgments."""
        lists = {"texts": self.texts, "pairs": self.pairs, "crowd": self.crowd, "whys": self.whys}
        return {name: once.things for name, once in lists.items()} | {"rows": self.rows}

    def _add(self, notebook: Executed, part: str, rows: list[dict]) -> None:
        found = sitting(notebook.parameters, part) if notebook.parameters.keys() >= NEEDED else None
        pairs, missing = found.pairs() if found else ({}, {})
        own = [pairs.get((row["benchmark"], row["id"])) for row in rows]
        contexts = dict(self._contexts(found, rows, own) if found else ())
        for place, (row, pair) in enumerate(zip(rows, own, strict=True)):
            why = missing.get(row["benchmark"], "no pair of that name is where the run had it") if found else UNKNOWN
            told = self._row(notebook.stem, part, row, contexts.get(place, why))
            self.rows.append(told | {"pair": self._pair(row, pair, why)})

    def _contexts(self, found: Sitting, rows: list[dict], own: list[Pair | None]) -> Iterator[tuple[int, dict | str]]:
        """By place, how the judgments of the pairs that are at hand came about, or why that is not to be had."""
        places = [place for place, pair in enumerate(own) if pair and not rows[place]["failed"]]
        with replaying(found.parameters["store"]):
            kept = replayed(found, [rows[k] for k in places], [own[k] for k in places], self._context)
        yield from zip(places, kept, strict=True)
        yield from ((place, row["failed"]) for place, row in enumerate(rows) if row["failed"])

    def _row(self, stem: str, part: str, row: dict, context: dict | str) -> dict:
        key = json.dumps([stem, part, *(row.get(name) for name in KEY)])
        texts = [self.texts.place(row[name]) for name in ("text", "text_swapped") if row.get(name) is not None]
        return {
            "key": hashlib.sha256(key.encode()).hexdigest()[:12],
            "notebook": stem + (f", {part}" if part else ""),
            "judge": short_name(row["judge"]),
            "seed": row.get("seed"),
            "outcome": outcome_of(row),
            "texts": texts,
            "context": self.whys.place(context) if isinstance(context, str) else context,
            **{name: row.get(name) for name in FIELDS},
        }

    def _pair(self, row: dict, pair: Pair | None, why: str) -> int:
        told = {name: row[name] for name in ("benchmark", "id", "subset", "label")}
        if pair is None:
            told["why_not"] = self.whys.place(why)
            return self.pairs.place(told)
        turns = {"questions": pair.questions, "a": pair.answers_a, "b": pair.answers_b}
        told |= {name: self._places(texts) for name, texts in turns.items()} | {"why": pair.why}
        return self.pairs.place(told)

    def _places(self, texts: Sequence[str]) -> list[int]:
        return [self.texts.place(text) for text in texts]

    def _context(self, result: Result) -> dict:
        case, pair = result.case, result.case.pair
        known = [*pair.questions, *pair.answers_a, *pair.answers_b, *(note.shown for note in case.notes)]
        return {
            "crowd": [self._judgment(one) for one in case.crowd_judgments],
            "selected": [self._judgment(one) for one in case.selected],
            "notes": [
                [self._judgment(note.of), *self._places([note.written, note.kept, note.shown])] for note in case.notes
            ],
            "prompts": [self._places(_pieces(one.prompt, known)) for one in result.judgment.readings if one.prompt],
        }

    def _judgment(self, one: CrowdJudgment) -> int:
        told = {
            "side": one.candidate,
            "letter": one.member.letter,
            "model": short_name(one.member.model.model) if one.member.model else None,
            "answer": self._places(one.answer),
            "verdict": one.judgment.verdict,
            "outcome": one.outcome,
            "texts": self._places([reading.text for reading in one.judgment.readings]),
        }
        return self.crowd.place(told)


def outcome_of(row: dict) -> str:
    """What became of a judgment: right, wrong, tie, unreadable, missing, or unlabelled where nobody knows."""
    if row["failed"] is not None:
        return "missing"
    if row["verdict"] not in ("A", "B"):
        return row["verdict"] or "unreadable"
    return "unlabelled" if row["label"] is None else "right" if row["correct"] else "wrong"


def _pieces(prompt: str, known: Sequence[str]) -> list[str]:
    """The prompt in pieces, of which those that are known texts stand in the list of texts already."""
    pieces, texts = [prompt], {VERDICT_MARK.sub(r"[ [\1] ]", text) for text in known if len(text) >= SHORTEST_SHARED}
    for text in texts:
        pieces = [part for piece in pieces for part in ([piece] if piece in texts else _around(text, piece))]
    return pieces


def _around(text: str, piece: str) -> list[str]:
    before, *after = piece.split(text)
    return [part for part in [before, *chain(*zip(repeat(text), after, strict=False))] if part]
