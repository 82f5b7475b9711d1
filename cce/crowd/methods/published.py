"""Published judges in their own formats (the baselines of the paper's Table 2): asked and read as they were trained.

Their verdict is read from words, whatever the options say. Every reading keeps to the place where its format has the
verdict, and gives None where none stands there; no format can read a verdict from its own prompt. A benchmark's own
criteria have no place in these formats, nor has a reference answer, which the kit has none of. A conversation is shown
as one text of the user's turns and one of each assistant's.

The prompt is one user message, and the server's chat template must add what the judge was trained with. JudgeLM
and PandaLM continue plain text, Auto-J and Prometheus stand behind Llama 2's marks, Prometheus 2 has a template:

    vllm serve BAAI/JudgeLM-7B-v1.0 --chat-template '{{ bos_token }}{{ messages[0]["content"] }}'
    vllm serve GAIR/autoj-13b --chat-template '{{ bos_token }}[INST] {{ messages[0]["content"] }} [/INST]'
    vllm serve prometheus-eval/prometheus-7b-v2.0

Their contexts are short, JudgeLM's and PandaLM's 2,048 tokens: a lower `max_tokens` cuts fewer texts.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

from cce.benchmarks.pair import Pair
from cce.crowd.compare import TEMPERATURE, Comparison
from cce.crowd.prompts import render
from cce.crowd.record import Judged
from cce.crowd.session import Session, Texts
from cce.crowd.verdict import Reading, closing_form, combine, worded
from cce.errors import PrometheusMissing
from cce.models.loop import together
from cce.models.wire import Completion, Expects, Form

SCORE = r"(10(?:\.0+)?|[1-9](?:\.\d+)?)"
SCORES = re.compile(rf"\s*{SCORE}[ ,]+{SCORE}[ \t\r]*(?:\n|\Z)")
PANDALM = {"1": 1.0, "2": 0.0, "tie": 0.5}
# The prompt names all three decisions with slashes between them; that is none.
DECISION = re.compile(r"final decision is:? ((?i:response 1|response 2|tie))\b(?!\s*/)")
DECISIONS = {"response 1": 1.0, "response 2": 0.0, "tie": 0.5}
# Only at the end: feedback may quote an answer, and the prompt says "[RESULT] (A or B)" (prometheus-eval, issue 58).
GRADE = re.compile(r"\[RESULT\]\s*\(?([1-5])\)?\s*\Z")
CHOICE = re.compile(r"\[RESULT\]\s*\(?([AB])\)?\s*\Z")


def higher(first: float, second: float) -> float:
    """1.0 where the first score is the higher one, 0.0 where the second is, 0.5 where they are equal."""
    return 0.5 if first == second else float(first > second)


def read_judgelm(text: str) -> float | None:
    """JudgeLM (Zhu et al., arXiv 2310.17631): the first line holds two scores of 1 to 10, then comes the reason."""
    scores = SCORES.match(text)
    return higher(*map(float, scores.groups())) if scores else None


def read_pandalm(text: str) -> float | None:
    """PandaLM (Wang et al., arXiv 2306.05087): the first line says 1, 2 or Tie, then come reason and reference.

    Its authors' code takes anything else for a tie; here it is unreadable.
    """
    return PANDALM.get(text.strip().partition("\n")[0].strip().lower())


def read_auto_j(text: str) -> float | None:
    """Auto-J (Li et al., arXiv 2310.05470): a comparison that states its final decision towards the end."""
    decisions = DECISION.findall(text)
    return DECISIONS[decisions[-1].lower()] if decisions else None


def read_choice(text: str) -> float | None:
    """Prometheus 2 (Kim et al., arXiv 2405.01535): the letter that ends the feedback; this format has no tie."""
    choice = CHOICE.search(text)
    return float(choice[1] == "A") if choice else None


def read_grade(text: str) -> int | None:
    """Prometheus (Kim et al., arXiv 2310.08491): the grade from 1 to 5 that ends the feedback on one answer."""
    grade = GRADE.search(text)
    return int(grade[1]) if grade else None


def absolute() -> dict[str, str]:
    """System line, template and rubric for grading one answer. Raises PrometheusMissing without the package."""
    return _prometheus("ABS_SYSTEM_PROMPT", "ABSOLUTE_PROMPT_WO_REF")


def relative() -> dict[str, str]:
    """System line, template and rubric for choosing between two. Raises PrometheusMissing without the package."""
    words = _prometheus("REL_SYSTEM_PROMPT", "RELATIVE_PROMPT_WO_REF")
    # A choice is made by the rubric's criterion, which is its first line; the others describe grades.
    return words | {"rubric": words["rubric"].partition("\n")[0]}


def _prometheus(system: str, template: str) -> dict[str, str]:
    # Of the package only the file of prompts is read: itself it imports engines that nobody needs here.
    spec = find_spec("prometheus_eval")
    if spec is None:
        raise PrometheusMissing("Prometheus's own prompts are missing: pip install --no-deps prometheus-eval")
    words = _words(Path(spec.submodule_search_locations[0]) / "prompts.py")
    return {"system": words[system], "template": words[template], "rubric": words["HELPFULNESS_RUBRIC"]}


_words = cache(lambda file: run_path(str(file)))


@dataclass(frozen=True)
class Format:
    """How a published judge states its verdict, and the words of its own that its prompt wants."""

    form: Form
    wording: Callable[[], dict[str, str]] = dict


FORMATS = {
    "judgelm": Format(Form(read_judgelm, lambda p, rationale: f"{worded(p, '8 5', '5 8', '5 5')}\n{rationale}")),
    "pandalm": Format(Form(read_pandalm, lambda p, rationale: f"{worded(p, '1', '2', 'Tie')}\n{rationale}")),
    "auto-j": Format(
        closing_form(
            read_auto_j, *(f"So, the final decision is {said}" for said in ("Response 1", "Response 2", "Tie"))
        )
    ),
    "prometheus-2": Format(closing_form(read_choice, "[RESULT] A", "[RESULT] B"), relative),
    "prometheus": Format(Form(read_grade, lambda grade, text: f"{text}\n[RESULT] {round(grade)}", 1, 5), absolute),
}


async def published(session: Session, pair: Pair, name: str) -> Judged:
    """Ask and read in the format of this name, one of FORMATS, in the session's orders."""
    orders = Comparison.of(pair).in_orders(session.orders)
    reading = _graded if name == "prometheus" else _compared
    return Judged(combine(await together(reading(session, shown, name) for shown in orders)))


async def _compared(session: Session, shown: Comparison, name: str) -> Reading:
    answered = await _asked(session, name, **shown.texts())
    p_first = FORMATS[name].form.read(answered.text)
    return Reading(answered.text, p_first, answered.completion_tokens, answered.key)


async def _graded(session: Session, shown: Comparison, name: str) -> Reading:
    # Each answer on its own: both orders ask the same, which is bought and billed once.
    asked = (_asked(session, name, questions=shown.questions, answers=side) for side in (shown.first, shown.second))
    a, b = await together(asked)
    grades = [FORMATS[name].form.read(one.text) for one in (a, b)]
    text = f"Assistant A: {a.text}\n\nAssistant B: {b.text}"
    return Reading(text, None if None in grades else higher(*grades), a.completion_tokens + b.completion_tokens)


async def _asked(session: Session, name: str, **texts: Sequence[str]) -> Completion:
    own = FORMATS[name]

    async def attempt(fitting: Texts) -> Completion:
        prompt = render(name, session.options.prompts, **own.wording(), **fitting)
        return await session.ask(session.judge, prompt, Expects("judgment", own.form), temperature=TEMPERATURE)

    return await session.fitted({key: list(value) for key, value in texts.items()}, attempt)
