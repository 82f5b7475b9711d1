"""Figure 4: how many key points a rationale makes, and how much of what can be said of the pair it covers.

The paper does not define its two measures. Ours:

- A key point is one specific observation about one of the two answers, or about how they differ. A verdict, a
  repetition in other words and a general remark are none. The points of a rationale are the distinct ones that
  the analyst, a model, lists on reading it.
- The inventory of a pair holds the distinct points that can be made about its answers: those that the analyst lists
  on reading question and answers alone, and those of all rationales compared on that pair, merged by the analyst.
- The coverage of a rationale is the share of the inventory that it makes, as the analyst marks the points on reading
  the rationale beside the numbered inventory.

Lists are asked for with a JSON schema. Not every endpoint takes one or holds to it, and an answer may stop within a
list: the whole strings of a JSON list are read wherever it stands, else a plain list.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from math import nan
from pathlib import Path

import pandas as pd

from cce.benchmarks.files import read_rows
from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison
from cce.crowd.prompts import Texts, render
from cce.crowd.session import Session
from cce.errors import BadInput, ContextOverflow, SchemaRefused
from cce.models.client import LLM
from cce.models.loop import together
from cce.models.steps import results
from cce.models.wire import Completion, Expects
from cce.options import Options
from cce.text import whole_characters

PLACE = ["benchmark", "id", "cluster", "judge", "method"]
COLUMNS = [*PLACE, "points", "pool", "coverage", "rationale_tokens", "calls", "tokens", "context_cuts", "listed"]
PLANTED = Path(__file__).parent / "data" / "planted_points.jsonl"
# A list is shorter than an answer.
OF_LISTS = Options(max_tokens=512)


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


def key_points(
    pairs: Sequence[Pair], judgments: pd.DataFrame, analyst: str, options: Options = OF_LISTS, **changes
) -> pd.DataFrame:
    """Count the key points of every rationale, and the share of its pair's inventory that it makes.

    Takes the pairs that were judged, and judgments as `evaluate` returns them; rows without a text are left out. The
    analyst is the model that reads; one list of it has max_tokens at most, and one that it merges four times as many.
    Returns one row per rationale, pair by pair: PLACE, points (how many), pool (how many points the inventory has),
    coverage (0 to 1, NaN for an empty inventory), rationale_tokens, calls and tokens of the analyst, context_cuts
    (prompts shortened to fit its context), listed (the points, a JSON list). Calls, tokens and cuts are those of the
    two prompts on that rationale; the pair's own, which all its rationales share, stand in no row.
    Raises BadInput for judgments of other pairs or without a needed column; see `cce.chat` for other errors.
    """
    work = _by_pair(pairs, judgments)
    return pd.DataFrame(_read(Analyst(analyst, options.but(**changes)), work, _pair_rows), columns=COLUMNS)


def check_analyst(analyst: str, options: Options = OF_LISTS, **changes) -> pd.DataFrame:
    """Let the analyst read rationales whose points are known, with the known inventory of their pair.

    Takes the options of `key_points`. Returns one row per rationale: id, planted (points in it), counted (points that
    the analyst lists), planted_coverage, coverage (0 to 1), hits (planted points that it marks), false_marks (others
    that it marks). Only these two together tell whether it found the points: who marks everything hits everything.
    """
    return pd.DataFrame(_read(Analyst(analyst, options.but(**changes)), read_rows(PLANTED), _planted_rows))


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
    places = NUMBERS.findall(text) or RUN.findall(text) or [text]
    return sorted({number for number in map(int, re.findall(NUMBER, places[-1])) if 1 <= number <= last})


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


def _read(analyst: Analyst, work: list, rows_of: Callable[..., Awaitable[list[dict]]]) -> list[dict]:
    step, concurrency = partial(rows_of, analyst), analyst.options.concurrency
    return list(chain(*results("reading", len(work), [analyst.model], work, step, concurrency)))


def _by_pair(pairs: Sequence[Pair], judgments: pd.DataFrame) -> list[tuple[Pair, pd.DataFrame]]:
    if missing := [column for column in [*PLACE, "text", "rationale_tokens"] if column not in judgments]:
        raise BadInput(f"judgments without the columns {', '.join(missing)}: give them as evaluate returns them")
    known = {(pair.benchmark, pair.id): pair for pair in pairs}
    groups = judgments[judgments.text.fillna("").str.strip() != ""].groupby(["benchmark", "id"], sort=False)
    if unknown := [place for place, _ in groups if place not in known]:
        raise BadInput(f"judgments of a pair that is not among the pairs: {unknown[0]}")
    return [(known[place], group) for place, group in groups]


async def _pair_rows(analyst: Analyst, part: tuple[Pair, pd.DataFrame]) -> list[dict]:
    pair, judgments = part
    own, *sessions = [Session(pair.id, analyst.options) for _ in range(1 + len(judgments))]
    readings = map(analyst.of_rationale, sessions, judgments.text)
    of_answers, *lists = await together([analyst.of_answers(own, pair), *readings])
    inventory = await analyst.merged(own, distinct(chain(of_answers, *lists)))

    async def row(judgment: dict, session: Session, listed: list[str]) -> dict:
        made = await analyst.made(session, judgment["text"], inventory)
        cost, coverage = session.cost(), len(made) / len(inventory) if inventory else nan
        row = {"points": len(listed), "pool": len(inventory), "coverage": coverage, "calls": cost["calls"]}
        row |= {"tokens": cost["prompt_tokens"] + cost["completion_tokens"], "context_cuts": session.context_cuts}
        return judgment | row | {"listed": json.dumps(listed, ensure_ascii=False)}

    return await together(map(row, judgments.to_dict("records"), sessions, lists))


async def _planted_rows(analyst: Analyst, item: dict) -> list[dict]:
    session, inventory = Session(item["id"], analyst.options), item["pool"]

    async def row(rationale: dict) -> dict:
        listed = await analyst.of_rationale(session, rationale["text"])
        made, planted = set(await analyst.made(session, rationale["text"], inventory)), set(rationale["made"])
        row = {"id": session.name, "planted": len(planted), "counted": len(listed)}
        row |= {"planted_coverage": len(planted) / len(inventory), "coverage": len(made) / len(inventory)}
        return row | {"hits": len(made & planted), "false_marks": len(made - planted)}

    return await together(map(row, item["rationales"]))
