"""A dry run: a run in which nobody is asked, to plan what a real one will ask for.

Completions come from the run's own store, which is only read, and those that it lacks are supposed. The dry run's
ledger gets one row for every completion that the run needs, however many methods share it.

- A supposed answer has a usual length and the form that the caller expects; which of two answers it prefers is drawn by
  the request's key. Every request gets a text of its own: what is made of two answers stays two requests.
- A supposed comparison may have ended either way: every selection takes what it could take at most, and what outcomes
  may tell apart counts apart. The calls are therefore a bound from above, and exact where outcomes decide nothing.
- Tokens and seconds are the means of the model's completions of this kind in the store (a rewriting takes what a
  judgment does). Where it has none: CHARACTERS_A_TOKEN, TOKENS, and TOKENS_A_SECOND for each request in flight.
- No text is too long for a model, and no call fails.
"""

import json
from collections import defaultdict
from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cce.models.ledger import Ledger, Need
from cce.models.store import Store
from cce.models.store_tables import SOUND
from cce.models.wire import Completion, Kind, Request

# Usual lengths. Judgments: GPT-4o's of the paper's Figure 3, overall, without a crowd; their rewritings are as long.
# Answers: the mean of the published benchmarks' own (bench/hours.py). Lists: ITEMS of 20 tokens, no more than a guess.
TOKENS = {"judgment": 541, "removal": 541, "answer": 270, "list": 160, "letter": 1}
ITEMS = 8
# A rule of thumb for English, and no more; the embedded model's prompts have 3.7.
CHARACTERS_A_TOKEN = 4
# What the embedded model came to on two cores, between reading its prompts.
TOKENS_A_SECOND = 30
# So many completions of a store show what is usual; all of a large one would take minutes to read.
SAMPLE = 2000
NUMBERS = "prompt_tokens", "completion_tokens", "seconds"
# Stands for words, of which outcome removal's rule would leave all.
FILLING = "x" * 39 + " "


# What a batch of work is about to do, such as to judge a pair.
DOING: ContextVar[object] = ContextVar("doing", default=None)


class Usual(NamedTuple):
    """Means over completions: characters per token of prompts, tokens written, and seconds for each of these."""

    characters: float
    tokens: float
    pace: float


class DryRun:
    """A store that has an answer to everything, and notes in the ledger what was needed of a model at an address."""

    replay, damaged = True, ()

    def __init__(self, ledger: Ledger, store: str | Path | None, address: str, concurrency: int):
        self.path = path = Path(store or "").absolute()
        self.recorded, self.usual = _known(path if path.is_file() else None)
        self.ledger, self.place = ledger, (address, concurrency)

    def get(self, request: Request) -> Completion:
        """The stored answer to this request, or a supposed one."""
        found = next(filter(None, map(self.recorded.response, request.keys)), None)
        # A run asks again for what was refused.
        found = None if found and found["finish"] == "refused" else found
        completion = Completion(**found, key=request.key) if found else self._supposed(request)
        numbers = [getattr(completion, name) for name in NUMBERS]
        question, method = _doing()
        # Only what a selection was made for is asked apart.
        stage = "final" if request.expects.apart and request.expects.kind != "removal" else request.expects.kind
        need = Need(completion.key, request.body["model"], *self.place, bool(found), *numbers, question, stage)
        self.ledger.needed.setdefault(completion.key, need)
        self.ledger.asked.add((completion.key, method))
        return completion

    def manners(self, model: str, url: str) -> dict:
        """None: nobody is asked."""
        return {}

    def request(self, key: str) -> dict:
        """What the store itself holds under this key, or a stand-in."""
        return self.recorded.request(key) or {"messages": [{"role": "user", "content": "Supposed."}]}

    def response(self, key: str) -> dict:
        """The same of the answer."""
        return self.recorded.response(key) or {"text": "Supposed."}

    def _supposed(self, request: Request) -> Completion:
        usual = self._usual(request.body["model"], request.expects.kind)
        tokens = min(round(usual.tokens), request.body["max_tokens"])
        key = f"{request.key} {request.expects.apart}".strip()
        completion = supposed(request, tokens * usual.characters, key)
        numbers = round(_size(request.body) / usual.characters), tokens, tokens * usual.pace
        return replace(completion, **dict(zip(NUMBERS, numbers, strict=True)))

    def _usual(self, model: str, kind: Kind) -> Usual:
        like = "judgment" if kind == "removal" else kind
        assumed = Usual(CHARACTERS_A_TOKEN, TOKENS[kind], 1 / TOKENS_A_SECOND)
        return self.usual.get((model, kind)) or self.usual.get((model, like), assumed)


def supposed(request: Request, size: float, key: str) -> Completion:
    """An answer of so many characters as the caller expects it, its value drawn by the key."""
    form, text = request.expects.form, f"Supposed, {key[:16]}. {FILLING * round(size / len(FILLING))}"
    answer = Completion(text, "stop", key=key, supposed=True)
    if request.expects.kind == "list":
        return replace(answer, text=_list(request.body.get("schema"), size, key))
    if form is None:
        return answer
    # Never just in the middle, so that two orders make no tie.
    low, high = 0.05 + 0.4 * int(key[1:9], 16) / 16**8, int(key[0], 16) % 2 == 0
    value = form.least + (1 - low if high else low) * (form.most - form.least)
    return replace(answer, **{form.of: form.write(value, text)})


def _list(schema: dict | None, size: float, key: str) -> str:
    # An object of lists, as all schemas of the kit are; lines where the endpoint, as its store says, takes no schema.
    filling = FILLING * round(size / ITEMS / len(FILLING))
    points = [f"Supposed, {key[:16]}, {n}. {filling}" for n in range(ITEMS)]
    if schema is None:
        return "\n".join(f"- {point}" for point in points)
    items = {"string": points, "integer": list(range(1, ITEMS + 1))}
    return json.dumps({name: items[listed["items"]["type"]] for name, listed in schema["properties"].items()})


def _doing() -> tuple[str, str]:
    """The first question of what is being done, and the method by which it is judged; empty where there is none."""
    thing = DOING.get()
    parts = thing if isinstance(thing, tuple) else (thing,)
    return next((part.asked for part in parts if hasattr(part, "asked")), ""), getattr(thing, "method", "")


def forget() -> None:
    """Read stores anew, which may have grown since an earlier plan."""
    _known.cache_clear()


@cache
def _known(path: Path | None) -> tuple[Store, dict[tuple[str, Kind], Usual]]:
    """The store, and what is usual in it by model and kind, from completions that are drawn evenly."""
    store, seen = Store(path, replay=True) if path else Store(), defaultdict(list)
    last = store.db.execute("SELECT max(rowid) FROM completions").fetchone()[0] or 0
    drawn = json.dumps(list(range(1, last + 1, max(1, last // SAMPLE))))
    found = f"""SELECT request, response FROM completions WHERE rowid IN (SELECT value FROM json_each(?))
    AND {SOUND}"""
    for row in store.db.execute(found, (drawn,)):
        request, answer = map(json.loads, row)
        # Refused prompts count no tokens, nor do servers that report none. Old stores have no kinds.
        size = _size(request) if answer["prompt_tokens"] else 0
        seen[request["model"], request.get("expects")].append((size, *(answer[name] for name in NUMBERS)))
    sums = {place: (len(rows), *map(sum, zip(*rows, strict=True))) for place, rows in seen.items()}
    return store, {
        # What came in batches tells no seconds.
        place: Usual(size / read, written / number, seconds / written or 1 / TOKENS_A_SECOND)
        for place, (number, size, read, written, seconds) in sums.items()
        if read and written
    }


def _size(body: dict) -> int:
    return sum(len(message["content"]) for message in body["messages"])
