"""A dialogue: a model answers the turns of each question, its own earlier answers in view.

answer_questions(load_questions("pocket_talk"), "embedded")
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cce.benchmarks.pair import Question
from cce.crowd.answers import Member, crowd_answer
from cce.crowd.batch import Batch
from cce.crowd.case import Case, Protocol
from cce.crowd.evaluate import cost_of
from cce.errors import BadInput
from cce.models.client import LLM

# By category, as MT-Bench's own code has them; it samples any other at 0.7.
TEMPERATURES = {
    "writing": 0.7,
    "roleplay": 0.7,
    "extraction": 0.0,
    "math": 0.0,
    "coding": 0.0,
    "reasoning": 0.0,
    "stem": 0.1,
    "humanities": 0.1,
}
OTHER_TEMPERATURE = 0.7


def answer_questions(
    questions: Sequence[Question],
    model: str,
    *,
    store: str | Path | None = None,
    concurrency: int = 32,
    seed: int = 0,
    max_tokens: int = 1024,
) -> pd.DataFrame:
    """Let a model answer every question.

    Args:
        questions: as `load_questions` and `load_references` give them.
        model: `NAME` or `NAME@BASE_URL` or `embedded`.
        store: path of the SQLite store; None keeps completions in memory.
        concurrency: questions in work at once.
        seed: of the sampling; another one gives other answers.
        max_tokens: of one answer.

    Returns a row a question: id, category, model, answers (a tuple, a string a turn), calls, prompt_tokens,
    completion_tokens, seconds (of model time), context_cuts (turns shortened to fit the context).
    Raises BadInput before any request is sent; EndpointFailed where an endpoint is of no use, ResultsMissing where
    single calls failed for good, after all others.
    """
    if not questions:
        raise BadInput("questions: at least one")
    llm, protocol = LLM(model, store, concurrency), Protocol(max_tokens=max_tokens)

    async def row(question: Question) -> dict:
        case = Case(question, llm, protocol=protocol)
        temperature = TEMPERATURES.get(question.category, OTHER_TEMPERATURE)
        answers = await crowd_answer(case, Member("", model=llm, sample=seed), temperature)
        return {
            "id": question.id,
            "category": question.category,
            "model": model,
            "answers": answers,
            **cost_of(case.used.values()),
            "context_cuts": case.context_cuts,
        }

    return pd.DataFrame(Batch("answering", questions, [llm]).results(row, concurrency))


def answered(questions: Sequence[Question], answers: pd.DataFrame) -> list[tuple[Question, str, tuple[str, ...]]]:
    """Question, model and its answers, for each row of a frame with the columns id, model and answers.

    Raises BadInput unless each model has answered each question once, all its turns.
    """
    if not questions or answers.empty:
        raise BadInput("questions and answers: at least one of each")
    known = {question.id: question for question in questions}
    # A file of answers may have made numbers of the ids.
    answers = answers.assign(id=answers.id.astype(str))
    for model, rows in answers.groupby("model"):
        odd = set(known) ^ set(rows.id) or set(rows.id[rows.id.duplicated()])
        if odd:
            raise BadInput(f"answers of {model}: not one to each question given, as {sorted(odd)[0]!r} shows")
    found = [(known[row.id], row.model, tuple(row.answers)) for row in answers.itertuples()]
    for question, model, given in found:
        if len(given) != len(question.turns):
            raise BadInput(f"answers of {model} to {question.id!r}: {len(given)} for {len(question.turns)} turns")
    return found
