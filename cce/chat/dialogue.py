"""Answers: a model answers every turn of a question, or models answer an instruction several times.

    answer_questions(load_questions("pocket_talk"), "embedded")
    sample_responses(load_instructions("lima"), ["my-model@http://localhost:8000/v1"], 4, store="store.sqlite")
"""

from collections.abc import Sequence

import pandas as pd

from cce.benchmarks.instructions import Instruction, Pool
from cce.benchmarks.pair import Question
from cce.crowd.evaluate import warn
from cce.crowd.session import Session
from cce.errors import BadInput
from cce.models.batch import results
from cce.models.client import LLM
from cce.models.loop import together
from cce.options import DEFAULTS, Options

# By category, as MT-Bench's own code has them; it samples any other at 0.7.
TEMPERATURES = {"writing": 0.7, "roleplay": 0.7, "extraction": 0.0, "math": 0.0, "coding": 0.0, "reasoning": 0.0}
TEMPERATURES |= {"stem": 0.1, "humanities": 0.1}
# The paper's tables and code show none for the responses. At 1.0 a model draws from the distribution that it has
# learned, neither sharpened nor flattened: among responses that differ there is something to pick.
RESPONSE_TEMPERATURE = 1.0
# How far apart the sample numbers of two seeds lie; a model gives fewer responses than that to an instruction.
SEEDS_APART = 10_000


def answer_questions(questions: Sequence[Question], model: str, options: Options = DEFAULTS, **changes) -> pd.DataFrame:
    """Let a model answer every question, as `load_questions` or `load_references` gives them, turn by turn.

    Another seed gives other answers. Returns one row per question: id, category, model, answers (a tuple, one string
    per turn), calls, prompt_tokens, completion_tokens, seconds (of model time), context_cuts (turns cut to fit the
    context). For errors see `cce.chat`.
    """
    if not questions:
        raise BadInput("questions: at least one")
    options = options.but(**changes)
    llm = LLM(model, options)

    async def answer(question: Question) -> dict:
        session, temperature = Session(question.id, options), TEMPERATURES.get(question.category, 0.7)
        texts = (await session.converse(llm, question.turns, temperature, options.seed)).texts
        row = {"id": question.id, "category": question.category, "model": model, "answers": texts}
        return row | session.cost() | {"context_cuts": session.context_cuts}

    return pd.DataFrame(results("answering", questions, [llm], answer, options.concurrency))


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
        if odd := set(known) ^ set(rows.id) or set(rows.id[rows.id.duplicated()]):
            raise BadInput(f"answers of {model}: not one to each question given, as {min(odd)!r} shows")
    found = [(known[row.id], row.model, tuple(row.answers)) for row in answers.itertuples()]
    for question, model, given in found:
        if len(given) != len(question.turns):
            raise BadInput(f"answers of {model} to {question.id!r}: {len(given)} for {len(question.turns)} turns")
    return found


def sample_responses(
    instructions: Sequence[Instruction],
    models: Sequence[str],
    n: int,
    options: Options = DEFAULTS,
    *,
    temperature: float = RESPONSE_TEMPERATURE,
    **changes,
) -> list[Pool]:
    """Sample n responses to each instruction, from the models in turn; fewer are the first of more.

    Anything with `id` and `instruction` will do for an instruction; a model listed twice answers twice as often, and
    another seed samples anew.
    Returns one pool per instruction, in their order; warns of instructions that were cut. For errors see `cce.chat`.
    """
    options = options.but(**changes)
    if not (instructions and models and n > 0):
        raise BadInput("instructions, models and n: at least one of each")
    llms = {name: LLM(name, options) for name in models}
    turns = [models[place % len(models)] for place in range(n)]
    samples = [(llms[name], options.seed * SEEDS_APART + turns[:k].count(name)) for k, name in enumerate(turns)]

    async def sampled(one: Instruction) -> tuple[Pool, bool]:
        question = Question(id=one.id, turns=[one.instruction])
        session = Session(question.id, options)
        answers = await together(session.converse(llm, question.turns, temperature, sample) for llm, sample in samples)
        responses = [answer.texts[0] for answer in answers]
        return Pool(id=one.id, instruction=one.instruction, responses=responses), session.context_cuts > 0

    pools, cut = zip(*results("sampling", instructions, [*llms.values()], sampled, options.concurrency), strict=True)
    if any(cut):
        warn([f"{sum(cut)} instructions were too long for a model's context, and were answered cut"])
    return list(pools)
