"""What the notebooks take: every parameter of theirs, with its type and range, checked before a model is asked.

A value that is not what it seems (a limit in quotes, one benchmark's name without a list around it) would otherwise
show hours later, or in the numbers alone.
"""

from collections.abc import Mapping
from contextlib import suppress
from itertools import product
from typing import Annotated, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, create_model

from cce import options
from cce.benchmarks.pair import shard_of
from cce.benchmarks.published import Scoring
from cce.chat.picking import RANDOM
from cce.crowd.methods import method_named
from cce.errors import BadInput, PrometheusMissing
from cce.models.training import Recipe

LONGEST_SHOWN = 80
# What students answer in notebook 06: an MT-Bench, then an AlpacaEval.
GRADED = set(product(["mt_bench", "pocket_talk"], ["alpaca_eval", "pocket"]))


def _method(name: str) -> str:
    # Whether Prometheus's wording is installed is no question of names.
    with suppress(PrometheusMissing):
        if name != RANDOM:
            _as_value_error(method_named, name)
    return name


def _graded(names: list[str], info: ValidationInfo) -> list[str]:
    # The notebook that has samplers comes to these only after it has trained.
    if "samplers" in info.context and tuple(names) not in GRADED:
        raise ValueError(f"{names}; wanted here: mt_bench or pocket_talk, then alpaca_eval or pocket")
    return names


def _shard(shard: str) -> str:
    _as_value_error(shard_of, shard)
    return shard


def _training(settings: BaseModel) -> BaseModel:
    _as_value_error(Recipe, **settings.model_dump())
    return settings


def _as_value_error(check, *values, **named) -> None:
    # So that pydantic collects it with the others.
    try:
        check(*values, **named)
    except BadInput as error:
        raise ValueError(str(error)) from None


def _wanted(kind, wanted: str, **limits):
    """A type that says in an error what is wanted."""
    return Annotated[kind, Field(description=wanted, **limits)]


Positive = Annotated[int, Field(gt=0)]
Whole = _wanted(int, "a whole number")
Wholes = _wanted(list[int], "one whole number or more: write a list, such as [0, 1, 2]", min_length=1)
Count = _wanted(int, "a whole number from 1 up", gt=0)
CountOrNone = _wanted(Positive | None, "a whole number from 1 up, or None for all")
Bound = _wanted(Positive | None, "a whole number from 1 up, or None for no bound")
Price = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Dollars = _wanted(Price | None, "US dollars, more than 0, or None for no bound")
Name = _wanted(str, "a text that is not empty", min_length=1)
NameOrNone = _wanted(Name | None, "a text that is not empty, or None")
Names = _wanted(list[Name], 'one name or more, each in quotes: write a list, such as ["embedded"]', min_length=1)
NamesOrNone = _wanted(list[Name], 'names, each in quotes, or none: write a list, such as ["embedded"] or []')
Method = Annotated[Name, AfterValidator(_method)]
Methods = _wanted(list[Method], 'one method or more: write a list, such as ["vanilla", "cce@16"]', min_length=1)
Models = _wanted(dict[Name, Name], 'a dict from titles to models, such as {"untrained": "m"}')
Published = _wanted(dict[Name, Method], 'a dict from models to methods, such as {"m": "judgelm"}')
Reading = _wanted(options.Reading, "text or distribution")
Order = _wanted(options.Order, "given or both")
YesOrNo = _wanted(bool, "True or False, without quotes")
Shard = _wanted(Annotated[str, AfterValidator(_shard)] | None, '"i/n", such as "2/4", or None')
# A notebook has parameters of its own for a recipe's base and seed.
RECIPE = {name: kind for name, kind in get_type_hints(Recipe).items() if name not in ("base", "seed")}
Settings = create_model(
    "Settings",
    __config__=ConfigDict(strict=True, extra="forbid"),
    **{name: (kind, getattr(Recipe, name)) for name, kind in RECIPE.items()},
)
Training = _wanted(
    Annotated[Settings, AfterValidator(_training)], f"numbers in a dict, under the names {', '.join(RECIPE)}"
)


class Parameters(BaseModel):
    """The parameters of all notebooks; each notebook declares those that it takes, and what they are by default."""

    model_config = ConfigDict(strict=True, extra="ignore")

    benchmarks: Annotated[Names, AfterValidator(_graded)]
    judges: Names
    crowd: NamesOrNone
    methods: Methods
    limit: CountOrNone
    seed: Whole
    order: Order
    verdict: Reading
    scoring: Annotated[Scoring, Field(description="paper or standard")]
    max_tokens: Count
    concurrency: Count
    store: Name
    out: Name
    figures: Name
    data_dir: NameOrNone
    prompts: NameOrNone
    shard: Shard
    max_calls: Bound
    max_total_tokens: Bound
    max_cost: Dollars
    # 00_one_pair
    pair: NameOrNone
    # 03_scaling
    seeds: Wholes = [0]
    # 04_key_points
    analyst: Name
    analyst_tokens: Count
    # 05_distillation
    teach_on: Name
    teach_limit: CountOrNone
    drop_contradicted: YesOrNo
    samples: CountOrNone
    mixed: YesOrNo
    base: Name
    training: Training
    trained: Name
    beside: Models
    published: Published
    student_order: Order
    student_tokens: Count
    # 06_rejection_sampling
    graders: Names
    grader_verdict: Reading
    grader_order: Order
    grader_tokens: Count
    instructions: Name
    instruction_limit: CountOrNone
    samplers: Names
    responses: Count
    response_tokens: Count
    answer_tokens: Count


def check(given: Mapping[str, object], source: str) -> None:
    """Check what a notebook is given; names that are no parameter are passed over, and none has to be there.

    `source` says in the error where it was given. Raises BadInput naming every wrong parameter, what it is and what is
    wanted.
    """
    try:
        Parameters.model_validate(dict(given), context=given)
    except ValidationError as error:
        problems = [_explained(problem) for problem in error.errors() if problem["type"] != "missing"]
        if problems:
            raise BadInput(f"{source}: " + "; ".join(problems)) from None


def _explained(problem: dict) -> str:
    (name, *inner), got = problem["loc"], repr(problem["input"])
    where = name + "".join(f"[{part!r}]" for part in inner)
    if problem["type"] == "value_error":
        return f"{where}: {problem['ctx']['error']}"
    shown = got if len(got) <= LONGEST_SHOWN else f"{got[:LONGEST_SHOWN]}..."
    return f"{where} is {shown}; wanted: {Parameters.model_fields[name].description}"
