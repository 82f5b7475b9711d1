"""A real HTTP server whose analyst finds exactly the points that are planted in the texts, as "[point: blue]".

Points in words for one thing, "blue", "navy" and "azure", are merged. How it answers depends on the model's name.
"""

import json
import re
from itertools import count

from aiohttp import web

from cce.benchmarks.files import read_rows
from cce.chat.key_points import PLANTED
from tests.fake_server import FakeServer, sections

MARK = re.compile(r"\[point: ([^\]]+)\]")
SYNONYMS = {"navy": "blue", "azure": "blue"}
RUBBISH = [
    "",
    "{",
    '{"points": [',
    '{"points": {"a": 1}}',
    '{"points": [1, null, true]}',
    '{"points": ["", "...", "!?"]}',
    "null",
    "[[[[[",
    "\x00 \u202e I would rather not.",
    '{"made": "all"}',
    "- ",
    "9" * 9000,
]


class FakeAnalyst(FakeServer):
    """Serves these models, all of which read alike.

    `schema` answers in JSON if it gets a schema, and nothing without one; `bullets` ignores the schema and answers in
    plain lists; `refusing` has no schemas, and answers in fenced JSON amid chatter; `wordy` answers in JSON that
    breaks off in the middle; `mergeless` is cut off on merging; `rubbish` answers in none of these ways; `knowing`
    knows the package's planted rationales.
    """

    def __enter__(self) -> "FakeAnalyst":
        self.rubbish = count()
        return super().__enter__()

    def refusals(self) -> int:
        """How many requests came to a model that refuses schemas with one."""
        return sum(asked["model"] == "refusing" and "response_format" in asked for asked in self.requests)

    async def _complete(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.requests.append(asked)
        size = len(asked["messages"][0]["content"])
        if self.context and size > self.context:
            return web.json_response({"error": {"message": f"maximum context length is {self.context}"}}, status=400)
        if asked["model"] == "refusing" and "response_format" in asked:
            return web.json_response({"error": {"message": "response_format is not supported"}}, status=400)
        text, finish = self._reply(asked)
        usage = {"prompt_tokens": size, "completion_tokens": len(text), "total_tokens": size + len(text)}
        choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
        return web.json_response(
            {"id": "x", "object": "chat.completion", "created": 0}
            | {"model": asked["model"], "choices": [choice], "usage": usage}
        )

    def _reply(self, asked: dict) -> tuple[str, str]:
        shown, model = sections(asked["messages"][0]["content"]), asked["model"]
        if model == "rubbish":
            return RUBBISH[next(self.rubbish) % len(RUBBISH)], "stop"
        name, found = read(shown, model)
        if model == "mergeless" and kind_of(shown) == "merge":
            return json.dumps({name: found[:1]}), "length"
        return written(asked, name, found), "stop"


def kind_of(shown: dict[str, str]) -> str:
    """Which of its four questions the analyst is asked."""
    if "The points" in shown:
        return "made" if "The explanation" in shown else "merge"
    return "rationale" if "The explanation" in shown else "answers"


def read(shown: dict[str, str], model: str) -> tuple[str, list]:
    """The key of the answer and what a perfect reader finds, in which points may stand more than once."""
    kind, points = kind_of(shown), re.findall(r"^(?:- |\d+\. )(.+)$", shown.get("The points", ""), re.M)
    if kind == "merge":
        return "points", list(dict.fromkeys(SYNONYMS.get(point, point) for point in points))
    made = known(shown) if model == "knowing" else MARK.findall(" ".join(shown.values()))
    if kind != "made":
        return "points", made
    meant = [SYNONYMS.get(point.lower(), point.lower()) for point in made]
    # As models do: a number twice, and numbers that are none of the list's.
    marked = [number for number, point in enumerate(points, start=1) if point.lower() in meant]
    return "made", [*marked, *marked[:1], 0, 999]


def known(shown: dict[str, str]) -> list[str]:
    """The points of one of the package's planted rationales."""
    for item in read_rows(PLANTED):
        for rationale in item["rationales"]:
            if rationale["text"].splitlines()[0] in shown["The explanation"]:
                return [item["pool"][number - 1].lower() for number in rationale["made"]]
    return []


def written(asked: dict, name: str, found: list) -> str:
    """What was found, in the way of this model."""
    text = json.dumps({name: found})
    schema = asked.get("response_format", {}).get("json_schema", {}).get("schema", {})
    ways = {
        "schema": text if name in schema.get("properties", {}) else "",
        "bullets": "\n".join(f"- {x}" for x in found) if name == "points" else ", ".join(map(str, found)),
        "refusing": f'Sure, in the form {{"{name}": []}}:\n```json\n{text}\n```\nAnything else?',
        "wordy": text.removesuffix("]}") + (', "and a further poi' if name == "points" else ","),
    }
    return ways.get(asked["model"], text)
