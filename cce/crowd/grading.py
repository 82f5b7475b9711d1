"""Grading: a judge rates each answer on its own, from 1 to 10, as MT-Bench does (Zheng et al. 2023, section 3.1).

questions = load_questions("pocket_talk")
grade(questions, answer_questions(questions, "my-model@http://localhost:8000/v1"), "gpt-4o")
"""

import re
import warnings
from collections.abc import Sequence
from math import exp, nan
from pathlib import Path
from statistics import fmean
from typing import Literal

import pandas as pd

from cce.benchmarks.pair import Question
from cce.crowd.batch import Batch
from cce.crowd.case import Case, Protocol, Texts
from cce.crowd.compare import TOP_LOGPROBS
from cce.crowd.dialogue import answered
from cce.crowd.evaluate import cost_of
from cce.crowd.prompts import render
from cce.models.client import LLM

NUMBER = r"(\d+\.?\d*)"
MARK = re.compile(rf"\[\[{NUMBER}\]\]")
# A judge that forgets one pair of brackets is read all the same, a broken mark that it quotes is not.
SINGLE = re.compile(rf"(?<!\[ )\[{NUMBER}\]")
LEAST, MOST = 1, 10
DIGITS = range(1, 10)


def grade(
    questions: Sequence[Question],
    answers: pd.DataFrame,
    judge: str,
    *,
    verdict: Literal["text", "distribution"] = "text",
    store: str | Path | None = None,
    concurrency: int = 32,
    max_tokens: int = 1024,
    prompts: str | None = None,
) -> pd.DataFrame:
    """Let a judge rate every answer; that to a later turn with the turns before it in view.

    Args:
        questions: those that were answered; where they bring reference answers, the judge sees these.
        answers: as `answer_questions` returns them, of one or more models.
        judge: `NAME` or `NAME@BASE_URL` or `embedded`, asked at temperature 0.
        verdict: text reads the rating that the judge writes. distribution asks it, after its explanation, for one
            digit from 1 to 9, and takes the mean of these weighted with their probabilities: 10 is more than one token
            to most models, so the scale ends at 9, and the ratings are not MT-Bench's.
        store, concurrency, prompts: as of `evaluate`; so many answers are graded at once.
        max_tokens: of one explanation.

    Returns a row an answer: id, category, turn (from 1), judge, model (who answered), rating (NaN where none can be
    read), text (the explanation), calls, prompt_tokens, completion_tokens, seconds (of model time), context_cuts.
    Raises BadInput before any request is sent; EndpointFailed where an endpoint is of no use, ResultsMissing where
    single calls failed for good, after all others.
    """
    if judge == "embedded" and verdict == "text":
        warnings.warn('the embedded model writes no rating: use verdict="distribution"', stacklevel=2)
    protocol = Protocol(verdict=verdict, max_tokens=max_tokens, prompts=prompts)
    llm = LLM(judge, store, concurrency)

    async def row(answer: tuple[Question, str, tuple[str, ...]]) -> dict:
        question, model, given = answer
        case = Case(question, llm, protocol=protocol)
        text, rating = await _graded(case, given)
        return {
            "id": question.id,
            "category": question.category,
            "turn": len(given),
            "judge": judge,
            "model": model,
            "rating": rating,
            "text": text,
            **cost_of(case.used.values()),
            "context_cuts": case.context_cuts,
        }

    found = answered(questions, answers)
    work = [(question, model, given[:turn]) for question, model, given in found for turn in range(1, len(given) + 1)]
    return pd.DataFrame(Batch("grading", work, [llm]).results(row, concurrency))


def read_rating(text: str) -> float:
    """The first number in double brackets, else the first in single ones; NaN without one from 1 to 10.

    Source: MT-Bench's own code, which however takes a number outside the scale for a rating as well.
    """
    found = MARK.search(text) or SINGLE.search(text)
    rating = float(found[1]) if found else nan
    return rating if LEAST <= rating <= MOST else nan


def read_digits(first_token: dict[str, float] | None) -> float:
    """The mean of the digits 1 to 9, weighted with their probabilities; NaN where none is among the likeliest tokens.

    `first_token` maps tokens to natural log-probabilities; tokens count with or without white space. A digit that is
    not listed counts with the probability of the least likely listed token, the most it can have.
    """
    likeliest = {token: exp(logprob) for token, logprob in (first_token or {}).items()}
    listed = {digit: sum(p for token, p in likeliest.items() if token.strip() == str(digit)) for digit in DIGITS}
    if not any(listed.values()):
        return nan
    least = min(likeliest.values())
    return fmean(DIGITS, weights=[share or least for share in listed.values()])


async def _graded(case: Case, given: tuple[str, ...]) -> tuple[str, float]:
    """The judge's explanation of its rating for the last of these answers, and the rating."""

    async def attempt(texts: Texts) -> tuple[str, float]:
        prompt = render(name, case.protocol.prompts, **texts)
        said = (await case.ask(case.judge, prompt, temperature=0.0)).text
        return said, await _rating(case, prompt, said)

    question, turns = case.pair, len(given)
    texts = {"questions": question.turns[:turns], "answers": given}
    if question.references:
        texts["references"] = question.references[:turns]
    name = "grade_reference" if question.references else "grade"
    return await case.fitted({key: list(map(_without_ratings, value)) for key, value in texts.items()}, attempt)


async def _rating(case: Case, prompt: str, said: str) -> float:
    if case.protocol.verdict == "text":
        return read_rating(said)
    turns = [("user", prompt), ("assistant", said), ("user", render("rating", case.protocol.prompts))]
    messages = [{"role": role, "content": content} for role, content in turns]
    answer = await case.ask(case.judge, messages, temperature=0.0, max_tokens=1, top_logprobs=TOP_LOGPROBS)
    return read_digits(answer.first_token)


def _without_ratings(text: str) -> str:
    # "[[10]]" in an answer must never come back in an explanation as if it were the judge's rating.
    return re.sub(rf"\[\[\s*{NUMBER}\s*\]\]", r"[ [\1] ]", text)
