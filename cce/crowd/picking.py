"""Rejection sampling: pick the best of several responses by comparing each with each (Table 3 of the paper).

pick(load_pools("responses.jsonl"), "cce@4", "gpt-4o")

The paper picks at random, by vanilla comparison, or by comparison with the other responses as the crowd; its tables
and code do not show how comparisons make a winner. Here every two different responses meet once, and the one with the
highest mean probability of winning is picked.

What it costs: N different responses make N(N-1)/2 pairs, and in one order, read from text, vanilla asks as often. A
crowd judgment of i in A's place against k in B's place is the very comparison of i and k, so that all pairs of a pool
together need each response once in each place against each other: N(N-1) comparisons at most, half of which are
vanilla's. On top come as many outcome removals at most and N(N-1)/2 final judgments: 5N(N-1)/2 calls at most, 30
for N = 4 and 140 for N = 8, where vanilla asks 6 and 28. A judge without errors comes to 25 to 27 and to 139. From
N = 5 up the comparisons are exactly so many; the removals are fewer where the budget is smaller than the crowd's
2(N-2) judgments. Both orders double vanilla's calls and the final judgments, and nothing else.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from statistics import fmean

import pandas as pd

from cce.benchmarks.instructions import Pool
from cce.benchmarks.pair import Pair
from cce.crowd.batch import Batch
from cce.crowd.case import Case, Protocol
from cce.crowd.evaluate import check_crowd, check_reading, cost_of
from cce.crowd.methods import MODEL_FREE, method_named
from cce.crowd.verdict import Judgment
from cce.errors import BadInput
from cce.models.client import LLM
from cce.models.loop import together
from cce.names import NO_JUDGE

RANDOM = "random"


def pick(
    pools: Sequence[Pool],
    method: str = "cce@4",
    judge: str | None = None,
    *,
    crowd: Sequence[str] = (),
    store: str | Path | None = None,
    concurrency: int = 32,
    seed: int = 0,
    **protocol,
) -> pd.DataFrame:
    """Pick one response of each pool.

    Args:
        pools: as `load_pools` or `sample_responses` gives them.
        method: `random`, or a method of `evaluate`, which then judges every two responses with different texts, the
            others being their crowd. Four responses fill the budget of `cce@4`, N responses that of 2(N-2); where
            there are but two, `cce@N` is vanilla.
        judge: the model that compares; `random` and `length` need none.
        crowd: models that answer each instruction as well, behind the other responses in the crowd.
        store, concurrency: as of `evaluate`; so many pools are begun at once.
        seed: draws `random`'s picks, the winner among equals, the sides A and B, and the selection.
        protocol: order, verdict, max_tokens, prompts; see `Protocol`.

    Returns a row a pool: id, instruction, response (the text picked), picked (its index), score (its mean probability
    of winning, ties and unreadable verdicts counted as half), scores (a list, of all responses; equal texts share one;
    None where nothing was compared), method, judge, responses, comparisons and unreadable (how many), and calls,
    prompt_tokens, completion_tokens, seconds, in which what two comparisons share counts once.
    Raises BadInput before any request is sent; EndpointFailed where an endpoint is of no use, ResultsMissing where
    single calls failed for good, after all others.
    """
    return pd.DataFrame(_rows(pools, method, judge, crowd, store, concurrency, Protocol(seed=seed, **protocol)))


def _rows(pools, method, judge, crowd, store, concurrency, protocol: Protocol) -> list[dict]:
    asked = [] if method in MODEL_FREE | {RANDOM} else [judge, *crowd]
    _check(pools, method, asked, crowd, protocol)
    models = {name: LLM(name, store, concurrency) for name in dict.fromkeys(asked)}
    seat = (method, models.get(judge), tuple(models[name] for name in asked[1:]), protocol)
    return Batch("picking", pools, list(models.values())).results(lambda pool: _row(pool, *seat), concurrency)


def _check(pools, method, asked, crowd, protocol: Protocol) -> None:
    if not pools:
        raise BadInput("pools: at least one")
    if method != RANDOM:
        method_named(method)
    if asked and not asked[0]:
        raise BadInput(f"method {method} needs a judge: name the model that compares")
    check_reading([method], asked[:1], protocol)
    others = [len(pool.distinct) - 2 for pool in pools if len(pool.distinct) > 1]
    if others:
        check_crowd([method], crowd, at_hand=max(others))


async def _row(pool: Pool, method: str, judge: LLM | None, crowd: tuple[LLM, ...], protocol: Protocol) -> dict:
    used = {}  # shared by the pool's cases, so that it holds once what several of them ask
    pairs = [] if method == RANDOM else meetings(pool, protocol.seed)
    judgments = await together(method_named(method)(Case(pair, judge, crowd, protocol, used)) for pair in pairs)
    scores = _scores(pool, pairs, judgments)
    best = [place for place, score in enumerate(scores) if score == (max(scores) if pairs else None)]
    picked = Random(f"{protocol.seed}:pick:{pool.id}").choice(best)
    return {
        "id": pool.id,
        "instruction": pool.instruction,
        "response": pool.responses[picked],
        "picked": picked,
        "score": scores[picked],
        "scores": scores,
        "method": method,
        "judge": judge.model if judge else NO_JUDGE,
        "responses": len(pool.responses),
        "comparisons": len(pairs),
        "unreadable": sum(judgment.p_a is None for judgment in judgments),
        **cost_of(used.values()),
    }


def meetings(pool: Pool, seed: int) -> list[Pair]:
    """Every two different responses as a pair, with the others as its crowd.

    Each response stands as A in half of its pairs (in one more or less where their number is odd), so that a judge
    that leans to a place leans to none of them; a coin a pool, from the seed, says in which half. A response that is
    added to the pool moves no other's place.
    """
    texts = pool.distinct
    turned = Random(f"{seed}:sides:{pool.id}").random() < 0.5
    pairs = []
    for i, j in combinations(range(len(texts)), 2):
        a, b = (i, j) if (j - i) % 2 == turned else (j, i)
        crowd = [text for place, text in enumerate(texts) if place not in (i, j)]
        sides = {"answer_a": texts[a], "answer_b": texts[b]}
        pairs.append(Pair(id=f"{pool.id}:{a}-{b}", instruction=pool.instruction, crowd=crowd, **sides))
    return pairs


def _scores(pool: Pool, pairs: list[Pair], judgments: list[Judgment]) -> list[float | None]:
    chances = defaultdict(list)
    for pair, judgment in zip(pairs, judgments, strict=True):
        p_a = 0.5 if judgment.p_a is None else judgment.p_a
        chances[pair.answer_a].append(p_a)
        chances[pair.answer_b].append(1 - p_a)
    return [fmean(chances[text]) if pairs else None for text in pool.responses]
