"""Sampling: N responses to each instruction, from one model or from several in turn.

sample_responses(load_instructions("lima"), ["my-model@http://localhost:8000/v1"], 4, store="store.sqlite")
"""

import warnings
from collections.abc import Sequence
from pathlib import Path

from cce.benchmarks.instructions import Instruction, Pool
from cce.benchmarks.pair import Question
from cce.crowd.answers import Member, crowd_answer
from cce.crowd.batch import Batch
from cce.crowd.case import Case, Protocol
from cce.errors import BadInput
from cce.models.client import LLM
from cce.models.loop import together

# The paper's tables and code show none. At 1.0 a model draws from the distribution that it has learned, neither
# sharpened nor flattened: among responses that differ there is something to pick.
TEMPERATURE = 1.0
# How far apart the sample numbers of two seeds lie; a model gives fewer responses than that to an instruction.
SEEDS_APART = 10_000


def sample_responses(
    instructions: Sequence[Instruction],
    models: Sequence[str],
    n: int,
    *,
    store: str | Path | None = None,
    concurrency: int = 32,
    seed: int = 0,
    max_tokens: int = 1024,
    temperature: float = TEMPERATURE,
) -> list[Pool]:
    """Sample n responses to each instruction, from the models in turn; fewer are the first of more.

    Args:
        instructions: as `load_instructions` gives them; anything with `id` and `instruction` will do.
        models: each `NAME` or `NAME@BASE_URL` or `embedded`.
        n: responses to one instruction.
        store, concurrency: as of `evaluate`; so many instructions are begun at once.
        seed: another one samples anew.
        max_tokens: of one response.
        temperature: of the sampling.

    Returns a pool an instruction, in their order.
    Raises BadInput before any request is sent; EndpointFailed where an endpoint is of no use, ResultsMissing where
    single calls failed for good, after all others.
    """
    if not (instructions and models and n > 0):
        raise BadInput("instructions, models and n: at least one of each")
    asked = {name: LLM(name, store, concurrency) for name in dict.fromkeys(models)}
    voices, protocol = _voices([asked[name] for name in models], n, seed), Protocol(max_tokens=max_tokens)

    async def sampled(one: Instruction) -> tuple[Pool, int]:
        case = Case(Question(id=one.id, turns=[one.instruction]), None, protocol=protocol)
        texts = [text for (text,) in await together(crowd_answer(case, voice, temperature) for voice in voices)]
        return Pool(id=one.id, instruction=one.instruction, responses=texts), case.context_cuts

    sampling = Batch("sampling", instructions, list(asked.values())).results(sampled, concurrency)
    cut = sum(cuts > 0 for _, cuts in sampling)
    if cut:
        warnings.warn(f"{cut} instructions were too long for a model's context, and were answered cut", stacklevel=2)
    return [pool for pool, _ in sampling]


def _voices(models: list[LLM], n: int, seed: int) -> list[Member]:
    turns = [models[place % len(models)] for place in range(n)]
    first = seed * SEEDS_APART
    return [Member("", model=model, sample=first + turns[:place].count(model)) for place, model in enumerate(turns)]
