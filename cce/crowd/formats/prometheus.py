"""Prometheus (Kim et al., arXiv 2310.08491) and Prometheus 2 (arXiv 2405.01535): feedback that ends with [RESULT].

Their wording is the package's `prometheus-eval`, of which only the file of prompts is read: the package itself
imports engines that nobody needs here.
"""

import re
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

from cce.crowd.formats import higher
from cce.errors import PrometheusMissing

# Only at the end: feedback may quote an answer, and the prompt says "[RESULT] (A or B)" (prometheus-eval, issue 58).
GRADE = re.compile(r"\[RESULT\]\s*\(?([1-5])\)?\s*\Z")
CHOICE = re.compile(r"\[RESULT\]\s*\(?([AB])\)?\s*\Z")


def read_grades(first: str, second: str) -> float | None:
    """The higher of two grades of 1 to 5, of which each ends its feedback; None where one is missing."""
    grades = [GRADE.search(text) for text in (first, second)]
    return higher(*(int(grade[1]) for grade in grades)) if all(grades) else None


def read_choice(text: str) -> float | None:
    """The letter that ends the feedback; this format has no tie."""
    choice = CHOICE.search(text)
    return float(choice[1] == "A") if choice else None


def absolute() -> dict[str, str]:
    """System line, template and rubric for grading one answer. Raises PrometheusMissing without the package."""
    words = _prompts()
    return {
        "system": words["ABS_SYSTEM_PROMPT"],
        "template": words["ABSOLUTE_PROMPT_WO_REF"],
        "rubric": words["HELPFULNESS_RUBRIC"],
    }


def relative() -> dict[str, str]:
    """System line, template and rubric for choosing between two. Raises PrometheusMissing without the package."""
    words = _prompts()
    return {
        "system": words["REL_SYSTEM_PROMPT"],
        "template": words["RELATIVE_PROMPT_WO_REF"],
        # A choice is made by the rubric's criterion, which is its first line; the others describe grades.
        "rubric": words["HELPFULNESS_RUBRIC"].partition("\n")[0],
    }


def _prompts() -> dict[str, str]:
    # Found, not imported: see above.
    spec = find_spec("prometheus_eval")
    if spec is None:
        raise PrometheusMissing("Prometheus's own prompts are missing: pip install --no-deps prometheus-eval")
    return run_path(str(Path(spec.submodule_search_locations[0]) / "prompts.py"))
