"""Preferences: a judge compares each of a model's outputs with the reference output, as AlpacaEval 2 does.

references = load_references("pocket")
preferences(references, answer_questions(references, "my-model@http://localhost:8000/v1"), "gpt-4o")
"""

from collections.abc import Sequence

import pandas as pd

from cce.benchmarks.pair import Pair, Question, shuffled_sides
from cce.crowd.batch import missing_in_words
from cce.crowd.dialogue import answered
from cce.crowd.evaluate import evaluate
from cce.errors import ResultsMissing


def preferences(
    references: Sequence[Question], outputs: pd.DataFrame, judge: str, *, seed: int = 0, **options
) -> pd.DataFrame:
    """Let a judge compare, with the vanilla prompt, each output with the reference output to its instruction.

    Args:
        references: as `load_references` gives them.
        outputs: the models' outputs, as `answer_questions` returns them.
        judge: `NAME` or `NAME@BASE_URL` or `embedded`.
        seed: a coin an instruction decides which of the two is shown as A, the same for all models.
        options: store, concurrency, order, verdict, max_tokens, prompts, as of `evaluate`.

    Returns annotations as the published ones are, a row an output: generator_2 (the model), index, dataset, preference
    (1 where the reference is better, 2 where the output is, 1.5 for a tie, anything between for a distribution, NaN
    where the verdict is unreadable), len_output_1 and len_output_2 (characters of the reference and of the output).
    Raises BadInput before any request is sent; EndpointFailed where an endpoint is of no use, ResultsMissing where
    single calls failed for good, after all others.
    """
    compared = [(*place, given[0], place[0].references[0]) for *place, given in answered(references, outputs)]
    pairs = [_pair(*one, seed) for one in compared]
    judged = evaluate(pairs, ["vanilla"], [judge], seed=seed, **options)
    failed = judged.failed.dropna()
    if len(failed):
        # A score stands on all questions.
        raise ResultsMissing(missing_in_words("comparing", len(failed), len(judged), failed.iloc[0]))
    # The label stands for the reference.
    p_a = judged.p_a.astype(float)
    p_reference = p_a.where(judged.label == "A", 1 - p_a)
    rows = [_row(*one) | {"preference": 2 - p} for one, p in zip(compared, p_reference, strict=True)]
    return pd.DataFrame(rows, columns=["generator_2", "index", "dataset", "preference", "len_output_1", "len_output_2"])


def _pair(question: Question, model: str, output: str, reference: str, seed: int) -> Pair:
    sides = shuffled_sides(question.id, reference, output, seed)
    return Pair(id=question.id, benchmark=model, subset=question.category, instruction=question.turns[0], **sides)


def _row(question: Question, model: str, output: str, reference: str) -> dict:
    return {
        "generator_2": model,
        "index": int(question.id),
        "dataset": question.category,
        "len_output_1": len(reference),
        "len_output_2": len(output),
    }
