"""Scores of a model: it answers questions turn by turn; a judge rates its answers, or compares them with references.

    answers = answer_questions(load_questions("pocket_talk"), "embedded")
    grade(load_questions("pocket_talk"), answers, "gpt-4o")
    preferences(load_references("pocket"), outputs, "gpt-4o")

Grades, from 1 to 10, are MT-Bench's way (Zheng et al. 2023, section 3.1), preferences are AlpacaEval 2's.
"""

from collections.abc import Sequence

import pandas as pd

from cce.benchmarks.pair import Pair, Question, shuffled_sides
from cce.crowd.evaluate import evaluate, warn
from cce.crowd.ratings import DIGITS, RATINGS, without_ratings
from cce.crowd.session import Session
from cce.errors import BadInput, ResultsMissing
from cce.models.batch import missing_in_words, results
from cce.models.client import LLM
from cce.models.wire import Expects
from cce.options import DEFAULTS, Options

# By category, as MT-Bench's own code has them; it samples any other at 0.7.
TEMPERATURES = {"writing": 0.7, "roleplay": 0.7, "extraction": 0.0, "math": 0.0, "coding": 0.0, "reasoning": 0.0}
TEMPERATURES |= {"stem": 0.1, "humanities": 0.1}
ANNOTATIONS = ["generator_2", "index", "dataset", "preference", "len_output_1", "len_output_2"]


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
        said = await session.converse(llm, question.turns, temperature, options.seed)
        answers = tuple(completion.text for completion in said)
        row = {"id": question.id, "category": question.category, "model": model, "answers": answers}
        return row | session.cost() | {"context_cuts": session.context_cuts}

    return pd.DataFrame(results("answering", len(questions), [llm], questions, answer, options.concurrency))


def grade(
    questions: Sequence[Question], answers: pd.DataFrame, judge: str, options: Options = DEFAULTS, **changes
) -> pd.DataFrame:
    """Let a judge rate, at temperature 0, every answer; an answer to a later turn with the turns before it in view.

    Takes the questions, whose reference answers the judge sees, and answers of one or more models, as
    `answer_questions` returns them. verdict="text" reads the rating that the judge writes. "distribution" asks it for
    one digit after its explanation, and takes the mean of 1 to 9, weighted with their probabilities: 10 is more than
    one token to most models. Such ratings are not MT-Bench's.
    Returns one row per answer: id, category, turn (from 1), judge, model (who answered), rating (NaN where none can be
    read), text (why), calls, prompt_tokens, completion_tokens, seconds, context_cuts. For errors see `cce.chat`.
    """
    options = options.but(**changes)
    if judge == "embedded" and options.verdict == "text":
        warn(['the embedded model writes no rating: use verdict="distribution"'])
    llm, found = LLM(judge, options), _answered(questions, answers)

    async def rated(answer: tuple[Question, str, tuple[str, ...]]) -> dict:
        question, model, given = answer
        session = Session(question.id, options, llm)
        text, rating = await _graded(session, question, given)
        row = {"id": question.id, "category": question.category, "turn": len(given), "judge": judge, "model": model}
        return row | {"rating": rating, "text": text} | session.cost() | {"context_cuts": session.context_cuts}

    work = [(question, model, given[:turn]) for question, model, given in found for turn in range(1, len(given) + 1)]
    rows = results("grading", len(work), [llm], work, rated, options.concurrency)
    return pd.DataFrame(rows).astype({"rating": float})


def preferences(
    references: Sequence[Question], outputs: pd.DataFrame, judge: str, options: Options = DEFAULTS, **changes
) -> pd.DataFrame:
    """Let a judge compare, with the vanilla prompt, each output with the reference output to its instruction.

    Takes references as `load_references` gives them, and outputs as `answer_questions` returns them. The seed decides,
    once per instruction, which of the two is shown as A.
    Returns annotations as the published ones are, one row per output: generator_2 (the model), index, dataset,
    preference (1 where the reference is better, 2 where the output is, 1.5 for a tie, anything between for a
    distribution, NaN where the verdict is unreadable), len_output_1 and len_output_2 (characters of the reference and
    of the output). For errors see `cce.chat`.
    """
    options, found, pairs = options.but(**changes), _answered(references, outputs), []
    for question, model, given in found:
        sides = shuffled_sides(question.id, question.references[0], given[0], options.seed)
        place = {"id": question.id, "benchmark": model, "subset": question.category}
        pairs.append(Pair(instruction=question.turns[0], **place, **sides))
    judged = evaluate(pairs, ["vanilla"], [judge], options=options)
    # A score stands on all questions.
    if len(failed := judged.failed.dropna()):
        raise ResultsMissing(missing_in_words("comparing", len(failed), len(judged), failed.iloc[0]))
    # The label stands for the reference.
    p_a = judged.p_a.astype(float)
    p_reference = p_a.where(judged.label == "A", 1 - p_a)
    rows = [
        (model, int(question.id), question.category, 2 - p, len(question.references[0]), len(given[0]))
        for (question, model, given), p in zip(found, p_reference, strict=True)
    ]
    return pd.DataFrame(rows, columns=ANNOTATIONS)


def _answered(questions: Sequence[Question], answers: pd.DataFrame) -> list[tuple[Question, str, tuple[str, ...]]]:
    """Question, model and its answers for each row. Raises BadInput unless each model answered each question, once."""
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


async def _graded(session: Session, question: Question, given: tuple[str, ...]) -> tuple[str, float | None]:
    name, last = "grade_reference" if question.references else "grade", len(given)
    shown = {"questions": question.turns, "answers": given, "references": question.references}
    texts = {key: [without_ratings(text) for text in turns[:last]] for key, turns in shown.items() if turns}
    expects = Expects("judgment", RATINGS)
    said, rating, _ = await session.stated(name, texts, expects, "rating", DIGITS, {"temperature": 0.0})
    return said.text, rating
