"""Vanilla with the task's criteria in one sentence behind the usual list: a cheap rival of a crowd (arXiv 2604.13717).

That paper adds such a sentence, one for each subset of RewardBench 2, to a prompt that rates single responses; here it
stands in the prompt that compares two. A judge is told so what is being measured, which a user's own pairs may not say.
"""

import re
from dataclasses import replace
from pathlib import Path

import yaml

from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison, compare
from cce.crowd.record import Judged
from cce.crowd.session import Session

CRITERIA = yaml.safe_load(Path(__file__).parents[1].joinpath("criteria.yaml").read_text(encoding="utf-8"))


async def criteria(session: Session, pair: Pair) -> Judged:
    """Vanilla by the criteria of the pair's task; by the pair's own where it has some, which is what vanilla does."""
    told = pair.criteria or f"{CRITERIA['usual']}. Above all, look at {of_task(pair)}"
    return Judged(await compare(session, replace(Comparison.of(pair), criteria=told)))


def of_task(pair: Pair) -> str:
    """What counts in the pair's benchmark and subset, to end a sentence; what counts in `any` where none is known."""
    place = f"{pair.benchmark}/{pair.subset}"
    kind = next((kind for pattern, kind in CRITERIA["places"].items() if re.search(pattern, place)), "any")
    return CRITERIA["kinds"][kind]
