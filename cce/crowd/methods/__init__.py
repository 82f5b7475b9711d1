"""The methods, written as in the paper: `vanilla`, `maj@16`, `cce@16`. The number after @ is the budget.

A method is an async function from a Session and a Pair, and its budget where it has one, to what it found: Judged. It
stands in METHODS, where `register` can put it from anywhere else. The paper's selection ablation is written
`cce-SELECTION@N`, with `+removal` where outcomes are removed; criticizing with removal is the paper's method, `cce@N`.
The paper's `cce-random@N` removes none: its cells in Table 1 are those of Table 4's random rows without removal.
`cce@16~flipped25` has noise in a quarter of its crowd (`cce.crowd.noise`). `vanilla:paper` and `vanilla:kit` ask with
that set of prompts, whatever the run's own is.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison, Remark, compare
from cce.crowd.members import SELECTIONS
from cce.crowd.methods.adaptive import adaptive, escalated
from cce.crowd.methods.cce import cce, cce_prompt, count
from cce.crowd.methods.criteria import criteria
from cce.crowd.methods.jury import jury, jury_mean
from cce.crowd.methods.published import FORMATS, published, wording
from cce.crowd.methods.rate import rate
from cce.crowd.methods.refine import cce_again, refine
from cce.crowd.methods.rubric import rubric, self_rubric
from cce.crowd.record import Judged
from cce.crowd.session import Session
from cce.crowd.verdict import Judgment, majority, unwritten
from cce.errors import BadInput
from cce.models.loop import together
from cce.names import NOISES, cce_family, method_name, method_parts
from cce.options import PROMPTS, Options

# Methods of one judgment differ in their prompt alone: prompts/NAME.jinja.
SINGLE = ("vanilla", "longprompt", "evalplan", "16-criteria")


async def single(session: Session, pair: Pair, prompt: str) -> Judged:
    """The judge compares the two answers once, as the prompt of this name asks it to."""
    return Judged(await compare(session, Comparison.of(pair), prompt))


async def maj(session: Session, pair: Pair, budget: int) -> Judged:
    """The verdict of most of `budget` sampled vanilla judgments; unreadable ones have no vote."""
    return Judged(majority(await _votes(session, pair, budget)))


async def agg(session: Session, pair: Pair, budget: int) -> Judged:
    """One more judgment with `budget` sampled ones in view, the same that `maj` counts, each in its own order."""
    votes = await _votes(session, pair, budget)
    notes = [[Remark(vote.readings[order].text) for vote in votes] for order in range(session.orders)]
    return Judged(await compare(session, Comparison.of(pair), "agg", notes=notes))


async def _votes(session: Session, pair: Pair, budget: int) -> list[Judgment]:
    own, warmth = Comparison.of(pair), session.options.sample_temperature
    return await together(compare(session, own, sample=sample, temperature=warmth) for sample in range(budget))


async def longer(session: Session, pair: Pair) -> Judged:
    """The answer with more characters, over all turns, wins; equal lengths are a tie. A floor for every judge."""
    a, b = pair.lengths
    return Judged(unwritten(0.5 if a == b else float(a > b), session.orders))


async def shorter(session: Session, pair: Pair) -> Judged:
    """The answer with fewer characters wins: the floor on benchmarks whose worse answers were made long."""
    a, b = pair.lengths
    return Judged(unwritten(0.5 if a == b else float(a < b), session.orders))


@dataclass(frozen=True)
class Method:
    """How a family of methods judges, and what it takes.

    A `budgeted` one is named with a budget, which `judge` takes; half of a `crowded` one's budget is the number of
    crowd members that fill it, and one with a `whole_crowd` takes all. A `jury` lets the crowd's models judge. One that
    `asks` no model is the same whoever judges. A `shuffled` one needs another pair, with another question; one
    `by_criteria` needs criteria of the pair's own. `prompts` are those it fills. `check` raises an error that the user
    can act on where something is not installed.
    """

    judge: Callable[..., Awaitable[Judged]]
    budgeted: bool = False
    crowded: bool = False
    whole_crowd: bool = False
    jury: bool = False
    asks: bool = True
    shuffled: bool = False
    by_criteria: bool = False
    prompts: tuple[str, ...] = ()
    check: Callable[[], object] = bool

    @property
    def noisy(self) -> bool:
        """Whether there may be noise in its crowd: it has one, which judges the pair itself."""
        return (self.crowded or self.whole_crowd) and not self.shuffled


METHODS = {"longer": Method(longer, asks=False), "shorter": Method(shorter, asks=False)}
METHODS |= {name: Method(partial(single, prompt=name), prompts=(name,)) for name in SINGLE}
METHODS |= {
    name: Method(partial(published, name=name), prompts=(name,), check=partial(wording, name)) for name in FORMATS
}
METHODS["rubric"] = Method(rubric, by_criteria=True, prompts=("rubric",))
METHODS["self-rubric"] = Method(self_rubric, prompts=("rubric_of_question", "rubric", "vanilla"))
METHODS["criteria"] = Method(criteria, prompts=("vanilla",))
METHODS["rate"] = Method(rate, budgeted=True, prompts=("rate", "rating"))
METHODS["jury"] = Method(jury, jury=True, prompts=("vanilla",))
METHODS["jury-mean"] = Method(jury_mean, jury=True, prompts=("vanilla",))
METHODS["maj"] = Method(maj, budgeted=True, prompts=("vanilla",))
METHODS["agg"] = Method(agg, budgeted=True, prompts=("vanilla", "agg"))
METHODS["cce-prompt"] = Method(cce_prompt, prompts=("cce",))
METHODS["count"] = Method(count, budgeted=True, crowded=True, prompts=("vanilla",))
OF_CCE = {"budgeted": True, "crowded": True, "prompts": ("vanilla", "cce")}
REMOVING = OF_CCE | {"prompts": ("vanilla", "outcome_removal", "cce")}
METHODS |= {
    cce_family(name, removal): Method(
        partial(cce, selection=name, removal=removal), **(REMOVING if removal else OF_CCE)
    )
    for removal in (True, False)
    for name in SELECTIONS
}
METHODS["cce-shuffled"] = Method(
    partial(cce, selection="criticizing", removal=True, shuffled=True), shuffled=True, **REMOVING
)
METHODS["cce-adaptive"] = Method(adaptive, **REMOVING)
METHODS["cce-escalated"] = Method(escalated, **REMOVING)
METHODS["cce-again"] = Method(cce_again, **REMOVING)
METHODS["refine"] = Method(refine, budgeted=True, whole_crowd=True, prompts=(*REMOVING["prompts"], "refine"))


def register(family: str, judge: Callable[..., Awaitable[Judged]], **what) -> None:
    """Make a method known by its name without the budget; `what` are fields of `Method`."""
    METHODS[family] = Method(judge, **what)


def method_named(name: str) -> Callable[[Session, Pair], Awaitable[Judged]]:
    """The method of this name, its budget filled in; its noise is the session's.

    Raises BadInput for a name that is none, PrometheusMissing where Prometheus's wording is not installed.
    """
    family, budget, noise, _ = method_parts(name)
    method = METHODS.get(family)
    if method is None or method.budgeted != (budget is not None):
        known = [f"{family}@N" if method.budgeted else family for family, method in METHODS.items()]
        noises = ", ".join(f"~{kind}P" for kind in NOISES)
        more = f"{' or '.join(f':{name}' for name in PROMPTS)}, one with a crowd with {noises} (P from 1 to 100) before"
        raise BadInput(f"unknown method {name!r}: one of {', '.join(known)}, N being 1 to 9999, perhaps with {more}")
    if noise and not method.noisy:
        clean = method_name(method_parts(name)._replace(noise=None))
        raise BadInput(f"method {name}: it has no crowd that judges the pair to be noisy; take {clean}, or cce@N")
    method.check()
    return partial(method.judge, budget=budget) if method.budgeted else method.judge


def asks_model(name: str) -> bool:
    """Whether the method asks a judge at all."""
    return METHODS[method_parts(name).family].asks


def needs_other(name: str) -> bool:
    """Whether the method takes another pair: to show its notes, or the crowd's answers to its question."""
    family, _, noise, _ = method_parts(name)
    return METHODS[family].shuffled or (noise is not None and noise.kind == "foreign")


def is_by_criteria(name: str) -> bool:
    """Whether the method goes by the pair's own criteria, and cannot do without."""
    return METHODS[method_parts(name).family].by_criteria


def prompts_of(name: str) -> tuple[str, ...]:
    """The prompts that the method fills."""
    family, _, noise, _ = method_parts(name)
    return METHODS[family].prompts + (("liar",) if noise and noise.kind == "liar" else ())


def options_of(name: str, options: Options) -> Options:
    """The options by which the method asks: with the set of prompts that its name asks for."""
    prompts = method_parts(name).prompts
    return options.but(prompts=prompts) if prompts else options


def crowd_needed(name: str) -> int:
    """How many crowd members fill the method's budget: each gives two comparisons. One where any number does; 0 without
    a crowd.
    """
    family, budget, *_ = method_parts(name)
    method = METHODS[family]
    return (budget + 1) // 2 if method.crowded else int(method.whole_crowd or method.jury)


def is_jury(name: str) -> bool:
    """Whether the crowd's models judge; answers at hand cannot."""
    return METHODS[method_parts(name).family].jury
