"""What the notebooks take: every parameter of theirs, with its type and range, checked before a model is asked.

A value that is not what it seems, such as a limit in quotes, would show hours later, or in the numbers alone.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, PositiveInt, ValidationError, ValidationInfo, create_model

from cce.benchmarks.pair import shard_of
from cce.benchmarks.published import Scoring
from cce.chat.picking import RANDOM
from cce.crowd.methods import method_named
from cce.errors import BadInput, PrometheusMissing
from cce.models.loop import heed_schedulers
from cce.models.training import Recipe
from cce.options import DEFAULTS, Options, Order, Reading
from cce.project import check_results, root
from cce.spending import limit

# What students answer in notebook 06: an MT-Bench, then an AlpacaEval.
GRADED = set(product(["mt_bench", "pocket_talk"], ["alpaca_eval", "pocket"]))


def _taken_by(check: Callable) -> AfterValidator:
    """The value as it is, if the check takes it; its BadInput becomes an error that pydantic collects with others."""

    def checked(value):
        try:
            check(value)
        except BadInput as error:
            raise ValueError(str(error)) from None
        return value

    return AfterValidator(checked)


def _method(name: str) -> None:
    # Whether Prometheus's wording is installed is no question of names.
    with suppress(PrometheusMissing):
        if name != RANDOM:
            method_named(name)


def _graded(names: list[str], info: ValidationInfo) -> list[str]:
    # The notebook that has samplers comes to these only after it has trained.
    if "samplers" in info.context and tuple(names) not in GRADED:
        raise ValueError(f"{names}; wanted here: mt_bench or pocket_talk, then alpaca_eval or pocket")
    return names


def _unlike(names: list[str]) -> list[str]:
    # Results go by the file's own name: those of two files of one name would mix, and be taken for one benchmark's.
    known = Counter(Path(name).name for name in names)
    if twice := [name for name, count in known.items() if count > 1]:
        raise ValueError(f"two are called {twice[0]!r}, and their results would mix; name each once, and files unlike")
    return names


def _wanted(kind, wanted: str, **limits):
    """A type that says in an error what is wanted."""
    return Annotated[kind, Field(description=wanted, **limits)]


# A notebook has parameters of its own for a recipe's base and seed.
RECIPE = {each.name: (each.type, each.default) for each in fields(Recipe) if each.name not in ("base", "seed")}
Settings = create_model("Settings", __config__=ConfigDict(strict=True, extra="forbid"), **RECIPE)
Trained = Annotated[Settings, _taken_by(lambda settings: Recipe(**settings.model_dump()))]
Text = Annotated[str, Field(min_length=1)]
Method = Annotated[Text, _taken_by(_method)]
Names = _wanted(list[Text], 'one name or more, each in quotes: write a list, such as ["embedded"]', min_length=1)
Count = _wanted(PositiveInt, "a whole number from 1 up")
CountOrNone = _wanted(PositiveInt | None, "a whole number from 1 up, or None for all")
# Each kind, and the parameters of all notebooks that are of it; a notebook declares those that it takes.
KINDS = [
    (Annotated[Names, AfterValidator(_graded), AfterValidator(_unlike)], "benchmarks"),
    (Names, "judges graders samplers"),
    (_wanted(list[Text], 'names, each in quotes, or none: write a list, such as ["embedded"] or []'), "crowd"),
    (_wanted(list[Method], 'one method or more: write a list, such as ["vanilla", "cce@16"]', min_length=1), "methods"),
    (_wanted(Text, "a text that is not empty"), "store analyst teach_on base instructions"),
    (_wanted(Annotated[Text, _taken_by(check_results)], "a text that is not empty"), "out figures trained"),
    (_wanted(Text | None, "a text that is not empty, or None"), "pair data_dir prompts"),
    (_wanted(int, "a whole number"), "seed"),
    (_wanted(list[int], "one whole number or more: write a list, such as [0, 1, 2]", min_length=1), "seeds"),
    (Count, "max_tokens analyst_tokens student_tokens grader_tokens response_tokens answer_tokens"),
    (Count, "concurrency responses"),
    (CountOrNone, "limit teach_limit samples instruction_limit"),
    (_wanted(PositiveInt | None, "a whole number from 1 up, or None for no bound"), "max_calls max_total_tokens"),
    (_wanted(float | None, "US dollars, more than 0, or None for no bound", gt=0, allow_inf_nan=False), "max_cost"),
    (_wanted(float, "a number from 0 to 2", ge=0, le=2), "judge_temperature crowd_temperature sample_temperature"),
    (_wanted(float, "a number from 0.5 up", ge=0.5), "sure"),
    (_wanted(bool, "True or False, without quotes"), "drop_contradicted mixed"),
    (_wanted(Order, "given or both"), "order student_order grader_order"),
    (_wanted(Reading, "text or distribution"), "verdict grader_verdict"),
    (_wanted(Scoring, "paper or standard"), "scoring"),
    (_wanted(Annotated[str, _taken_by(shard_of)] | None, '"i/n", such as "2/4", or None'), "shard"),
    (_wanted(Trained, f"numbers in a dict, under the names {', '.join(RECIPE)}"), "training"),
    (_wanted(dict[Text, Text], 'a dict from titles to models, such as {"untrained": "m"}'), "beside"),
    (_wanted(dict[Text, Method], 'a dict from models to methods, such as {"m": "judgelm"}'), "published"),
]
FIELDS = {name: kind for kind, names in KINDS for name in names.split()}
Parameters = create_model("Parameters", __config__=ConfigDict(strict=True, extra="ignore"), **FIELDS)


def begin(given: Mapping[str, object]) -> Options:
    """Begin a notebook, which gives its `globals()`: go to the root, check its parameters, set bounds on spending.

    Returns the options that the parameters name. Raises BadInput naming every parameter that is not what it takes.
    """
    os.chdir(root())
    heed_schedulers()
    check(given, "parameters")
    bounds = {name: given.get(name) for name in ("max_calls", "max_total_tokens", "max_cost")}
    # `cce run` has one bound for all notebooks of a profile.
    limit(**bounds, out=os.environ.get("CCE_RUN") or given.get("out"))
    return Options(**{name: given[name] for name in vars(DEFAULTS) if name in given})


def check(given: Mapping[str, object], source: str) -> None:
    """Check what a notebook is given; names that are no parameter are passed over, and none has to be there.

    Raises BadInput naming the `source`, and every wrong parameter, what it is and what is wanted.
    """
    try:
        Parameters.model_validate(dict(given), context=given)
    except ValidationError as error:
        if problems := [_explained(problem) for problem in error.errors() if problem["type"] != "missing"]:
            raise BadInput(f"{source}: " + "; ".join(problems)) from None


def _explained(problem: dict) -> str:
    (name, *inner), got = problem["loc"], repr(problem["input"])
    where = name + "".join(f"[{part!r}]" for part in inner)
    if problem["type"] == "value_error":
        return f"{where}: {problem['ctx']['error']}"
    shown = got if len(got) <= 80 else f"{got[:80]}..."
    return f"{where} is {shown}; wanted: {Parameters.model_fields[name].description}"
