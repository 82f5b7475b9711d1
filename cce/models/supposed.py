"""What a plan supposes that a model would answer, where nobody is asked.

- A text of a usual length that ends with what its reader looks for: a verdict, a rating, a letter, a list by a schema.
  Every request gets a text of its own, so that what is made of two answers stays two requests.
- An answer that a model of this run gave, in the store or supposed, beats one that came with the pair. A crowd's
  comparisons are therefore lost, all of them, so that most is rewritten. Between two answers of one kind, such
  as those of a final judgment or of a pool of responses, the verdict is drawn by the request's key.
- Tokens and seconds are the means that this model has in the store for this kind of request (a rewriting takes what a
  judgment does). Where it has none: four characters a token, TOKENS, and TOKENS_A_SECOND for each request in flight.
- No text is too long for a model, and no call fails.

Who wins is read off the sections of the kit's own prompts: with prompts of your own every verdict is drawn.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from math import log

from cce.models.store import Completion, Store

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

# By words of the prompt, how a judge says that the first answer is the better one, or the second; a single answer is
# rated. Formats put this in the first line or at the end: a supposed judgment has it in both places.
VERDICTS = {
    "[[A]]": ("[[A]]", "[[B]]"),
    "Rating: [[number]]": ("Rating: [[7]]", "Rating: [[4]]"),
    "final decision is": ("So, the final decision is Response 1", "So, the final decision is Response 2"),
    "### Evaluation:": ("1", "2"),
    "### Response:": ("8 5", "5 8"),
    "[RESULT] (an integer": ("[RESULT] 4", "[RESULT] 2"),
    "[RESULT] (": ("[RESULT] A", "[RESULT] B"),
}
ANSWER = re.compile(r"^(=+) Assistant ([AB])'s answer(?:, turn \d+)? \1\n(.*?)\n(?=\1 )", re.MULTILINE | re.DOTALL)
# Stands for words. Outcome removal's rule leaves it, and reads over long words quickly: most of a plan's time is its.
FILLING = "x" * 39 + " "


@dataclass(frozen=True)
class Usual:
    """Means over the completions of one model and kind: characters a token of prompts, tokens written, seconds for each
    of these, in which the prompt was read as well.
    """

    characters: float
    tokens: float
    pace: float


class Supposer:
    """Supposes completions by what is usual in a store, and remembers which answers models gave."""

    def __init__(self, store: Store):
        self.usual, self.answers = usual_in(store), set()

    def remember(self, request: dict, text: str) -> None:
        """Know this answer again, where it stands before a judge."""
        if kind_of(request) == "answer":
            self.answers.add(hash(text))

    def suppose(self, request: dict, key: str) -> Completion:
        """The completion of a request that has this key in the store."""
        kind, prompt = kind_of(request), request["messages"][0]["content"]
        usual, first = self._usual(request["model"], kind), self._first_wins(prompt, key)
        tokens = min(round(usual.tokens), request["max_tokens"])
        size = tokens * usual.characters
        return Completion(
            _list(request["schema"], size, key) if kind == "list" else _said(prompt, first, size, key),
            "stop",
            round(_size(request) / usual.characters),
            tokens,
            tokens * usual.pace,
            _likeliest(first, key) if kind == "letter" else None,
        )

    def _usual(self, model: str, kind: str) -> Usual:
        # A rewriting is about as long as the judgment.
        kinds = (kind, "judgment") if kind == "removal" else (kind,)
        return next((self.usual[model, one] for one in kinds if (model, one) in self.usual), assumed(kind))

    def _first_wins(self, prompt: str, key: str) -> bool:
        # Of a conversation the last turn.
        shown = {letter: text for _, letter, text in ANSWER.findall(prompt)} if self.answers else {}
        modelled = [hash(shown.get(letter)) in self.answers for letter in "AB"]
        return modelled[0] if modelled[0] != modelled[1] else int(key[0], 16) % 2 == 0


def kind_of(request: dict) -> str:
    """What is asked for: one of TOKENS."""
    prompt = request["messages"][0]["content"]
    if request["top_logprobs"]:
        return "letter"
    if "schema" in request:
        return "list"
    if "= The comparison =" in prompt:
        return "removal"
    return "judgment" if any(words in prompt for words in VERDICTS) else "answer"


def assumed(kind: str) -> Usual:
    """What is taken for usual where the store shows nothing."""
    return Usual(CHARACTERS_A_TOKEN, TOKENS[kind], 1 / TOKENS_A_SECOND)


def usual_in(store: Store) -> dict[tuple[str, str], Usual]:
    """What is usual by model and kind of request, from SAMPLE of the store's completions, drawn evenly."""
    seen = defaultdict(list)
    for request, answer in _sample(store):
        seen[request["model"], kind_of(request)].append((_size(request), answer))
    return {place: usual for place, found in seen.items() if (usual := _mean(found))}


def _mean(found: list[tuple[int, dict]]) -> Usual | None:
    # Refused prompts count no tokens, nor do servers that report none.
    read, written, seconds = (sum(answer[name] for _, answer in found) for name in NUMBERS)
    size = sum(size for size, answer in found if answer["prompt_tokens"])
    return Usual(size / read, written / len(found), seconds / written) if read and written else None


def _size(request: dict) -> int:
    return sum(len(message["content"]) for message in request["messages"])


def _sample(store: Store) -> Iterator[tuple[dict, dict]]:
    last = store.db.execute("SELECT max(rowid) FROM completions").fetchone()[0] or 0
    drawn = json.dumps(list(range(1, last + 1, max(1, last // SAMPLE))))
    found = "SELECT request, response FROM completions WHERE rowid IN (SELECT value FROM json_each(?))"
    return ((json.loads(request), json.loads(answer)) for request, answer in store.db.execute(found, (drawn,)))


def _said(prompt: str, first: bool, size: float, key: str) -> str:
    text = f"Supposed, {key[:16]}. {_filling(size)}"
    ways = next((ways for words, ways in VERDICTS.items() if words in prompt), None)
    verdict = ways and ways[0 if first else 1]
    return f"{verdict}\n{text}\n{verdict}" if verdict else text


def _filling(size: float) -> str:
    return FILLING * round(size / len(FILLING))


def _list(schema: dict, size: float, key: str) -> str:
    # An object of lists, as all schemas of the kit are.
    points = [f"Supposed, {key[:16]}, {n}. {_filling(size / ITEMS)}" for n in range(ITEMS)]
    items = {"string": points, "integer": list(range(1, ITEMS + 1))}
    return json.dumps({name: items[listed["items"]["type"]] for name, listed in schema["properties"].items()})


def _likeliest(first: bool, key: str) -> dict[str, float]:
    # Letters for those who compare, digits for those who rate. The share varies, so that two orders make no tie.
    low = 0.05 + 0.4 * int(key[:8], 16) / 16**8
    shares = (1 - low, low) if first else (low, 1 - low)
    return {token: log(share / 2) for token, share in zip("AB73", shares * 2, strict=True)}
