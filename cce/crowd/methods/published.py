"""Published judges in their own formats (the baselines of the paper's Table 2): asked and read as they were trained.

Their verdict is read from words, whatever the options say, and only from the place where the format has it, so that no
format can read one from its own prompt. A benchmark's own criteria have no place in these formats, nor has a reference
answer. A conversation is shown as one text of the user's turns and one of each assistant's. The prompt is one user
message; the server's chat template adds what the judge was trained with (see docs/models.md).
"""

import re
from collections.abc import Awaitable, Callable
from functools import cache, partial
from importlib.util import find_spec
from runpy import run_path

from cce.benchmarks.pair import Pair
from cce.crowd.compare import TEMPERATURE, Comparison
from cce.crowd.prompts import Texts
from cce.crowd.record import Judged
from cce.crowd.session import Session
from cce.crowd.verdict import Reading, combine, form_in_words
from cce.errors import PrometheusMissing
from cce.models.loop import together
from cce.models.wire import Completion, Expects, Form

Ask = Callable[[Texts], Awaitable[Completion]]
SCORE = r"(10(?:\.0+)?|[1-9](?:\.\d+)?)"
SCORES = re.compile(rf"\s*{SCORE}[ ,]+{SCORE}[ \t\r]*(?:\n|\Z)")
FIRST_LINE = r"\A\s*(1|2|(?i:tie))[^\S\n]*(?:\n|\Z)"
# The prompt names all three decisions with slashes between them; that is none.
DECISION = r"final decision is:? ((?i:response 1|response 2|tie))\b(?!\s*/)"
# Only at the end: feedback may quote an answer, and the prompt says "[RESULT] (A or B)" (prometheus-eval, issue 58).
RESULT = r"\[RESULT\]\s*\(?({})\)?\s*\Z"
_words = cache(run_path)
# How the names of a system line and of a template begin in the package, for those that are asked in its words.
PROMETHEUS = {"prometheus": ("ABS", "ABSOLUTE"), "prometheus-2": ("REL", "RELATIVE")}


def higher(first: float | None, second: float | None) -> float | None:
    """1.0 where the first score is higher, 0.0 where the second is, 0.5 for equal ones, None where one is missing."""
    if None in (first, second):
        return None
    return 0.5 if first == second else float(first > second)


def read_judgelm(text: str) -> float | None:
    """Which of the two scores in the first line is the higher one."""
    scores = SCORES.match(text)
    return higher(*map(float, scores.groups())) if scores else None


def last_of(pattern: str, values: dict[str, float]) -> Callable[[str], float | None]:
    """A reading by the last place that the pattern finds in a text."""

    def read(text: str) -> float | None:
        found = re.findall(pattern, text)
        return values.get(found[-1].lower()) if found else None

    return read


CHOICES = {"1": 1.0, "response 1": 1.0, "a": 1.0, "2": 0.0, "response 2": 0.0, "b": 0.0, "tie": 0.5}
GRADES = {str(grade): grade for grade in range(1, 6)}
DECIDED = [f"So, the final decision is {said}" for said in ("Response 1", "Response 2", "Tie")]
FORMATS = {
    # Zhu et al., arXiv 2310.17631: the first line holds two scores of 1 to 10, then comes the reason.
    "judgelm": form_in_words(read_judgelm, "8 5", "5 8", "5 5", opens=True),
    # Wang et al., arXiv 2306.05087: the first line says 1, 2 or Tie, then come reason and reference. The authors' code
    # takes anything else for a tie.
    "pandalm": form_in_words(last_of(FIRST_LINE, CHOICES), "1", "2", "Tie", opens=True),
    # Li et al., arXiv 2310.05470: a comparison that states its final decision towards the end.
    "auto-j": form_in_words(last_of(DECISION, CHOICES), *DECIDED),
    # Kim et al., arXiv 2405.01535: the letter that ends the feedback; this format has no tie.
    "prometheus-2": form_in_words(last_of(RESULT.format("[AB]"), CHOICES), "[RESULT] A", "[RESULT] B"),
    # Kim et al., arXiv 2310.08491: the grade from 1 to 5 that ends the feedback on one answer.
    "prometheus": Form(
        last_of(RESULT.format("[1-5]"), GRADES), lambda grade, text: f"{text}\n[RESULT] {round(grade)}", 1, 5
    ),
}


def wording(name: str) -> dict[str, str]:
    """What the prompt of a format wants beside the texts: for Prometheus's two a system line, a template, a rubric.

    Raises PrometheusMissing where the package that holds these is not installed.
    """
    if name not in PROMETHEUS:
        return {}
    spec = find_spec("prometheus_eval")
    if spec is None:
        raise PrometheusMissing("Prometheus's own prompts are missing: pip install --no-deps prometheus-eval")
    # Of the package only the file of prompts is read: itself it imports engines that nobody needs here.
    words = _words(f"{spec.submodule_search_locations[0]}/prompts.py")
    (system, template), rubric = PROMETHEUS[name], words["HELPFULNESS_RUBRIC"]
    # A choice is made by the rubric's criterion, which is its first line; the others describe grades.
    rubric = rubric.partition("\n")[0] if name == "prometheus-2" else rubric
    system, template = words[f"{system}_SYSTEM_PROMPT"], words[f"{template}_PROMPT_WO_REF"]
    return {"system": system, "template": template, "rubric": rubric}


async def published(session: Session, pair: Pair, name: str) -> Judged:
    """Ask and read in the format of this name, one of FORMATS, in the session's orders."""
    form, orders = FORMATS[name], Comparison.of(pair).in_orders(session.orders)
    ask = partial(session.fill, name, expects=Expects("judgment", form), temperature=TEMPERATURE, **wording(name))
    reading = _graded if name == "prometheus" else _compared
    return Judged(combine(await together(reading(ask, form, shown) for shown in orders)))


async def _compared(ask: Ask, form: Form, shown: Comparison) -> Reading:
    said = await ask(shown.texts())
    return Reading(said.text, form.read(said.text), said.completion_tokens, said.key)


async def _graded(ask: Ask, form: Form, shown: Comparison) -> Reading:
    # Each answer on its own: both orders ask the same, which is bought and billed once.
    a, b = await together(ask({"questions": shown.questions, "answers": side}) for side in (shown.first, shown.second))
    text = f"Assistant A: {a.text}\n\nAssistant B: {b.text}"
    p_first = higher(form.read(a.text), form.read(b.text))
    return Reading(text, p_first, a.completion_tokens + b.completion_tokens)
