"""Names of models and methods, taken apart in one place.

A model is `NAME`, `NAME@BASE_URL`, or the folder of a student; a method is `FAMILY` or `FAMILY@BUDGET`.
"""

import re
from collections import namedtuple

# The judge's name where no model is asked.
NO_JUDGE = "none"
# A student's name where it judges: nothing taught it, or how the name begins that says what did.
UNTRAINED, TAUGHT = "untrained", "student: "


# The address of a model is empty for none; the budget of a method is a whole number, or None where none is given.
ModelName, MethodName = namedtuple("ModelName", "name url"), namedtuple("MethodName", "family budget")


def model_parts(model: str) -> ModelName:
    """The name before the last @ that an address follows; a student's folder may have an @ of its own."""
    found = re.fullmatch(r"(.*)@(https?://.*)", model, re.DOTALL | re.IGNORECASE)
    return ModelName(found[1], found[2].rstrip("/")) if found else ModelName(model, "")


def short_name(model: str) -> str:
    """A model without its address."""
    return model_parts(model).name


def method_parts(method: str) -> MethodName:
    """`cce@16` is of the family `cce` with a budget of 16; what is no such name is a family without a budget."""
    found = re.fullmatch(r"(.+)@([1-9][0-9]{0,3})", method)
    return MethodName(found[1], int(found[2])) if found else MethodName(method, None)


def family(method: str) -> str:
    """The method without its budget."""
    return method_parts(method).family


def cce_family(selection: str, removal: bool) -> str:
    """The family of a row of the paper's Table 4: criticizing with outcome removal is the paper's own method, `cce`."""
    if (selection, removal) == ("criticizing", True):
        return "cce"
    return f"cce-{selection}+removal" if removal else f"cce-{selection}"
