"""The methods, written as in the paper: `vanilla`, `maj@16`, `cce@16`. The number after @ is the budget.

A method is an async function from a Session and a Pair, and its budget where it has one, to what it found: Judged.
It is registered below, or by `register` from anywhere else. The paper's selection ablation is written
`cce-SELECTION@N`, with `+removal` where outcomes are removed; criticizing with removal is the paper's method, and is
called `cce@N`. The paper's `cce-random@N` removes none: its cells in Table 1 are those of Table 4's random rows without
removal. Published judges that speak a format of their own are asked by the method of that name, such as `judgelm`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from cce.benchmarks.pair import Pair
from cce.crowd.members import SELECTIONS
from cce.crowd.methods.baselines import SINGLE, agg, length, maj, single
from cce.crowd.methods.cce import cce
from cce.crowd.methods.published import FORMATS, published
from cce.crowd.record import Judged
from cce.crowd.session import Session
from cce.errors import BadInput
from cce.names import cce_family, method_parts


@dataclass(frozen=True)
class Method:
    """A method of some family: how it judges, and what it takes.

    A `budgeted` one is named with a budget, which `judge` takes; half of a `crowded` one's budget is the number of
    crowd members that fill it. One that `asks` no model is the same whoever judges. `check` raises an error that the
    user can act on where something is not installed.
    """

    judge: Callable[..., Awaitable[Judged]]
    budgeted: bool = False
    crowded: bool = False
    asks: bool = True
    check: Callable[[], object] = bool


METHODS: dict[str, Method] = {}


def register(family: str, judge: Callable[..., Awaitable[Judged]], **what) -> None:
    """Make a method known by its name without the budget; `what` are fields of `Method`."""
    METHODS[family] = Method(judge, **what)


register("length", length, asks=False)
for _name in SINGLE:
    register(_name, partial(single, prompt=_name))
for _name, _format in FORMATS.items():
    register(_name, partial(published, name=_name), check=_format.wording)
register("maj", maj, budgeted=True)
register("agg", agg, budgeted=True)
for _removal in (True, False):
    for _name in SELECTIONS:
        _judge = partial(cce, selection=_name, removal=_removal)
        register(cce_family(_name, _removal), _judge, budgeted=True, crowded=True)


def method_named(name: str) -> Callable[[Session, Pair], Awaitable[Judged]]:
    """The method of this name, its budget filled in.

    Raises BadInput for a name that is none, PrometheusMissing where Prometheus's wording is not installed.
    """
    family, budget = method_parts(name)
    method = METHODS.get(family)
    if method is None or method.budgeted != (budget is not None):
        known = [f"{family}@N" if method.budgeted else family for family, method in METHODS.items()]
        raise BadInput(f"unknown method {name!r}: one of {', '.join(known)}, N being 1 to 9999")
    method.check()
    return partial(method.judge, budget=budget) if method.budgeted else method.judge


def asks_model(name: str) -> bool:
    """Whether the method asks a judge at all."""
    return METHODS[method_parts(name).family].asks


def crowd_needed(name: str) -> int:
    """How many crowd members fill the method's budget: each gives two comparisons; 0 without a crowd."""
    family, budget = method_parts(name)
    return (budget + 1) // 2 if METHODS[family].crowded else 0
