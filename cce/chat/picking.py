"""Rejection sampling: pick the best of several responses by comparing each with each (Table 3 of the paper).

    pick(load_pools("responses.jsonl"), "cce@4", "gpt-4o")

The paper's tables and code do not show how comparisons make a winner. Here every two different responses are compared
once, with the others as the crowd, and the one with the highest mean probability of winning is picked.

What it costs in one order, read from text: N different responses make N(N-1)/2 pairs, and vanilla asks as often. CCE
takes 5N(N-1)/2 calls at most: N(N-1) comparisons, since a crowd judgment of i in A's place against k in B's place is
the very comparison of i and k; as many outcome removals; and N(N-1)/2 final judgments. Both orders double vanilla's
calls and the final judgments, nothing else.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from random import Random
from statistics import fmean

import pandas as pd

from cce.benchmarks.pair import Instruction, Pair, Pool, Question
from cce.crowd.evaluate import check_crowd, check_lists, check_reading, warn
from cce.crowd.methods import asks_model, is_by_criteria, method_named, needs_other, options_of
from cce.crowd.record import Judged, Records
from cce.crowd.session import Session
from cce.errors import BadInput
from cce.models.client import LLM
from cce.models.loop import together
from cce.models.steps import results
from cce.names import NO_JUDGE, method_parts
from cce.options import DEFAULTS, Options

RANDOM = "random"
# How far apart the sample numbers of two seeds lie; a model gives fewer responses than that to an instruction.
SEEDS_APART = 10_000


def sample_responses(
    instructions: Sequence[Instruction],
    models: Sequence[str],
    n: int,
    options: Options = DEFAULTS,
    *,
    temperature: float = 1.0,
    **changes,
) -> list[Pool]:
    """Sample n responses to each instruction, from the models in turn; fewer are the first of more.

    Anything with `id` and `instruction` will do for an instruction; a model listed twice answers twice as often, and
    another seed samples anew. The paper shows no temperature; at 1.0 a model draws from the distribution that it has
    learned, so that among responses that differ there is something to pick.
    Returns one pool per instruction, in their order; warns of instructions that were cut. For errors see `cce.chat`.
    """
    options = options.but(**changes)
    check_lists(models=models)
    if not (instructions and models and n > 0):
        raise BadInput("instructions, models and n: at least one of each")
    llms, turns = {name: LLM(name, options) for name in models}, [models[place % len(models)] for place in range(n)]
    samples = [(llms[name], options.seed * SEEDS_APART + turns[:k].count(name)) for k, name in enumerate(turns)]

    async def sampled(one: Instruction) -> tuple[Pool, bool]:
        question = Question(id=one.id, turns=[one.instruction])
        session = Session(question.id, options)
        answers = await together(session.converse(llm, question.turns, temperature, sample) for llm, sample in samples)
        responses = [completion.text for (completion,) in answers]
        return Pool(id=one.id, instruction=one.instruction, responses=responses), session.context_cuts > 0

    found = results("sampling", len(instructions), [*llms.values()], instructions, sampled, options.concurrency)
    pools, cut = zip(*found, strict=True)
    if any(cut):
        warn([f"{sum(cut)} instructions were too long for a model's context, and were answered cut"])
    return list(pools)


def pick(
    pools: Sequence[Pool],
    method: str = "cce@4",
    judge: str | None = None,
    crowd: Sequence[str] = (),
    options: Options = DEFAULTS,
    *,
    out: Records | None = None,
    **changes,
) -> pd.DataFrame:
    """Pick one response of each pool, as `load_pools` or `sample_responses` gives them.

    The method is `random`, or one of `evaluate`; `random` and `longer` need no judge. The crowd is the other responses,
    then the models in `crowd`. Four responses fill the budget of `cce@4`, N responses that of 2(N-2); of two, `cce@N`
    is vanilla. The seed draws `random`'s picks, the winner among equals, the sides A and B, and the selection. `out`
    gets each pool's row as it comes.

    Returns one row per pool: id, instruction, response (the text picked), picked (its index), score (its mean
    probability of winning, ties and unreadable verdicts counted as half), scores (a list, of all responses; equal texts
    share one; None where nothing was compared), method, judge, responses, comparisons and unreadable (how many),
    correct (the places of the right responses, a list, empty where nobody has said), subset, and calls, prompt_tokens,
    completion_tokens, seconds: what two comparisons share counts once. For errors see `cce.chat`.
    """
    options = options.but(**changes)
    warn(_cautions(pools, method, judge, crowd, options))
    models = {name: LLM(name, options) for name in [judge, *crowd] if method != RANDOM and asks_model(method)}
    own = options if method == RANDOM else options_of(method, options)
    members = tuple(models[name] for name in crowd if name in models)
    session = Session("", own, models.get(judge), members, noise=method_parts(method).noise)
    step = partial(_picked, method=method, asking=session)

    def row(picked: dict) -> dict:
        if out:
            out.write(picked)
        return picked

    return pd.DataFrame(results("picking", len(pools), [*models.values()], pools, step, options.concurrency, row))


def _cautions(pools, method, judge, crowd, options: Options) -> list[str]:
    check_lists(crowd=crowd)
    if not pools:
        raise BadInput("pools: at least one")
    if method == RANDOM:
        return [f"none of {RANDOM} asks the crowd"] if crowd else []
    method_named(method)
    if needs_other(method):
        raise BadInput(f"method {method} takes another pair beside each; it is for judging, and picks nothing")
    if is_by_criteria(method):
        raise BadInput(f"method {method} goes by a pair's own criteria; a pool has none, and self-rubric writes them")
    if asks_model(method) and not judge:
        raise BadInput(f"method {method} needs a judge: name the model that compares")
    others = [len(pool.distinct) - 2 for pool in pools if len(pool.distinct) > 1]
    cautions = check_reading([method], [judge], options)
    return cautions + (check_crowd([method], crowd, lambda: max(others)) if others else [])


async def _picked(pool: Pool, method: str, asking: Session) -> dict:
    session = replace(asking, name=pool.id, used={}, shortened=[], refused=set())
    pairs = [] if method == RANDOM else pairs_of(pool, session.options.seed)
    # The sessions of a pool's pairs share what was used, so that what several of them ask counts once.
    judged = await together(method_named(method)(replace(session, name=pair.id), pair) for pair in pairs)
    scores = _scores(pool, pairs, judged)
    best = [place for place, score in enumerate(scores) if score == (max(scores) if pairs else None)]
    picked = Random(f"{session.options.seed}:pick:{pool.id}").choice(best)
    row = {"id": pool.id, "instruction": pool.instruction, "response": pool.responses[picked], "picked": picked}
    row |= {"score": scores[picked], "scores": scores, "method": method}
    row |= {"judge": session.judge.model if session.judge else NO_JUDGE, "responses": len(pool.responses)}
    row |= {"comparisons": len(pairs), "unreadable": sum(one.judgment.p_a is None for one in judged)}
    return row | {"correct": list(pool.correct), "subset": pool.subset} | session.cost()


def pairs_of(pool: Pool, seed: int) -> list[Pair]:
    """Every two different responses as a pair, with the others as its crowd.

    Each response stands as A in half of its pairs (one more or less where their number is odd), so that a judge that
    prefers a place prefers none of them; the seed decides in which half. A further response moves no other's place.
    """
    texts, turned, pairs = pool.distinct, Random(f"{seed}:sides:{pool.id}").random() < 0.5, []
    for i, j in combinations(range(len(texts)), 2):
        a, b = (i, j) if (j - i) % 2 == turned else (j, i)
        crowd = [text for place, text in enumerate(texts) if place not in (i, j)]
        sides = {"answer_a": texts[a], "answer_b": texts[b]}
        pairs.append(Pair(id=f"{pool.id}:{a}-{b}", instruction=pool.instruction, crowd=crowd, **sides))
    return pairs


def _scores(pool: Pool, pairs: list[Pair], judged: list[Judged]) -> list[float | None]:
    found = [0.5 if one.judgment.p_a is None else one.judgment.p_a for one in judged]
    chances = [{pair.answer_a: p_a, pair.answer_b: 1 - p_a} for pair, p_a in zip(pairs, found, strict=True)]
    return [fmean(one[text] for one in chances if text in one) if pairs else None for text in pool.responses]
