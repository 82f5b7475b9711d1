"""The methods, written as in the paper: `vanilla`, `maj@16`, `cce@16`. The number after @ is the budget.

A method is one file: an async function from a Case (and its budget) to a Judgment, entered below.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from cce.crowd.case import Case
from cce.crowd.methods.cce import cce
from cce.crowd.methods.maj import maj
from cce.crowd.methods.vanilla import vanilla
from cce.crowd.verdict import Judgment
from cce.errors import BadInput

WITHOUT_BUDGET = {"vanilla": vanilla}
WITH_BUDGET = {"maj": maj, "cce": cce}
# Those that ask the crowd.
CROWDED = {"cce"}


def method_named(name: str) -> Callable[[Case], Awaitable[Judgment]]:
    """The method of this name, its budget filled in. Raises BadInput for a name that is none."""
    base, _, budget = name.partition("@")
    if name in WITHOUT_BUDGET:
        return WITHOUT_BUDGET[name]
    if base in WITH_BUDGET and budget.isdecimal() and int(budget) > 0:
        return partial(WITH_BUDGET[base], budget=int(budget))
    known = [*WITHOUT_BUDGET, *(f"{base}@N" for base in WITH_BUDGET)]
    raise BadInput(f"unknown method {name!r}: one of {', '.join(known)}, N being 1 or more")


def crowd_needed(name: str) -> int:
    """How many crowd members fill the method's budget: each gives two comparisons; 0 without a crowd."""
    base, _, budget = name.partition("@")
    return (int(budget) + 1) // 2 if base in CROWDED else 0
