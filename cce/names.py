"""Names of models and methods, taken apart in one place.

A model is `NAME`, `NAME@BASE_URL`, or the folder of a student. A method is `FAMILY[@BUDGET][~NOISE][:SET]`: NOISE is
what is wrong with so many percent of its crowd, such as `flipped25`, SET one of the kit's sets of prompts.
"""

import re
from collections import namedtuple
from functools import cache

from cce.options import PROMPTS

# The judge's name where no model is asked.
NO_JUDGE = "none"
# The mean of benchmarks, each counting alike, stands as one of its own: that of the paper's five, or of others.
AVERAGES = AVERAGE, OTHER_AVERAGE = "average", "average of these"
# A student's name where it judges: nothing taught it, or how the name begins that says what did.
UNTRAINED, TAUGHT = "untrained", "student: "


# What may be wrong with a crowd: its judgments, its answers, or one of its members (see `cce.crowd.noise`).
NOISES = ("flipped", "foreign", "liar")
# The address of a model is empty for none.
ModelName, Noise = namedtuple("ModelName", "name url"), namedtuple("Noise", "kind percent")
# The budget is a whole number, the noise a Noise; all but the family are None where none is given.
MethodName = namedtuple("MethodName", "family budget noise prompts")
METHOD = re.compile(
    rf"(.+?)(?:@([1-9][0-9]{{0,3}}))?(?:~({'|'.join(NOISES)})(100|[1-9][0-9]?))?(?::({'|'.join(PROMPTS)}))?", re.DOTALL
)


@cache
def model_parts(model: str) -> ModelName:
    """The name before the last @ that an address follows; a student's folder may have an @ of its own."""
    found = re.fullmatch(r"(.*)@(https?://.*)", model, re.DOTALL | re.IGNORECASE)
    return ModelName(found[1], found[2].rstrip("/")) if found else ModelName(model, "")


def short_name(model: str) -> str:
    """A model without its address."""
    return model_parts(model).name


@cache
def method_parts(method: str) -> MethodName:
    """`cce@16~flipped25:paper` is of the family `cce`, with a budget of 16, a quarter of its crowd judgments flipped,
    and prompts of the set `paper`.
    """
    if (found := METHOD.fullmatch(method)) is None:
        return MethodName(method, None, None, None)
    name, budget, kind, percent, prompts = found.groups()
    return MethodName(name, budget and int(budget), Noise(kind, int(percent)) if kind else None, prompts)


def method_name(parts: MethodName) -> str:
    """The method of these parts: the inverse of `method_parts`."""
    name, budget, noise, prompts = parts
    noisy = f"~{noise.kind}{noise.percent}" if noise else ""
    return name + (f"@{budget}" if budget else "") + noisy + (f":{prompts}" if prompts else "")


def family(method: str) -> str:
    """The method without its budget; a noisy one is another than the one without noise."""
    return method_name(method_parts(method)._replace(budget=None))


def without_prompts(method: str) -> str:
    """The method without its set of prompts: `cce@16` for `cce@16:paper`."""
    return method_name(method_parts(method)._replace(prompts=None))


def cce_family(selection: str, removal: bool) -> str:
    """The family of a row of the paper's Table 4: criticizing with outcome removal is the paper's own method, `cce`."""
    if (selection, removal) == ("criticizing", True):
        return "cce"
    return f"cce-{selection}+removal" if removal else f"cce-{selection}"
