"""Judge many pairs by many methods and judges, into a tidy frame: one row a judged pair.

evaluate(load_pairs("pocket"), ["vanilla", "cce@4"], ["gpt-4o"], crowd=["gpt-4o-mini", "my-model@http://localhost:8000/v1"])
"""

import hashlib
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import product
from pathlib import Path
from typing import TypeVar

import pandas as pd

from cce.benchmarks.pair import Pair
from cce.crowd.batch import Batch, missing_in_words
from cce.crowd.case import Case, Protocol
from cce.crowd.methods import MODEL_FREE, crowd_needed, method_named
from cce.crowd.verdict import UNJUDGED, Judgment
from cce.errors import BadInput, CallFailed
from cce.models.client import LLM
from cce.models.store import Completion
from cce.names import NO_JUDGE

# What a row says, in this order. Until they are a frame rows are tuples: dicts take twice the room.
COLUMNS = ["benchmark", "id", "subset", "cluster", "judge", "method", "verdict", "label", "correct", "p_a", "p_given"]
COLUMNS += ["p_swapped", "text", "text_swapped", "rationale_tokens", "calls", "prompt_tokens", "completion_tokens"]
COLUMNS += ["seconds", "selected", "notes", "outcome_cuts", "context_cuts", "failed"]
T = TypeVar("T")
# What becomes of a judged case: made of the case, its method, the judgment, and why it is missing, where it is.
Keep = Callable[[Case, str, Judgment, str | None], T]


def evaluate(
    pairs: Sequence[Pair],
    methods: Sequence[str] = ("vanilla",),
    judges: Sequence[str] = ("embedded",),
    crowd: Sequence[str] = (),
    *,
    store: str | Path | None = None,
    concurrency: int = 32,
    **protocol,
) -> pd.DataFrame:
    """Judge every pair by every method and judge.

    Args:
        pairs: as `load_pairs` gives them.
        methods: such as `vanilla`, `maj@N`, `cce@N`; see `cce.crowd.methods`. Those that ask no model, such as
            `length`, are run once, under the judge's name "none".
        judges: models, each `NAME`, `NAME@BASE_URL`, `embedded`, `embedded-judge`, or the folder of a student.
        crowd: models that answer each instruction; one listed twice answers twice. A pair's own `crowd` comes first.
        store: path of the SQLite store; None keeps completions in memory.
        concurrency: requests in flight at once to one address.
        protocol: order, verdict, seed, max_tokens, prompts; see `Protocol`.

    Returns a row a judge, method and pair, in this order: benchmark, id, subset, cluster (the same for pairs with
    one first question), judge, method, verdict (A, B, tie or None), label, correct (None without a label), p_a,
    p_given and p_swapped (the probability of A in either order), text and text_swapped (the rationales in either
    order, where what stands second is called B), rationale_tokens (of text), calls,
    prompt_tokens, completion_tokens, seconds (of model time), selected, notes, outcome_cuts, context_cuts (see
    `Case`), failed (None, or why a call failed for good: the judgment is then missing, neither right nor wrong, which
    is warned of).
    Raises BadInput before any request is sent; EndpointFailed where an endpoint is of no use, BoundReached where no
    more may be spent.
    """
    rows = judged(row_of, pairs, methods, judges, crowd, store=store, concurrency=concurrency, **protocol)
    return pd.DataFrame(rows, columns=COLUMNS)


def judged(keep: Keep[T], pairs, methods, judges, crowd, *, store=None, concurrency=32, **protocol) -> list[T]:
    """What is kept of every judged case, by judge and method, and within these by pair; takes what `evaluate` takes."""
    docket = Docket(pairs, methods, judges, crowd, store, concurrency, Protocol(**protocol))
    kept = docket.judged(keep)
    if docket.failures:
        said = missing_in_words("judging", len(docket.failures), len(kept), docket.failures[0])
        warnings.warn(said, stacklevel=3)
    return kept


class Docket:
    """All cases of an evaluation, checked before the first request."""

    def __init__(self, pairs, methods, judges, crowd, store, concurrency, protocol: Protocol):
        self.methods = {name: method_named(name) for name in methods}
        check_crowd(methods, crowd, at_hand=min((len(pair.crowd) for pair in pairs), default=0))
        check_reading(methods, judges, protocol)
        if not (pairs and methods and judges):
            raise BadInput("pairs, methods and judges: at least one of each")
        _check_names(pairs)
        self.models = {name: LLM(name, store, concurrency) for name in dict.fromkeys([*judges, *crowd])}
        self.crowd = tuple(self.models[name] for name in crowd)
        self.protocol, self.concurrency = protocol, concurrency
        free = [(NO_JUDGE, method) for method in self.methods if method in MODEL_FREE]
        self.seats = free + [seat for seat in product(dict.fromkeys(judges), self.methods) if seat[1] not in MODEL_FREE]
        # Pair by pair, so that a run that is killed has whole pairs, and prompts with one beginning stand together.
        self.work, self.failures = list(product(pairs, self.seats)), []

    def judged(self, keep: Keep[T]) -> list[T]:
        """Judge all cases; each walks its own way."""

        async def step(work: tuple[Pair, tuple[str, str]]) -> T:
            pair, (judge, method) = work
            case, failed = Case(pair, self.models.get(judge), self.crowd, self.protocol), None
            try:
                judgment = await self.methods[method](case)
            except CallFailed as failure:
                judgment, failed = UNJUDGED, str(failure)
                self.failures.append(failed)
            return keep(case, method, judgment, failed)

        kept = Batch("judging", self.work, list(self.models.values())).results(step, self.concurrency)
        return [one for seat in range(len(self.seats)) for one in kept[seat :: len(self.seats)]]


def _check_names(pairs: Sequence[Pair]) -> None:
    (name, count), *_ = Counter((pair.benchmark, pair.id) for pair in pairs).most_common(1)
    if count > 1:
        raise BadInput(f"two pairs are called {name[1]!r} of {name[0]!r}: name each benchmark once, and files unlike")


def check_crowd(methods: Sequence[str], crowd: Sequence[str], at_hand: int) -> None:
    """Refuse a method that needs a crowd and has none, of models or of answers at hand, and warn of one too small.

    Its warning, like `check_reading`'s, points at the user's line, four calls above.
    """
    size = at_hand + len(crowd)
    if crowd and not any(map(crowd_needed, methods)):
        warnings.warn(f"none of {', '.join(methods)} asks the crowd", stacklevel=5)
    for name in methods:
        needed = crowd_needed(name)
        if needed and not size:
            raise BadInput(
                f"method {name} needs a crowd: name at least one crowd model, or bring a crowd's answers along "
                "(`crowd` of every pair, or a third response in a pool)"
            )
        if needed > size:
            warnings.warn(
                f"{name}: a crowd of {size} gives {2 * size} comparisons at most, fewer than the budget", stacklevel=5
            )


def check_reading(methods: Sequence[str], judges: Sequence[str], protocol: Protocol) -> None:
    """Warn where the untrained embedded model is to be read from its text."""
    if "embedded" in judges and protocol.verdict == "text" and not set(methods) <= MODEL_FREE:
        warnings.warn(
            'the embedded model writes no verdict: use verdict="distribution", order="both", or embedded-judge',
            stacklevel=5,
        )


def cluster_of(pair: Pair) -> str:
    """A short name of the pair's first question: judgments of answers to one question depend on each other."""
    return hashlib.sha256(pair.questions[0].encode()).hexdigest()[:12]


def row_of(case: Case, method: str, judgment: Judgment, failed: str | None) -> tuple:
    """The row of a judged case: a cell for each of COLUMNS."""
    pair, judge = case.pair, case.judge.model if case.judge else NO_JUDGE
    label, verdict, cost = pair.label, judgment.verdict, cost_of(case.used.values())
    swapped = judgment.readings[1].text if len(judgment.readings) > 1 else None
    return (
        pair.benchmark,
        pair.id,
        pair.subset,
        cluster_of(pair),
        judge,
        method,
        verdict,
        label,
        verdict == label if label and judgment is not UNJUDGED else None,
        judgment.p_a,
        judgment.p_in(0),
        judgment.p_in(1),
        judgment.text,
        swapped,
        judgment.readings[0].tokens,
        *cost.values(),
        len(case.selected),
        sum(bool(note.shown) for note in case.notes),
        case.outcome_cuts,
        case.context_cuts,
        failed,
    )


def cost_of(used: Collection[Completion]) -> dict:
    """What these completions cost: calls, tokens, seconds of model time."""
    return {
        "calls": len(used),
        "prompt_tokens": sum(completion.prompt_tokens for completion in used),
        "completion_tokens": sum(completion.completion_tokens for completion in used),
        "seconds": round(sum(completion.seconds for completion in used), 3),
    }
