"""Figure 4: how many key points a rationale makes, and how much of what can be said of the pair it covers.

The paper does not define its two measures. Ours:

- A key point is one specific observation about one of the two answers, or about how they differ. A verdict, a
  repetition in other words and a general remark are none. The points of a rationale are the distinct ones that
  the analyst, a model, lists on reading it.
- The inventory of a pair holds the distinct points that can be made about its answers: those that the analyst lists
  on reading question and answers alone, and those of all rationales compared on that pair, merged by the analyst.
- The coverage of a rationale is the share of the inventory that it makes, as the analyst marks the points on reading
  the rationale beside the numbered inventory.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import chain, starmap
from math import nan
from pathlib import Path

import pandas as pd

from cce.benchmarks.files import read_rows
from cce.benchmarks.pair import Pair
from cce.chat.analyst import Analyst, distinct
from cce.crowd.session import Session
from cce.errors import BadInput
from cce.models.batch import results
from cce.models.loop import together
from cce.options import Options

PLACE = ["benchmark", "id", "cluster", "judge", "method"]
COLUMNS = [*PLACE, "points", "pool", "coverage", "rationale_tokens", "calls", "tokens", "context_cuts", "listed"]
PLANTED = Path(__file__).parent / "data" / "planted_points.jsonl"
# A list is shorter than an answer.
OF_LISTS = Options(max_tokens=512)


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
    the analyst lists), planted_coverage, coverage (0 to 1), hits (planted points that the analyst marks, how many),
    false_marks (points that it marks and that are not there). Who marks everything hits everything: only hits and false
    marks together tell whether the analyst found the points.
    """
    return pd.DataFrame(_read(Analyst(analyst, options.but(**changes)), read_rows(PLANTED), _planted_rows))


def _read(analyst: Analyst, work: list, rows_of: Callable[..., Awaitable[list[dict]]]) -> list[dict]:
    rows = results("reading", work, [analyst.model], partial(rows_of, analyst), analyst.options.concurrency)
    return list(chain(*rows))


def _by_pair(pairs: Sequence[Pair], judgments: pd.DataFrame) -> list[tuple[Pair, pd.DataFrame]]:
    missing = [column for column in [*PLACE, "text", "rationale_tokens"] if column not in judgments]
    if missing:
        raise BadInput(f"judgments without the columns {', '.join(missing)}: give them as evaluate returns them")
    known = {(pair.benchmark, pair.id): pair for pair in pairs}
    groups = judgments[judgments.text.fillna("").str.strip() != ""].groupby(["benchmark", "id"], sort=False)
    unknown = [place for place, _ in groups if place not in known]
    if unknown:
        raise BadInput(f"judgments of a pair that is not among the pairs: {unknown[0]}")
    return [(known[place], group) for place, group in groups]


async def _pair_rows(analyst: Analyst, part: tuple[Pair, pd.DataFrame]) -> list[dict]:
    pair, judgments = part
    own, *sessions = [Session(pair.id, analyst.options) for _ in range(1 + len(judgments))]
    read = list(zip(sessions, judgments.text, strict=True))
    of_answers, *lists = await together([analyst.of_answers(own, pair), *starmap(analyst.of_rationale, read)])
    inventory = await analyst.merged(own, distinct([*of_answers, *chain(*lists)]))
    made = await together(analyst.made(*one, inventory) for one in read)
    found = zip(judgments.to_dict("records"), sessions, lists, made, strict=True)
    return [_row(*one, inventory) for one in found]


def _row(judgment: dict, session: Session, listed: list[str], made: list[int], inventory: list[str]) -> dict:
    cost = session.cost()
    row = {"points": len(listed), "pool": len(inventory), "coverage": _share(made, inventory)}
    row |= {"calls": cost["calls"], "tokens": cost["prompt_tokens"] + cost["completion_tokens"]}
    return judgment | row | {"context_cuts": session.context_cuts, "listed": json.dumps(listed, ensure_ascii=False)}


async def _planted_rows(analyst: Analyst, item: dict) -> list[dict]:
    session, inventory = Session(item["id"], analyst.options), item["pool"]

    async def row(rationale: dict) -> dict:
        listed = await analyst.of_rationale(session, rationale["text"])
        made, planted = await analyst.made(session, rationale["text"], inventory), rationale["made"]
        counts = {"id": session.name, "planted": len(planted), "counted": len(listed)}
        shares = {"planted_coverage": _share(planted, inventory), "coverage": _share(made, inventory)}
        return counts | shares | {"hits": len({*made} & {*planted}), "false_marks": len({*made} - {*planted})}

    return await together(map(row, item["rationales"]))


def _share(made: list[int], inventory: list[str]) -> float:
    return len(made) / len(inventory) if inventory else nan
