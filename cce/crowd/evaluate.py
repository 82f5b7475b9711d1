"""Judge many pairs by many methods and judges: one row per judge, method and pair.

    evaluate(load_pairs("pocket"), ["vanilla", "cce@4"], ["gpt-4o"], crowd=["gpt-4o-mini", "m@http://localhost:8000/v1"])

Each pair walks on its own through all stages; none waits for another.
"""

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise, product
from typing import NamedTuple, TypeVar

import pandas as pd

from cce.benchmarks.doubts import doubts_of
from cce.benchmarks.pair import Pair
from cce.benchmarks.pair_file import PairFile, as_pairs
from cce.crowd.methods import asks_model, crowd_needed, is_by_criteria, is_jury, method_named, needs_other, options_of
from cce.crowd.record import COLUMNS, Judged, Records, record_of
from cce.crowd.rehearsal import check_prompts
from cce.crowd.session import Session
from cce.crowd.verdict import UNJUDGED
from cce.errors import BadInput, CallFailed
from cce.models.client import LLM
from cce.models.steps import missing_in_words, results
from cce.models.wire import CUT_OFF
from cce.names import NO_JUDGE, method_parts
from cce.options import DEFAULTS, Options
from cce.text import visible

T = TypeVar("T")
# The share of judgments that are unreadable for one reason from which on that is said.
WORTH_SAYING = 0.02
# By the name that results are to show, a model; or models under their own names.
Judges = Sequence[str] | Mapping[str, str]


class Work(NamedTuple):
    """One judgment to be made: of the pair at this place, by a judge and a method."""

    place: int
    pair: Pair
    judge: str
    method: str


def evaluate(
    pairs: Sequence[Pair],
    methods: Sequence[str] = ("vanilla",),
    judges: Judges = ("embedded",),
    crowd: Sequence[str] = (),
    options: Options = DEFAULTS,
    *,
    out: Records | None = None,
    **changes,
) -> pd.DataFrame:
    """Judge every pair, as `load_pairs` gives them, by every method and judge. For options and changes see `Options`.

    Args:
        pairs: pairs, or what `load_pairs` makes pairs of: a pandas frame, or rows from a list or generator.
        methods: see `cce.crowd.methods`. Those that ask no model are run once, under the judge's name "none".
        judges: models, as `LLM` takes them, or a dict of these by the name that the column `judge` is to show.
        crowd: models that answer each instruction; one listed twice answers twice. A pair's own `crowd` comes first.
        out: gets the record of each judgment (see `cce.crowd.record`) as it comes.

    Returns one row per judge, method and pair, in this order: benchmark, id, subset, cluster (the same for pairs with
    one first question), judge, method, verdict (A, B, tie or None), label, correct (None without a label), p_a,
    p_given and p_swapped (the probability of A in either order), text and text_swapped (the rationales in either
    order, where what stands second is called B), rationale_tokens (of text), calls, prompt_tokens, completion_tokens,
    seconds (of model time), latency (seconds of these on the way to the verdict, None where a completion has none),
    dollars (None without a known price), selected (crowd judgments drawn), notes (shown to the judge), outcome_cuts
    (rewritings that still held an outcome, over all orders), context_cuts (shortened prompts), judgments_cut_off (the
    share of judgments and rewritings that max_tokens cut off), answers_cut_off (of crowd answers), crowd_refused
    (members that a filter refused, and the crowd went on without), length_a and length_b (of the answers, in
    characters), unreadable (None, or why no verdict could be read), failed (None, or why a call failed for good: the
    judgment is then missing, neither right nor wrong, which is warned of).
    Raises BadInput before any request is sent, EndpointFailed for a useless endpoint, BoundReached at a bound on costs.
    """
    evaluation = Evaluation(pairs, methods, judges, crowd, options.but(**changes))
    warn(evaluation.cautions)

    def row(record: dict) -> tuple:
        if out:
            out.write(record)
        return tuple(record[name] for name in COLUMNS)  # dicts would take twice the room

    rows = evaluation.run(row)
    warn(evaluation.found())
    return pd.DataFrame(rows, columns=COLUMNS)


def evaluate_into(
    out: Records, pairs: Sequence[Pair], methods: Sequence[str], judges: Judges, crowd: Sequence[str], options: Options
) -> int:
    """The same for any number of pairs: no record is kept in memory. Returns how many judgments are missing."""
    evaluation = Evaluation(pairs, methods, judges, crowd, options)
    warn(evaluation.cautions)
    evaluation.run(out.write)
    warn(evaluation.found())
    return evaluation.failures


def warn(messages: Iterable[str]) -> None:
    """Warn of each, and point at the line that called the function which calls this one."""
    for message in messages:
        warnings.warn(visible(message), stacklevel=3)


class Evaluation:
    """All judgments to be made, checked before the first request.

    `cautions` and, after the run, what is `found` are what the user should be warned of; `failures` judgments are
    missing.
    """

    def __init__(
        self, pairs: Sequence[Pair], methods: Sequence[str], judges: Judges, crowd: Sequence[str], options: Options
    ):
        check_lists(methods=methods, judges=judges, crowd=crowd)
        pairs = as_pairs(pairs, options.seed)
        self.methods = {name: method_named(name) for name in methods}
        self.judges = judges if isinstance(judges, Mapping) else {name: name for name in judges}
        self.cautions = check_crowd(methods, crowd, lambda: min((len(pair.crowd) for pair in pairs), default=0))
        self.cautions += check_reading(methods, self.judges.values(), options)
        self.failures, self.counts, self.unreadable, self.reason = 0, Counter(), Counter(), ""
        if not (len(pairs) and methods and judges):
            raise BadInput("pairs, methods and judges: at least one of each")
        _check_ids(pairs)
        _check_criteria(pairs, methods)
        check_prompts(methods, options)
        self.cautions += pairs.doubts if isinstance(pairs, PairFile) else doubts_of(pairs)
        self.models = {name: LLM(name, options) for name in dict.fromkeys([*self.judges.values(), *crowd])}
        self.crowd = tuple(self.models[name] for name in crowd)
        asking = [name for name in self.methods if asks_model(name)]
        self.judge_methods = [(NO_JUDGE, name) for name in self.methods if name not in asking]
        self.judge_methods += product(self.judges, asking)
        self.pairs, self.options, self.total = pairs, options, len(pairs) * len(self.judge_methods)
        other_needed = next(filter(needs_other, methods), None)
        self.others = _others(pairs, other_needed) if other_needed else {}

    def run(self, keep: Callable[[dict], T]) -> list[T]:
        """Make all judgments, and keep something of each one's record, in order and as soon as that allows.

        Returns what was kept, by judge and method, then by pair.
        """
        each = len(self.judge_methods)

        async def step(work: Work) -> dict:
            place, pair, judge, method = work
            options = options_of(method, self.options)
            # What the pair's benchmark prescribes goes before what the user asks for.
            options = options.but(order=pair.order) if pair.order else options
            other = self.pairs[self.others[place]] if needs_other(method) else None
            models = self.models.get(self.judges.get(judge)), self.crowd
            session = Session(pair.id, options, *models, other, method_parts(method).noise)
            try:
                judged = await self.methods[method](session, pair)
            except CallFailed as error:
                judged = Judged(UNJUDGED, failed=str(error))
                self.failures, self.reason = self.failures + 1, self.reason or judged.failed
            record = record_of(pair, judge, method, judged, session)
            self.counts.update(refused=record["crowd_refused"])
            self.unreadable.update([record["unreadable"]] if record["unreadable"] else [])
            return record

        # Pair by pair, so that a run that is killed has whole pairs, and prompts with one beginning stand together.
        work = (Work(*pair, *judge_method) for pair in enumerate(self.pairs) for judge_method in self.judge_methods)
        models, concurrency = [*self.models.values()], self.options.concurrency
        kept = results("judging", self.total, models, work, step, concurrency, keep)
        return [one for place in range(each) for one in kept[place::each]]

    def found(self) -> list[str]:
        """What to say after the run: how much is missing, unreadable and why, or refused by a filter."""
        why = CUT_OFF["length"]
        cut_off, refused, longest = self.unreadable[why], self.counts["refused"], self.options.max_tokens
        remedy = f"raise max_tokens above {longest:,}, which bounds what a model thinks and its answer together"
        told = {
            missing_in_words("judging", self.failures, self.total, self.reason): self.failures,
            f"judging: {cut_off:,} of {self.total:,} judgments were cut off before their verdict; {remedy}": cut_off,
            f"judging: {refused:,} crowd members were refused by a filter; these crowds are so much smaller": refused,
        }
        often = {
            f"judging: {count:,} of {self.total:,} judgments are unreadable: {reason}": count
            for reason, count in self.unreadable.items()
            if reason != why and count > WORTH_SAYING * self.total
        }
        return [said for said, count in (told | often).items() if count]


def check_lists(**given: Sequence[str] | Mapping[str, str]) -> None:
    """Refuse a text where names are wanted: its letters would be taken for names."""
    for name, value in given.items():
        if isinstance(value, str):
            raise BadInput(f"{name} {value!r}: a list is wanted, such as [{value!r}]")


def _check_ids(pairs: Sequence[Pair]) -> None:
    known = {}
    # A file that is read pair by pair was checked as it was loaded.
    for pair in () if isinstance(pairs, PairFile) else pairs:
        name = pair.benchmark, pair.id
        if name in known:
            what = "one pair twice" if known[name] == pair else "with different texts"
            remedy = "name each benchmark once, and files unlike"
            raise BadInput(f"two pairs are called {pair.id!r} of {pair.benchmark!r}, {what}: {remedy}")
        known[name] = pair


def _check_criteria(pairs: Sequence[Pair], methods: Sequence[str]) -> None:
    name = next(filter(is_by_criteria, methods), None)
    without = next((pair for pair in pairs if not pair.criteria), None) if name else None
    if without:
        remedy = "self-rubric lets the judge write them"
        raise BadInput(f"method {name} goes by a pair's own criteria, and {without.id!r} has none; {remedy}")


def _others(pairs: Sequence[Pair], method: str) -> dict[int, int]:
    """By place, that of the next pair of the same benchmark that asks something else; after the last comes the first.

    Raises BadInput, naming the method, for a benchmark in which all pairs ask the same.
    """
    asked, of_benchmark, others = [], defaultdict(list), {}
    for place, pair in enumerate(pairs):
        asked.append(hash(pair.questions))
        of_benchmark[pair.benchmark].append(place)
    for benchmark, places in of_benchmark.items():
        if len({asked[place] for place in places}) == 1:
            raise BadInput(f"method {method} takes another pair: {benchmark!r} has no pair with another question")
        # Twice round, from the back, since the last may have its other one behind the first.
        for place, after in reversed(list(pairwise([*places, *places, places[0]]))):
            others[place] = after if asked[after] != asked[place] else others.get(after)
    return others


def check_crowd(methods: Sequence[str], crowd: Sequence[str], at_hand: Callable[[], int]) -> list[str]:
    """Refuse a method that needs a crowd and has none, of models or of answers at hand; caution against a small one."""
    needed = {name: members for name in methods if (members := crowd_needed(name))}
    if not needed:
        return [f"none of {', '.join(methods)} asks the crowd"] if crowd else []
    size = len(crowd) + at_hand()
    if not size:
        remedy = "name at least one crowd model, or bring a crowd's answers along"
        places = "`crowd` of every pair, or a third response in a pool"
        raise BadInput(f"method {next(iter(needed))} needs a crowd: {remedy} ({places})")
    if not crowd and (juries := [name for name in needed if is_jury(name)]):
        raise BadInput(f"method {juries[0]} needs a crowd model that judges; answers at hand cannot: name at least one")
    few = f"a crowd of {size} gives {2 * size} comparisons at most, fewer than the budget"
    return [f"{name}: {few}" for name, members in needed.items() if members > size]


def check_reading(methods: Iterable[str], judges: Iterable[str], options: Options) -> list[str]:
    """Caution against reading the untrained embedded model from its text."""
    if "embedded" not in judges or options.verdict == "distribution" or not any(map(asks_model, methods)):
        return []
    return ['the embedded model writes no verdict: use verdict="distribution", order="both", or embedded-judge']
