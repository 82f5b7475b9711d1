"""The methods, written as in the paper: `vanilla`, `maj@16`, `cce@16`. The number after @ is the budget.

A method is one file: an async function from a Case (and its budget) to a Judgment, entered below. Methods of
one judgment differ in their prompt alone, and need only a file in prompts/ and a name in SINGLE. The paper's
selection ablation is written `cce-SELECTION@N`, with `+removal` where outcomes are removed; criticizing with
removal is the paper's method, and is called `cce@N`. The paper's `cce-random@N` removes none: its cells in
Table 1 are those of Table 4's random rows without removal. Published judges that speak a format of their own
are asked by the method of that name, such as `judgelm`; see `published`.
"""

import re
from collections.abc import Awaitable, Callable
from functools import partial

from cce.crowd.case import Case
from cce.crowd.methods.cce import cce
from cce.crowd.methods.length import length
from cce.crowd.methods.published import PUBLISHED, published
from cce.crowd.methods.sampled import agg, maj
from cce.crowd.methods.single import single
from cce.crowd.selection import SELECTIONS
from cce.crowd.verdict import Judgment
from cce.errors import BadInput
from cce.names import cce_family

SINGLE = ("vanilla", "longprompt", "evalplan", "16-criteria")
# Those that ask no model, and are the same whoever judges.
MODEL_FREE = {"length"}
WITHOUT_BUDGET = {"length": length, **{name: partial(single, prompt=name) for name in SINGLE}}


CROWDED = {
    cce_family(name, removal): partial(cce, selection=name, removal=removal)
    for removal in (True, False)
    for name in SELECTIONS
}
WITH_BUDGET = {"maj": maj, "agg": agg, **CROWDED}


def method_named(name: str) -> Callable[[Case], Awaitable[Judgment]]:
    """The method of this name, its budget filled in.

    Raises BadInput for a name that is none, PrometheusMissing where Prometheus's wording is not installed.
    """
    base, _, budget = name.partition("@")
    if name in WITHOUT_BUDGET:
        return WITHOUT_BUDGET[name]
    if name in PUBLISHED:
        return published(name)
    if base in WITH_BUDGET and re.fullmatch("[1-9][0-9]{0,3}", budget):
        return partial(WITH_BUDGET[base], budget=int(budget))
    known = [*WITHOUT_BUDGET, *PUBLISHED, *(f"{base}@N" for base in WITH_BUDGET)]
    raise BadInput(f"unknown method {name!r}: one of {', '.join(known)}, N being 1 to 9999")


def crowd_needed(name: str) -> int:
    """How many crowd members fill the method's budget: each gives two comparisons; 0 without a crowd."""
    base, _, budget = name.partition("@")
    return (int(budget) + 1) // 2 if base in CROWDED else 0
