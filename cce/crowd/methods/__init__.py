"""The methods, written as in the paper: `vanilla`, `maj@16`, `cce@16`. The number after @ is the budget.

A method is an async function from a Session and a Pair, and its budget where it has one, to what it found: Judged. It
stands in METHODS, where `register` can put it from anywhere else. The paper's selection ablation is written
`cce-SELECTION@N`, with `+removal` where outcomes are removed; criticizing with removal is the paper's method, `cce@N`.
The paper's `cce-random@N` removes none: its cells in Table 1 are those of Table 4's random rows without removal.
`vanilla:paper` and `vanilla:kit` ask with that set of prompts, whatever the run's own is.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison, Remark, compare
from cce.crowd.members import SELECTIONS, select
from cce.crowd.methods.published import FORMATS, published, wording
from cce.crowd.methods.rubric import rubric, self_rubric
from cce.crowd.notes import notes_of
from cce.crowd.record import Judged
from cce.crowd.session import Session
from cce.crowd.verdict import Judgment, Reading, majority
from cce.errors import BadInput
from cce.models.loop import together
from cce.names import cce_family, method_parts
from cce.options import PROMPTS, Options

# Methods of one judgment differ in their prompt alone: prompts/NAME.jinja.
SINGLE = ("vanilla", "longprompt", "evalplan", "16-criteria")


async def cce(
    session: Session, pair: Pair, budget: int, selection: str, removal: bool, shuffled: bool = False
) -> Judged:
    """The paper's method: the judge decides with `budget` selected comparisons of A and B with the crowd as background.

    `selection` is one of SELECTIONS; `removal` says whether outcomes are removed. Where there is no note to show, the
    judgment is vanilla's; with `prompts="paper"` it is that of the same prompt without notes, as in the paper's code.
    A `shuffled` one shows the notes of the session's other pair, which `cce` shows with that: what `cce` gains beyond
    this, it gains by what its notes say of its own answers.
    """
    compared = session.other if shuffled else pair
    selected = await select(session, compared, selection, budget)
    notes = await together(notes_of(session, selected, removal, order) for order in range(session.orders))
    shown = [
        [Remark(note.shown, note.of.place(order), note.of.member.letter) for note in of_order if note.shown]
        for order, of_order in enumerate(notes)
    ]
    background = {"notes": shown, "without_notes": "cce" if session.options.prompts == "paper" else "vanilla"}
    judgment = await compare(session, Comparison.of(pair), "cce", **background, apart=selected.apart)
    return Judged(judgment, selected, notes, compared.id if shuffled else None)


async def count(session: Session, pair: Pair, budget: int) -> Judged:
    """The candidate that lost fewer of the comparisons that `cce` of this budget selects; where both lost as many,
    vanilla decides. No rationale is read: what `cce` gains beyond this, it gains by more than who lost how often.
    """
    selected = await select(session, pair, "criticizing", budget)
    lost = Counter(judgment.candidate for judgment in selected.chosen)
    if lost["A"] == lost["B"] or any(judgment.judgment.supposed for judgment in selected.chosen):
        return Judged(await compare(session, Comparison.of(pair)), selected)
    return Judged(_unwritten(float(lost["A"] < lost["B"]), session), selected)


async def cce_prompt(session: Session, pair: Pair) -> Judged:
    """The prompt of `cce` without any note: what `cce` gains by its wording alone."""
    no_notes = [[]] * session.orders
    return Judged(await compare(session, Comparison.of(pair), "cce", notes=no_notes, without_notes="cce"))


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
    return Judged(_unwritten(0.5 if a == b else float(a > b), session))


async def shorter(session: Session, pair: Pair) -> Judged:
    """The answer with fewer characters wins: the floor on benchmarks whose worse answers were made long."""
    a, b = pair.lengths
    return Judged(_unwritten(0.5 if a == b else float(a < b), session))


def _unwritten(p_a: float, session: Session) -> Judgment:
    return Judgment(tuple(Reading("", p) for p in (p_a, 1 - p_a)[: session.orders]), p_a)


@dataclass(frozen=True)
class Method:
    """How a family of methods judges, and what it takes.

    A `budgeted` one is named with a budget, which `judge` takes; half of a `crowded` one's budget is the number of
    crowd members that fill it. One that `asks` no model is the same whoever judges. A `shuffled` one needs another
    pair, with another question; one `by_criteria` needs criteria of the pair's own. `prompts` are those it fills.
    `check` raises an error that the user can act on where something is not installed.
    """

    judge: Callable[..., Awaitable[Judged]]
    budgeted: bool = False
    crowded: bool = False
    asks: bool = True
    shuffled: bool = False
    by_criteria: bool = False
    prompts: tuple[str, ...] = ()
    check: Callable[[], object] = bool


METHODS = {"longer": Method(longer, asks=False), "shorter": Method(shorter, asks=False)}
METHODS |= {name: Method(partial(single, prompt=name), prompts=(name,)) for name in SINGLE}
METHODS |= {
    name: Method(partial(published, name=name), prompts=(name,), check=partial(wording, name)) for name in FORMATS
}
METHODS["rubric"] = Method(rubric, by_criteria=True, prompts=("rubric",))
METHODS["self-rubric"] = Method(self_rubric, prompts=("rubric_of_question", "rubric", "vanilla"))
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


def register(family: str, judge: Callable[..., Awaitable[Judged]], **what) -> None:
    """Make a method known by its name without the budget; `what` are fields of `Method`."""
    METHODS[family] = Method(judge, **what)


def method_named(name: str) -> Callable[[Session, Pair], Awaitable[Judged]]:
    """The method of this name, its budget filled in.

    Raises BadInput for a name that is none, PrometheusMissing where Prometheus's wording is not installed.
    """
    family, budget, noise, _ = method_parts(name)
    method = METHODS.get(family)
    if method is None or method.budgeted != (budget is not None) or noise:
        known = [f"{family}@N" if method.budgeted else family for family, method in METHODS.items()]
        sets = " or ".join(f":{name}" for name in PROMPTS)
        raise BadInput(f"unknown method {name!r}: one of {', '.join(known)}, N being 1 to 9999, perhaps with {sets}")
    method.check()
    return partial(method.judge, budget=budget) if method.budgeted else method.judge


def asks_model(name: str) -> bool:
    """Whether the method asks a judge at all."""
    return METHODS[method_parts(name).family].asks


def is_shuffled(name: str) -> bool:
    """Whether the method shows the notes of another pair."""
    return METHODS[method_parts(name).family].shuffled


def is_by_criteria(name: str) -> bool:
    """Whether the method goes by the pair's own criteria, and cannot do without."""
    return METHODS[method_parts(name).family].by_criteria


def prompts_of(name: str) -> tuple[str, ...]:
    """The prompts that the method fills."""
    return METHODS[method_parts(name).family].prompts


def options_of(name: str, options: Options) -> Options:
    """The options by which the method asks: with the set of prompts that its name asks for."""
    prompts = method_parts(name).prompts
    return options.but(prompts=prompts) if prompts else options


def crowd_needed(name: str) -> int:
    """How many crowd members fill the method's budget: each gives two comparisons; 0 without a crowd."""
    family, budget, *_ = method_parts(name)
    return (budget + 1) // 2 if METHODS[family].crowded else 0
