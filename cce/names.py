"""Names of models and methods, taken apart in one place.

A model is `NAME`, `NAME@BASE_URL`, or the folder of a student; a method is `FAMILY` or `FAMILY@BUDGET`, either perhaps
with `:SET`, one of the kit's sets of prompts.
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


# The address of a model is empty for none. The budget of a method is a whole number; it and the set of prompts are None
# where none is given.
ModelName, MethodName = namedtuple("ModelName", "name url"), namedtuple("MethodName", "family budget prompts")
METHOD = re.compile(rf"(.+?)(?:@([1-9][0-9]{{0,3}}))?(?::({'|'.join(PROMPTS)}))?", re.DOTALL)


def model_parts(model: str) -> ModelName:
    """The name before the last @ that an address follows; a student's folder may have an @ of its own."""
    found = re.fullmatch(r"(.*)@(https?://.*)", model, re.DOTALL | re.IGNORECASE)
    return ModelName(found[1], found[2].rstrip("/")) if found else ModelName(model, "")


def short_name(model: str) -> str:
    """A model without its address."""
    return model_parts(model).name


@cache
def method_parts(method: str) -> MethodName:
    """`cce@16:paper` is of the family `cce`, with a budget of 16 and prompts of the set `paper`."""
    found = METHOD.fullmatch(method)
    return MethodName(found[1], found[2] and int(found[2]), found[3]) if found else MethodName(method, None, None)


def family(method: str) -> str:
    """The method without its budget."""
    name, _, prompts = method_parts(method)
    return f"{name}:{prompts}" if prompts else name


def without_prompts(method: str) -> str:
    """The method without its set of prompts: `cce@16` for `cce@16:paper`."""
    name, budget, _ = method_parts(method)
    return f"{name}@{budget}" if budget else name


def cce_family(selection: str, removal: bool) -> str:
    """The family of a row of the paper's Table 4: criticizing with outcome removal is the paper's own method, `cce`."""
    if (selection, removal) == ("criticizing", True):
        return "cce"
    return f"cce-{selection}+removal" if removal else f"cce-{selection}"
