"""A rehearsal: every prompt that methods will fill is filled once, with a stand-in pair, before anything is asked."""

from collections.abc import Iterable

from cce.crowd.methods import asks_model, options_of, prompts_of
from cce.crowd.methods.published import FORMATS, wording
from cce.crowd.prompts import messages_of
from cce.options import Options

PAIR = {"questions": ["Why?"], "answers_a": ["One."], "answers_b": ["Two."], "criteria": ""}
NOTES = {"notes": ["Assistant A is short."], "candidates": ["A"], "letters": ["C"]}
# What prompts are filled with that are not a comparison's.
OTHERS = {
    "outcome_removal": {"judgment": "Assistant A is short."},
    "rubric_of_question": {"questions": ["Why?"]},
    "liar": {"questions": ["Why?"], "answers": []},
    "rate": {"questions": ["Why?"], "answers": ["One."], "criteria": ""},
    "rating": {},
    "letter": {},
}


def check_prompts(methods: Iterable[str], options: Options) -> None:
    """Raise BadInput for a prompt, such as a user's own, that cannot be filled with what its method has for it."""
    for method in methods:
        own = options_of(method, options)
        names = list(prompts_of(method))
        if own.verdict == "distribution" and asks_model(method) and not set(names) & set(FORMATS):
            names.append("letter")
        for name in names:
            messages_of(name, own.prompts, **_texts(name))


def _texts(name: str) -> dict:
    if name in FORMATS:
        return {part: PAIR[part] for part in PAIR if part != "criteria"} | wording(name)
    background = NOTES if name in ("cce", "agg", "refine") else {}
    return OTHERS.get(name, PAIR | background | ({"own": "Assistant A is short."} if name == "refine" else {}))
