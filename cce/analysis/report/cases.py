"""The cases of a run for the page's browser: every judgment, its pair, and how its verdict came about.

All of it stands in the run's records; texts that these name by key come from its store. What is no number or text where
one belongs is left out: the page's script takes them as they are.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count

from cce.analysis.report.run import Executed, blaming, number
from cce.crowd.marks import without_marks
from cce.crowd.verdict import verdict_of
from cce.errors import CCEError
from cce.models.wire import asked_in
from cce.names import short_name
from cce.text import visible

# What the browser is told of a judgment, as it stands in the file.
WORDS, CHANCES = ["method", "verdict", "unreadable", "failed"], ["p_a", "p_given", "p_swapped"]
NUMBERS = ["calls", "prompt_tokens", "completion_tokens", "seconds", "outcome_cuts", "context_cuts", "crowd_refused"]
# Shorter texts are not worth a place of their own wherever they stand in a prompt.
SHORTEST_SHARED = 40
NO_TRACE = "its record holds no trace; run its notebook again, which writes the file anew"


class Cases:
    """All judgments of a run's notebooks, as plain lists and dicts for JSON.

    What several rows share, such as a crowd judgment that serves several methods, stands in one list, and is named by
    its place there.
    """

    def __init__(self, notebooks: Sequence[Executed]):
        # Each stands once, in the order in which it came; a new one gets the next place.
        self.texts, self.pairs, self.crowd, self.whys = (defaultdict(count().__next__) for _ in range(4))
        self.rows = []
        for notebook in notebooks:
            for part, records in notebook.judgments.items():
                # One seed needs no telling apart.
                seeded = len({record.get("seed") for record in records}) > 1
                for line, record in enumerate(records, 1):
                    with blaming(f"{notebook.folder / notebook.stem}{part and '_'}{part}.jsonl, line {line}"):
                        self._add(notebook, part, record if seeded else record | {"seed": None})

    def data(self) -> dict:
        """The texts, the pairs, the crowd judgments, the reasons why something is not at hand, and the judgments."""
        pairs, crowd = (list(map(json.loads, places)) for places in (self.pairs, self.crowd))
        return _seen({"texts": [*self.texts], "pairs": pairs, "crowd": crowd, "whys": [*self.whys], "rows": self.rows})

    def _add(self, notebook: Executed, part: str, record: dict) -> None:
        # What makes a judgment the one that it is, whatever else a run holds.
        key = [notebook.stem, part, *(record[name] for name in ("benchmark", "id", "judge", "method", "seed"))]
        row = {
            "key": hashlib.sha256(json.dumps(key).encode()).hexdigest()[:12],
            "notebook": notebook.stem + (f", {part}" if part else ""),
            "judge": short_name(record["judge"]),
            "seed": record["seed"],
            "outcome": outcome_of(record),
            "texts": self._places(record[name] for name in ("text", "text_swapped") if record.get(name) is not None),
            "context": self._context(record, notebook),
            "pair": self._pair(record),
        }
        row |= {name: _word(record.get(name)) for name in WORDS}
        row |= {name: number(record.get(name)) or 0 for name in NUMBERS} | {"latency": number(record.get("latency"))}
        self.rows.append(row | {name: _chance(record.get(name)) for name in CHANCES})

    def _places(self, texts: Iterable[str]) -> list[int]:
        return [self.texts[text] for text in texts]

    def _pair(self, record: dict) -> int:
        told, pair = {name: record[name] for name in ("benchmark", "id", "subset", "label")}, record.get("pair")
        if pair is None:
            return self.pairs[json.dumps(told | {"why_not": self.whys[NO_TRACE]})]
        told |= {name: self._places(pair[name]) for name in ("questions", "a", "b")}
        return self.pairs[json.dumps(told | {"why": pair["why"]})]

    def _context(self, record: dict, notebook: Executed) -> dict | int:
        """How the verdict came about, or the place of the reason why that is not to be had."""
        if record["failed"] or "trace" not in record:
            return self.whys[record["failed"] or NO_TRACE]
        trace, pair = record["trace"], record["pair"]
        try:
            crowd = [self._judgment(one, notebook) for one in trace["crowd"]]
            prompts = [asked_in(notebook.stored("request", key)) for key in trace["final"]]
            thinking = [notebook.stored("response", key).get("thinking") for key in trace["final"]]
        except CCEError as error:
            return self.whys[str(error)]
        notes = [(note["written"], note["kept"], note["shown"]) for note in trace["notes"]]
        told = [[crowd[note["of"]], *self._places(texts)] for note, texts in zip(trace["notes"], notes, strict=True)]
        known = [*pair["questions"], *pair["a"], *pair["b"], *(shown for _, _, shown in notes)]
        selected = [place for place, one in zip(crowd, trace["crowd"], strict=True) if one["selected"]]
        pieces = [self._places(_pieces(prompt, known)) for prompt in prompts]
        told = {"crowd": crowd, "of": trace.get("notes_of"), "selected": selected, "notes": told, "prompts": pieces}
        return told | {"thinking": self._places(filter(None, thinking))}

    def _judgment(self, one: dict, notebook: Executed) -> int:
        answer = one["answer"]
        answers = [answer] if isinstance(answer, str) else [notebook.stored("response", key)["text"] for key in answer]
        told = {"side": one["candidate"], "letter": one["member"], "model": one["model"] and short_name(one["model"])}
        told |= {"answer": self._places(answers), "verdict": verdict_of(_chance(one["p_a"])), "outcome": one["outcome"]}
        rationales = (notebook.stored("response", key)["text"] for key in one["rationales"])
        return self.crowd[json.dumps(told | {"texts": self._places(rationales)})]


def outcome_of(record: dict) -> str:
    """What became of a judgment: right, wrong, tie, unreadable, missing, or unlabelled where nobody knows."""
    if record["failed"] is not None:
        return "missing"
    if record["correct"] or record["verdict"] is None:
        return "right" if record["correct"] else "unreadable"
    if record["verdict"] == "tie":
        return "tie"
    return "unlabelled" if record["label"] is None else "wrong"


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _chance(value: object) -> float | None:
    known = number(value)
    return known if known is not None and 0 <= known <= 1 else None


def _seen(value: object) -> object:
    """The same with all texts `visible`."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [_seen(one) for one in value]
    return {name: _seen(one) for name, one in value.items()} if isinstance(value, dict) else value


def _pieces(prompt: str, known: Sequence[str]) -> list[str]:
    """The prompt in pieces, of which those that are known texts stand in the list of texts already."""
    shared = dict.fromkeys(without_marks(text) for text in known if len(text) >= SHORTEST_SHARED)
    pieces = [prompt]
    for text in shared:
        around = re.compile(f"({re.escape(text)})")
        split = ([piece] if piece in shared else around.split(piece) for piece in pieces)
        pieces = [part for parts in split for part in parts if part]
    return pieces
