"""Arguments: what commands take, and what is checked of it before anything is asked."""

import inspect
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from cce.errors import BadInput, OutputUnusable
from cce.options import DEFAULTS, Options
from cce.outputs import check_writable, keep_apart

Profile = Annotated[str, Argument(help="A folder of parameter files: params/PROFILE/.")]
Notebooks = Annotated[list[str] | None, Argument(help="Only these, such as 01_judge_accuracy.")]
Given = Annotated[
    list[str] | None,
    Option("--parameter", "-p", metavar="NAME=VALUE", help="A parameter by hand, as in YAML; once each."),
]
Shard = Annotated[str | None, Option(help="i/n, such as 2/4: only the i-th of n parts of the pairs.")]
Models = Annotated[Path | None, Option(help="A file of models' settings; CCE_MODELS, or params/models.yaml.")]
# What every command that asks models takes: the fields of Options, and bounds on what is spent.
ASKING = {
    "store": Annotated[Path, Option(help="The file that keeps every completion.")],
    "order": Annotated[str, Option(help="given, or both to judge A and B swapped as well.")],
    "verdict": Annotated[str, Option(help="text, or distribution to read log-probabilities.")],
    "concurrency": Annotated[int, Option(help="Requests in flight at once, to one address.")],
    "seed": Annotated[int, Option(help="Decides whatever is drawn by lot.")],
    "max_tokens": Annotated[int, Option(help="The longest answer of a model, in tokens.")],
    "prompts": Annotated[str | None, Option(help="kit, paper, or a folder of your own prompts.")],
    "judge_temperature": Annotated[float, Option(help="Of the judge's rationales.")],
    "crowd_temperature": Annotated[float, Option(help="Of the crowd's answers.")],
    "sample_temperature": Annotated[float, Option(help="Of the votes of maj@N and agg@N.")],
    "sure": Annotated[float, Option(help="The probability from which on cce-escalated@N asks no crowd.")],
    "landing": Annotated[int, Option(help="Seconds that a stop waits for what is under way and paid for.")],
    "models": Models,
    "max_calls": Annotated[int | None, Option(help="Send so many requests at most, then stop.")],
    "max_total_tokens": Annotated[int | None, Option(help="Spend so many tokens at most, prompts included.")],
    "max_cost": Annotated[float | None, Option(help="Spend so many US dollars at most.")],
}
BOUNDS = "max_calls", "max_total_tokens", "max_cost"
# A command has a store of its own where none is named, so that nothing is paid for twice.
DEFAULT_VALUES = vars(DEFAULTS) | {"store": Path("cce-store.sqlite")}


def asking(command: Callable) -> Callable:
    """Give a command the options of ASKING; it takes them as its one argument `options`, the bounds being set."""

    @wraps(command)
    def with_options(**given) -> None:
        from cce import spending

        use_models(given.pop("models"))
        _check_out(given)
        options = {name: given.pop(name) for name in ASKING if name in DEFAULT_VALUES}
        spending.limit(**{name: given.pop(name) for name in BOUNDS}, out=given["out"])
        command(**given, options=Options(**options))

    own = [each for each in inspect.signature(command).parameters.values() if each.name != "options"]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=DEFAULT_VALUES.get(name), annotation=kind)
        for name, kind in ASKING.items()
    ]
    with_options.__signature__ = inspect.Signature([*own, *more])
    return with_options


def _check_out(given: dict) -> None:
    from cce.inputs import files_read

    names = [given.get("pairs") or given.get("responses"), given["judge"], *(given["crowd"] or [])]
    read = files_read(names, *(given[name] for name in ("store", "prompts", "data_dir")))
    keep_apart(read, {"--out": [given["out"]]})
    # What was judged is written in its place later: that must not fail for want of a folder, a right or a shorter name.
    try:
        check_writable(given["out"])
    except OutputUnusable as problem:
        raise BadInput(f"--out {problem}") from None


def use_models(file: Path | None) -> None:
    """Make this the file of models' settings; without one, CCE_MODELS stays what it is."""
    # By the environment, so that notebooks, which run in processes of their own and elsewhere, read the same file.
    if file or os.environ.get("CCE_MODELS"):
        os.environ["CCE_MODELS"] = str((file or Path(os.environ["CCE_MODELS"])).absolute())


def by_hand(given: list[str]) -> dict[str, object]:
    """Parameters as they are given: NAME=VALUE, the value as in YAML. Raises BadInput for what is none."""
    from cce.yaml_files import parse_yaml

    values = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise BadInput(f"-p {one}: write NAME=VALUE, such as limit=100")
        values[name] = parse_yaml(value, f"-p {one:.80}")
    return values
