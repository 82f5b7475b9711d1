"""Published judges in their own formats (the baselines of the paper's Table 2): asked and read as they were trained.

Their verdict is read from words, whatever the protocol says. A benchmark's own criteria have no place in these
formats, nor has a reference answer, which the kit has none of. A conversation is shown as one text of the user's
turns and one of each assistant's.

The prompt is one user message, and the server's chat template must add what the judge was trained with. JudgeLM
and PandaLM continue plain text, Auto-J and Prometheus stand behind Llama 2's marks, Prometheus 2 has a template:

    vllm serve BAAI/JudgeLM-7B-v1.0 --chat-template '{{ bos_token }}{{ messages[0]["content"] }}'
    vllm serve GAIR/autoj-13b --chat-template '{{ bos_token }}[INST] {{ messages[0]["content"] }} [/INST]'
    vllm serve prometheus-eval/prometheus-7b-v2.0

Their contexts are short, JudgeLM's and PandaLM's 2,048 tokens: a lower `max_tokens` cuts fewer texts.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from cce.crowd.case import Case, Texts
from cce.crowd.compare import TEMPERATURE, Duel
from cce.crowd.formats import auto_j, judgelm, pandalm, prometheus
from cce.crowd.prompts import render
from cce.crowd.verdict import Judgment, Reading, combine
from cce.models.loop import together
from cce.models.store import Completion

PAIRWISE = {
    "judgelm": judgelm.read,
    "pandalm": pandalm.read,
    "auto-j": auto_j.read,
    "prometheus-2": prometheus.read_choice,
}
PUBLISHED = (*PAIRWISE, "prometheus")


def published(name: str) -> Callable[[Case], Awaitable[Judgment]]:
    """The method that asks and reads in the format of this name, one of PUBLISHED.

    Raises PrometheusMissing where the package that holds Prometheus's wording is not installed.
    """
    if name == "prometheus":
        return partial(_in_orders, reading=partial(_graded, wording=prometheus.absolute()))
    wording = prometheus.relative() if name == "prometheus-2" else {}
    return partial(_in_orders, reading=partial(_compared, name=name, wording=wording))


async def _in_orders(case: Case, reading: Callable[[Case, Duel], Awaitable[Reading]]) -> Judgment:
    duel = Duel.of(case.pair)
    orders = [duel, duel.swapped()][: case.orders]
    return combine(await together(reading(case, order) for order in orders))


async def _compared(case: Case, duel: Duel, name: str, wording: dict[str, str]) -> Reading:
    said = await _said(case, name, wording, questions=duel.questions, answers_a=duel.first, answers_b=duel.second)
    return Reading(said.text, PAIRWISE[name](said.text), said.completion_tokens)


async def _graded(case: Case, duel: Duel, wording: dict[str, str]) -> Reading:
    # Each answer on its own: both orders ask the same, which is bought and billed once.
    asked = (_said(case, "prometheus", wording, questions=duel.questions, answers=a) for a in (duel.first, duel.second))
    a, b = await together(asked)
    text = f"Assistant A: {a.text}\n\nAssistant B: {b.text}"
    return Reading(text, prometheus.read_grades(a.text, b.text), a.completion_tokens + b.completion_tokens)


async def _said(case: Case, name: str, wording: dict[str, str], **texts: Sequence[str]) -> Completion:
    async def attempt(fitting: Texts) -> Completion:
        prompt = render(name, case.protocol.prompts, **wording, **fitting)
        return await case.ask(case.judge, prompt, temperature=TEMPERATURE)

    return await case.fitted({key: list(value) for key, value in texts.items()}, attempt)
