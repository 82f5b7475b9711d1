"""The analyst: a model that reads answers and rationales, and lists, merges and marks key points.

Lists are asked for with a JSON schema where the endpoint takes one. Not every endpoint holds its models to it, and an
answer may stop in the middle of a list. The reading therefore takes the whole strings of a JSON list wherever it
stands, else the items of a list in plain text.
"""

import asyncio
import json
import re
from collections.abc import Iterable
from functools import partial

from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison
from cce.crowd.prompts import render
from cce.crowd.session import Session, Texts
from cce.errors import ContextOverflow, SchemaRefused
from cce.models.client import LLM
from cce.models.wire import Completion, Expects
from cce.options import Options
from cce.text import whole_characters


def list_schema(name: str, kind: str) -> dict:
    """The JSON schema of an object that has nothing but a list `name` of items of that JSON type."""
    items = {"type": "array", "items": {"type": kind}}
    return {"type": "object", "properties": {name: items}, "required": [name], "additionalProperties": False}


POINTS, MADE = list_schema("points", "string"), list_schema("made", "integer")
STRING = r'"(?:[^"\\]|\\.)*"'
# After its name, or at the beginning of a line.
STRINGS = re.compile(rf'(?:points"\s*:\s*|^[ \t]*)\[((?:\s*{STRING}\s*,?)*)', re.MULTILINE | re.DOTALL | re.IGNORECASE)
ITEM = re.compile(r"^[ \t]*(?:[-*•]|\d+[.)])[ \t]+(.+)$", re.MULTILINE)
NUMBERS = re.compile(r'"made"\s*:\s*\[([^\]]*)')
# A longer one is no number of a list, and `int` refuses very long ones.
NUMBER = r"(?<!\d)\d{1,6}(?!\d)"
RUN = re.compile(rf"{NUMBER}(?:\s*(?:,|and|&)\s*{NUMBER})+")


class Analyst:
    """The model that reads, asked at temperature 0. An endpoint that refuses the first schema is sent no other."""

    def __init__(self, model: str, options: Options):
        self.model, self.options = LLM(model, options), options
        self.has_schemas: bool | None = None
        self.first = asyncio.Lock()

    async def of_answers(self, session: Session, pair: Pair) -> list[str]:
        """The points that can be made about the pair's answers, on reading these alone."""
        return read_points(await self._read(session, "points_of_answers", POINTS, Comparison.of(pair).texts()))

    async def of_rationale(self, session: Session, rationale: str) -> list[str]:
        """The points that a rationale makes, on reading it alone."""
        return read_points(await self._read(session, "points_of_rationale", POINTS, {"rationale": rationale}))

    async def merged(self, session: Session, points: list[str]) -> list[str]:
        """The points without those that say the same in other words; all of them where the merging fails."""
        if len(points) < 2:
            return points
        prompt = render("points_merged", self.options.prompts, points="\n".join(f"- {point}" for point in points))
        try:
            # A pair's points may take four times the tokens of one rationale's.
            reply = await self.ask(session, prompt, POINTS, max_tokens=4 * self.options.max_tokens)
        except ContextOverflow:
            return points
        merged = [] if reply.finish == "length" else read_points(reply.text)
        return merged if 0 < len(merged) <= len(points) else points

    async def made(self, session: Session, rationale: str, inventory: list[str]) -> list[int]:
        """The numbers, from 1, of the inventory's points that a rationale makes."""
        if not inventory:
            return []
        # One text, which can be shortened however many points it holds.
        numbered = "\n".join(f"{number}. {point}" for number, point in enumerate(inventory, start=1))
        read = await self._read(session, "points_made", MADE, {"rationale": rationale, "points": numbered})
        return read_numbers(read, len(inventory))

    async def _read(self, session: Session, name: str, schema: dict, texts: Texts) -> str:
        async def attempt(texts: Texts) -> str:
            return (await self.ask(session, render(name, self.options.prompts, **texts), schema)).text

        return await session.fitted(texts, attempt)

    async def ask(self, session: Session, prompt: str, schema: dict, **sampling) -> Completion:
        """The model's completion, held to the schema unless that is refused."""
        asked = partial(session.ask, self.model, prompt, Expects("list"), temperature=0.0, **sampling)
        # The first request goes alone, so that a schema is refused once and not by all that are in flight.
        async with self.first:
            if self.has_schemas is None:
                return await self._asked(asked, schema)
        return await self._asked(asked, schema)

    async def _asked(self, asked: partial, schema: dict) -> Completion:
        if self.has_schemas is not False:
            try:
                completion = await asked(schema=schema)
                self.has_schemas = True
                return completion
            except SchemaRefused:
                # Later, the refusal is of that one prompt.
                self.has_schemas = bool(self.has_schemas)
        return await asked()


def read_points(text: str) -> list[str]:
    """The distinct points in a model's reply: of its last JSON list of strings, else of the lines of a plain list."""
    lists = STRINGS.findall(text)
    strings = re.findall(STRING, lists[-1], re.DOTALL) if lists else []
    return distinct(map(_decoded, strings) if lists else ITEM.findall(text))


def read_numbers(text: str, last: int) -> list[int]:
    """The distinct numbers from 1 to `last` in a reply: its last JSON list "made", or last run of numbers, or all."""
    lists, runs = NUMBERS.findall(text), RUN.findall(text)
    found = map(int, re.findall(NUMBER, lists[-1] if lists else runs[-1] if runs else text))
    return sorted({number for number in found if 1 <= number <= last})


def distinct(points: Iterable[str]) -> list[str]:
    """The points, each on one line, in their first wording; case, space and punctuation tell no two apart."""
    first = {}
    for point in points:
        first.setdefault(re.sub(r"[\W_]+", " ", point.casefold()).strip(), " ".join(point.split()))
    return [point for key, point in first.items() if key]


def _decoded(string: str) -> str:
    try:
        return whole_characters(json.loads(string, strict=False))
    except ValueError:  # an escape that JSON does not know, as of LaTeX
        return string[1:-1]
