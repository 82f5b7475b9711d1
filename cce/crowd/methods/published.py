"""Published judges in their own formats (the baselines of the paper's Table 2): asked and read as they were trained.

Their verdict is read from words, whatever the options say, and only from the place where the format has it, so that no
format can read one from its own prompt. A benchmark's own criteria have no place in these formats, nor has a reference
answer. A conversation is shown as one text of the user's turns and one of each assistant's. The prompt is one user
message; the server's chat template adds what the judge was trained with (see docs/models.md).
"""

import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from runpy import run_path

from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison
from cce.crowd.record import Judged
from cce.crowd.session import Session
from cce.crowd.verdict import Reading, combine, form_in_words
from cce.errors import PrometheusMissing
from cce.models.loop import together
from cce.models.wire import Expects

SCORE = r"(10(?:\.0+)?|[1-9](?:\.\d+)?)"
SCORES = re.compile(rf"\s*{SCORE}[ ,]+{SCORE}[ \t\r]*(?:\n|\Z)")
FIRST_LINE = r"\A\s*(1|2|(?i:tie))[^\S\n]*(?:\n|\Z)"
# The prompt names all three decisions with slashes between them; that is none.
DECISION = r"final decision is:? ((?i:response 1|response 2|tie))\b(?!\s*/)"
# Only at the end: feedback may quote an answer, and the prompt says "[RESULT] (A or B)" (prometheus-eval, issue 58).
RESULT = r"\[RESULT\]\s*\(?([AB])\)?\s*\Z"
_words = cache(run_path)
# Both are asked in the words of their package, as the paper's code does, and by one criterion: in our words the first
# line of the rubric that its code takes from Auto-J.
PROMETHEUS = ("prometheus", "prometheus-2")
RUBRIC = "[Does the response help the user, and is it honest and harmless?]"


def read_judgelm(text: str) -> float | None:
    """Which of the two scores in the first line is the higher one."""
    if not (scores := SCORES.match(text)):
        return None
    first, second = map(float, scores.groups())
    return 0.5 if first == second else float(first > second)


def last_of(pattern: str, values: dict[str, float]) -> Callable[[str], float | None]:
    """A reading by the last place that the pattern finds in a text."""

    def read(text: str) -> float | None:
        found = re.findall(pattern, text)
        return values.get(found[-1].lower()) if found else None

    return read


CHOICES = {"1": 1.0, "response 1": 1.0, "a": 1.0, "2": 0.0, "response 2": 0.0, "b": 0.0, "tie": 0.5}
DECIDED = [f"So, the final decision is {said}" for said in ("Response 1", "Response 2", "Tie")]
FORMATS = {
    # Zhu et al., arXiv 2310.17631: the first line holds two scores of 1 to 10, then comes the reason.
    "judgelm": form_in_words(read_judgelm, "8 5", "5 8", "5 5", opens=True),
    # Wang et al., arXiv 2306.05087: the first line says 1, 2 or Tie, then come reason and reference. The authors' code
    # takes anything else for a tie.
    "pandalm": form_in_words(last_of(FIRST_LINE, CHOICES), "1", "2", "Tie", opens=True),
    # Li et al., arXiv 2310.05470: a comparison that states its final decision towards the end.
    "auto-j": form_in_words(last_of(DECISION, CHOICES), *DECIDED),
    # Kim et al., arXiv 2405.01535: the letter that ends the feedback; this format has no tie. The first Prometheus
    # (arXiv 2310.08491) was trained to grade single answers; the paper's code asks it for the better of two.
    **{name: form_in_words(last_of(RESULT, CHOICES), "[RESULT] A", "[RESULT] B") for name in PROMETHEUS},
}
# The longest answer, in tokens, in the code that its authors publish: WeOpenML/PandaLM pandalm_inference.py;
# GAIR-NLP/auto-j example.py; prometheus-eval/prometheus run_relative_scoring.py; the package prometheus-eval 0.1.20.
# baaivision/JudgeLM gen_model_judgement.py has 2,048, which is all that the model takes: half is left for the prompt.
TOKENS = {"judgelm": 1024, "pandalm": 512, "auto-j": 1024, "prometheus": 256, "prometheus-2": 1024}


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
    return {"system": words["REL_SYSTEM_PROMPT"], "template": words["RELATIVE_PROMPT_WO_REF"], "rubric": RUBRIC}


async def published(session: Session, pair: Pair, name: str) -> Judged:
    """Ask and read in the format of this name, one of FORMATS, in the session's orders."""
    form, words = FORMATS[name], wording(name)

    async def reading(shown: Comparison) -> Reading:
        expects = Expects("judgment", form)
        said = await session.fill(name, shown.texts(), expects, max_tokens=TOKENS[name], **words)
        p_first, why = form.stated(said)
        return Reading(said.text, p_first, said.completion_tokens, said.key, why=why)

    return Judged(combine(await together(map(reading, Comparison.of(pair).in_orders(session.orders)))))
