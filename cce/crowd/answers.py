"""Crowd answers: each crowd member answers the instruction once, whichever pairs and methods then use it."""

from collections.abc import Sequence
from dataclasses import dataclass

from cce.crowd.case import Case, Texts
from cce.models.client import LLM

# The paper does not say at which temperature its crowd answers; ours must differ between samples of one model.
TEMPERATURE = 0.7


@dataclass(frozen=True)
class Member:
    """One voice of the crowd: a model, and which of its samples where the crowd lists it more than once."""

    model: LLM
    sample: int
    letter: str


def members(crowd: Sequence[LLM]) -> list[Member]:
    """The crowd's voices, lettered C, D, E ... in the order given; a model listed twice speaks twice."""
    names = [model.model for model in crowd]
    return [Member(model, names[:place].count(model.model), letter_of(place)) for place, model in enumerate(crowd)]


def letter_of(place: int) -> str:
    """C for the first member, Z for the 24th, then C2, D2 ..."""
    letters = "CDEFGHIJKLMNOPQRSTUVWXYZ"
    return letters[place % len(letters)] + (str(place // len(letters) + 1) if place >= len(letters) else "")


async def crowd_answer(case: Case, member: Member) -> tuple[str, ...]:
    """This member's answer to each turn of the pair's conversation, its own earlier answers in view."""
    questions, answers = list(case.pair.questions), []
    for turn in range(1, len(questions) + 1):
        answers.append(await _answer(case, member, questions[:turn], answers))
    return tuple(answers)


async def _answer(case: Case, member: Member, questions: list[str], answers: list[str]) -> str:
    async def attempt(texts: Texts) -> str:
        turns = [("user", texts["questions"][0])]
        for answer, question in zip(texts["answers"], texts["questions"][1:], strict=True):
            turns += [("assistant", answer), ("user", question)]
        messages = [{"role": role, "content": content} for role, content in turns]
        return (await case.ask(member.model, messages, temperature=TEMPERATURE, sample=member.sample)).text

    return await case.fitted({"questions": questions, "answers": list(answers)}, attempt)
