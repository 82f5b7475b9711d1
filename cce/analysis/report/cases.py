"""The cases of a run for the page's browser: every judgment, its pair, and how its verdict came about.

All of it stands in the run's records; texts that these name by key come from its store. Texts stand once, in one list,
and are named by their place in it: crowd judgments serve several methods.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import chain, repeat

from cce.analysis.report.run import Executed
from cce.crowd.prompts import VERDICT_MARK
from cce.crowd.verdict import verdict_of
from cce.errors import CCEError, NotRecorded
from cce.models.store import Store
from cce.names import short_name
from cce.project import root

# What the browser is told of a judgment, as it stands in the file.
FIELDS = ["method", "verdict", "p_a", "p_given", "p_swapped", "calls", "prompt_tokens", "completion_tokens"]
FIELDS += ["seconds", "outcome_cuts", "context_cuts", "failed"]
# What makes a judgment the one that it is, whatever else a run holds.
KEY = ["benchmark", "id", "judge", "method", "seed"]
# Shorter texts are not worth a place of their own wherever they stand in a prompt.
SHORTEST_SHARED = 40
NO_TRACE = "its record holds no trace; run its notebook again, which writes the file anew"


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
            texts = StoredTexts(notebook)
            for part, records in notebook.judgments.items():
                # One seed needs no telling apart.
                seeded = len({record.get("seed") for record in records}) > 1
                for record in records:
                    self._add(notebook.stem, part, record | ({} if seeded else {"seed": None}), texts)

    def data(self) -> dict:
        """The texts, the pairs, the crowd judgments, the reasons why something is not at hand, and the judgments."""
        lists = {"texts": self.texts, "pairs": self.pairs, "crowd": self.crowd, "whys": self.whys}
        return {name: once.things for name, once in lists.items()} | {"rows": self.rows}

    def _add(self, stem: str, part: str, record: dict, stored: "StoredTexts") -> None:
        key = json.dumps([stem, part, *(record[name] for name in KEY)])
        rationales = [record[name] for name in ("text", "text_swapped") if record.get(name) is not None]
        row = {
            "key": hashlib.sha256(key.encode()).hexdigest()[:12],
            "notebook": stem + (f", {part}" if part else ""),
            "judge": short_name(record["judge"]),
            "seed": record["seed"],
            "outcome": outcome_of(record),
            "texts": self._placed(rationales),
            "context": self._context(record, stored),
            "pair": self._pair(record),
        }
        self.rows.append(row | {name: record.get(name) for name in FIELDS})

    def _placed(self, texts: Sequence[str]) -> list[int]:
        return [self.texts.place(text) for text in texts]

    def _pair(self, record: dict) -> int:
        told = {name: record[name] for name in ("benchmark", "id", "subset", "label")}
        if "pair" not in record:
            return self.pairs.place(told | {"why_not": self.whys.place(NO_TRACE)})
        texts = {name: self._placed(record["pair"][name]) for name in ("questions", "a", "b")}
        return self.pairs.place(told | texts | {"why": record["pair"]["why"]})

    def _context(self, record: dict, stored: "StoredTexts") -> dict | int:
        """How the verdict came about, or the place of the reason why that is not to be had."""
        if record["failed"] or "trace" not in record:
            return self.whys.place(record["failed"] or NO_TRACE)
        trace, pair = record["trace"], record["pair"]
        try:
            crowd = [self._judgment(one, stored) for one in trace["crowd"]]
            prompts = [stored.prompt(key) for key in trace["final"]]
        except CCEError as error:
            return self.whys.place(str(error))
        notes = trace["notes"]
        known = [*pair["questions"], *pair["a"], *pair["b"], *(note["shown"] for note in notes)]
        return {
            "crowd": crowd,
            "selected": [place for place, one in zip(crowd, trace["crowd"], strict=True) if one["selected"]],
            "notes": [
                [crowd[note["of"]], *self._placed([note["written"], note["kept"], note["shown"]])] for note in notes
            ],
            "prompts": [self._placed(_pieces(prompt, known)) for prompt in prompts],
        }

    def _judgment(self, one: Mapping, stored: "StoredTexts") -> int:
        answer = [one["answer"]] if isinstance(one["answer"], str) else list(map(stored.text, one["answer"]))
        told = {
            "side": one["candidate"],
            "letter": one["member"],
            "model": one["model"] and short_name(one["model"]),
            "answer": self._placed(answer),
            "verdict": verdict_of(one["p_a"]),
            "outcome": one["outcome"],
            "texts": self._placed(list(map(stored.text, one["rationales"]))),
        }
        return self.crowd.place(told)


class StoredTexts:
    """The texts in the store of a notebook's run, by key. Raises NotRecorded for one that is not at hand."""

    def __init__(self, notebook: Executed):
        self.path = root() / notebook.parameters["store"] if "store" in notebook.parameters else None

    def text(self, key: str) -> str:
        """What a model answered."""
        return self._found(self.store.response(key), key)["text"]

    def prompt(self, key: str) -> str:
        """What a model was asked."""
        return self._found(self.store.request(key), key)["messages"][0]["content"]

    @cached_property
    def store(self) -> Store:
        """The store, which is only read."""
        if self.path is None or not self.path.is_file():
            raise NotRecorded(f"the run's store is not at hand: {self.path or 'no executed notebook names it'}")
        return Store(self.path, replay=True)

    def _found(self, found: dict | None, key: str) -> dict:
        if found is None:
            raise NotRecorded(f"{self.path} does not hold the completion {key[:12]}")
        return found


def outcome_of(record: dict) -> str:
    """What became of a judgment: right, wrong, tie, unreadable, missing, or unlabelled where nobody knows."""
    if record["failed"] is not None:
        return "missing"
    if record["verdict"] not in ("A", "B"):
        return record["verdict"] or "unreadable"
    return "unlabelled" if record["label"] is None else "right" if record["correct"] else "wrong"


def _pieces(prompt: str, known: Sequence[str]) -> list[str]:
    """The prompt in pieces, of which those that are known texts stand in the list of texts already."""
    pieces, texts = [prompt], {VERDICT_MARK.sub(r"[ [\1] ]", text) for text in known if len(text) >= SHORTEST_SHARED}
    for text in texts:
        pieces = [part for piece in pieces for part in ([piece] if piece in texts else _around(text, piece))]
    return pieces


def _around(text: str, piece: str) -> list[str]:
    before, *after = piece.split(text)
    return [part for part in [before, *chain(*zip(repeat(text), after, strict=False))] if part]
