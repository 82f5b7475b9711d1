"""Crowd answers: each crowd member answers the instruction once, whichever pairs and methods then use it.

A pair may bring answers of a crowd along; these are members as well, and cost no call.
"""

from dataclasses import dataclass

from cce.crowd.case import Case, Texts
from cce.models.client import LLM

# The paper's code does not show at which temperature its crowd answers; ours must differ between samples of one model.
TEMPERATURE = 0.7


@dataclass(frozen=True)
class Member:
    """One voice of the crowd: an answer at hand, or a model, and which of its samples where it is listed again."""

    letter: str
    answer: str | None = None
    model: LLM | None = None
    sample: int = 0


def members(case: Case) -> list[Member]:
    """The crowd's voices, lettered C, D, E ...: the pair's own, then the models; one listed twice speaks twice."""
    own, names = case.pair.crowd, [model.model for model in case.crowd]
    at_hand = [Member(letter_of(place), answer) for place, answer in enumerate(own)]
    asked = [
        Member(letter_of(len(own) + place), model=model, sample=names[:place].count(model.model))
        for place, model in enumerate(case.crowd)
    ]
    return at_hand + asked


def letter_of(place: int) -> str:
    """C for the first member, Z for the 24th, then C2, D2 ..."""
    letters = "CDEFGHIJKLMNOPQRSTUVWXYZ"
    return letters[place % len(letters)] + (str(place // len(letters) + 1) if place >= len(letters) else "")


async def crowd_answer(case: Case, member: Member, temperature: float = TEMPERATURE) -> tuple[str, ...]:
    """This member's answer to each turn of the pair's conversation, its own earlier answers in view."""
    if member.answer is not None:
        return (member.answer,)
    questions, answers = list(case.pair.questions), []
    for turn in range(1, len(questions) + 1):
        answers.append(await _answer(case, member, questions[:turn], answers, temperature))
    return tuple(answers)


async def _answer(case: Case, member: Member, questions: list[str], answers: list[str], temperature: float) -> str:
    async def attempt(texts: Texts) -> str:
        turns = [("user", texts["questions"][0])]
        for answer, question in zip(texts["answers"], texts["questions"][1:], strict=True):
            turns += [("assistant", answer), ("user", question)]
        messages = [{"role": role, "content": content} for role, content in turns]
        return (await case.ask(member.model, messages, temperature=temperature, sample=member.sample)).text

    return await case.fitted({"questions": questions, "answers": list(answers)}, attempt)
