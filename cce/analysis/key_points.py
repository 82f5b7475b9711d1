"""Figure 4: how many key points a rationale makes, and how much of what can be said of the pair it covers.

The paper does not define its two measures. Ours:

- A key point is one specific observation about one of the two answers, or about how they differ. A verdict, a
  repetition in other words and a general remark are none. The points of a rationale are the distinct ones that
  the analyst, a model, lists on reading it.
- The pool of a pair holds the distinct points that can be made about its answers: those that the analyst lists on
  reading question and answers alone, and those of all rationales compared on that pair, merged by the analyst.
- The coverage of a rationale is the share of the pool that it makes, as the analyst marks the points on reading
  the rationale beside the numbered pool.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from math import nan
from pathlib import Path

import pandas as pd

from cce.analysis.analyst import Analyst
from cce.analysis.structured import distinct
from cce.benchmarks.files import read_rows
from cce.benchmarks.pair import Pair
from cce.crowd.batch import Batch
from cce.crowd.case import Case
from cce.errors import BadInput
from cce.models.loop import together

PLACE = ["benchmark", "id", "cluster", "judge", "method"]
NEEDED = [*PLACE, "text", "rationale_tokens"]
COLUMNS = [*PLACE, "points", "pool", "coverage", "rationale_tokens", "calls", "tokens", "context_cuts", "listed"]
PLANTED = Path(__file__).parent / "data" / "planted_points.jsonl"


def key_points(
    pairs: Sequence[Pair],
    judgments: pd.DataFrame,
    analyst: str,
    *,
    store: str | Path | None = None,
    concurrency: int = 32,
    max_tokens: int = 512,
    prompts: str | None = None,
) -> pd.DataFrame:
    """Count the key points of every rationale, and the share of its pair's pool that it makes.

    Args:
        pairs: those that were judged.
        judgments: as `evaluate` returns them; rows without a text are left out.
        analyst: the model that reads, `NAME` or `NAME@BASE_URL` or `embedded`; it is asked at temperature 0.
        store, concurrency, prompts: as of `evaluate`; so many pairs are read at once.
        max_tokens: of one list of the analyst; four times as many where it merges the lists of a pair.

    Returns a row a rationale, pair by pair: benchmark, id, cluster, judge, method, points (how many), pool (how
    many), coverage (0 to 1, NaN for an empty pool), rationale_tokens, calls and tokens of the analyst, context_cuts
    (prompts shortened to fit its context), listed (the points, a JSON list). Calls, tokens and cuts are those of
    the two prompts on that rationale; the pair's own, which all its rationales share, stand in no row.
    Raises BadInput for judgments of other pairs or without a needed column, EndpointFailed where the analyst's endpoint
    is of no use, ResultsMissing where single calls failed for good.
    """
    work = _by_pair(pairs, judgments)
    rows = _read(Analyst(analyst, store, concurrency, max_tokens, prompts), work, _pair_rows, concurrency)
    return pd.DataFrame(rows, columns=COLUMNS)


def check_analyst(
    analyst: str,
    *,
    store: str | Path | None = None,
    concurrency: int = 32,
    max_tokens: int = 512,
    prompts: str | None = None,
) -> pd.DataFrame:
    """Let the analyst read rationales whose points are known, with the known pool of their pair.

    Takes the options of `key_points`. Returns a row a rationale: id, planted (points in it), counted (points that
    the analyst lists), planted_coverage, coverage (0 to 1), hits (planted points that the analyst marks, how many),
    false_marks (points that it marks and that are not there). Numbers may agree by chance, and who marks everything
    hits everything; hits and false marks together tell whether the analyst found the points themselves.
    """
    reader = Analyst(analyst, store, concurrency, max_tokens, prompts)
    return pd.DataFrame(_read(reader, read_rows(PLANTED), _planted_rows, concurrency))


def _read(analyst: Analyst, work: list, rows_of: Callable[..., Awaitable[list[dict]]], concurrency: int) -> list[dict]:
    batch = Batch("reading", work, [analyst.model])
    return list(chain(*batch.results(lambda part: rows_of(analyst, part), concurrency)))


def _by_pair(pairs: Sequence[Pair], judgments: pd.DataFrame) -> list[tuple[Pair, pd.DataFrame]]:
    missing = [column for column in NEEDED if column not in judgments]
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
    texts, own, cases = list(judgments.text), analyst.case(pair), [analyst.case(pair) for _ in judgments.text]
    of_answers, *lists = await together([analyst.of_answers(own), *map(analyst.of_rationale, cases, texts)])
    pool = await analyst.merged(own, distinct([*of_answers, *chain(*lists)]))
    made = await together(analyst.made(case, text, pool) for case, text in zip(cases, texts, strict=True))
    read = zip(judgments.to_dict("records"), cases, lists, made, strict=True)
    return [_row(judgment, case, listed, _share(marked, pool), pool) for judgment, case, listed, marked in read]


def _row(judgment: dict, case: Case, listed: list[str], coverage: float, pool: list[str]) -> dict:
    used = case.used.values()
    return {
        **{column: judgment[column] for column in [*PLACE, "rationale_tokens"]},
        "points": len(listed),
        "pool": len(pool),
        "coverage": coverage,
        "calls": len(used),
        "tokens": sum(completion.prompt_tokens + completion.completion_tokens for completion in used),
        "context_cuts": case.context_cuts,
        "listed": json.dumps(listed, ensure_ascii=False),
    }


async def _planted_rows(analyst: Analyst, item: dict) -> list[dict]:
    case = analyst.case(Pair(**item))
    return await together(_planted_row(analyst, case, item["pool"], rationale) for rationale in item["rationales"])


async def _planted_row(analyst: Analyst, case: Case, pool: list[str], rationale: dict) -> dict:
    listed = await analyst.of_rationale(case, rationale["text"])
    made = await analyst.made(case, rationale["text"], pool)
    return {
        "id": case.pair.id,
        "planted": len(rationale["made"]),
        "counted": len(listed),
        "planted_coverage": _share(rationale["made"], pool),
        "coverage": _share(made, pool),
        "hits": len({*made} & {*rationale["made"]}),
        "false_marks": len({*made} - {*rationale["made"]}),
    }


def _share(made: list[int], pool: list[str]) -> float:
    return len(made) / len(pool) if pool else nan
