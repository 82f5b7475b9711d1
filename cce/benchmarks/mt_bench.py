"""MT-Bench (Zheng et al. 2023, arXiv 2306.05685): 80 questions of two turns in eight categories.

`pocket_talk` is the kit's own small one: sixteen questions, written for it, in the same categories.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from cce.benchmarks.draw import drawn
from cce.benchmarks.files import Source, find_rows
from cce.benchmarks.own import own_rows
from cce.benchmarks.question import Question
from cce.errors import BadInput

FOLDER = "data/mt_bench"
QUESTIONS = Source("lmsys/mt-bench", "", r"mt_?bench.*\bquestion\.", path=f"{FOLDER}/question.jsonl", repo_type="space")
# Those of GPT-4, which the published grading shows the judge.
REFERENCES = Source(
    "lmsys/mt-bench",
    "",
    r"mt_?bench.*reference_answer.*gpt-4\.",
    path=f"{FOLDER}/reference_answer/gpt-4.jsonl",
    repo_type="space",
)
# The categories in which a judge sees a reference answer.
REFERENCED = ("math", "reasoning", "coding")
POCKET_TALK = Path(__file__).parent / "data" / "pocket_talk.jsonl"


def load_questions(
    name: str = "mt_bench", data_dir: str | Path | None = None, limit: int | None = None, seed: int = 0
) -> list[Question]:
    """Load the questions, with a reference answer to each turn in the categories of REFERENCED.

    Args:
        name: mt_bench or pocket_talk.
        data_dir: folder of the published files; without it the environment's CCE_DATA, without that the hub.
        limit, seed: how many to draw, at random by the seed; a smaller limit draws from a larger one's.

    Raises BadInput for a bad name, limit or file, DataMissing where MT-Bench cannot be found.
    """
    return drawn(_all(name, data_dir), "questions", name, limit, seed)


def _all(name: str, data_dir: str | Path | None) -> Iterable[Question]:
    if name == "pocket_talk":
        return own_rows(POCKET_TALK, Question)
    if name == "mt_bench":
        return _published(data_dir)
    raise BadInput(f"unknown questions {name!r}: mt_bench or pocket_talk")


def _published(data_dir: str | Path | None) -> Iterator[Question]:
    try:
        answers = {row["question_id"]: row["choices"][0]["turns"] for row in find_rows(REFERENCES, data_dir)}
        for row in find_rows(QUESTIONS, data_dir):
            references = answers[row["question_id"]] if row["category"] in REFERENCED else ()
            yield Question(id=row["question_id"], category=row["category"], turns=row["turns"], references=references)
    except (KeyError, TypeError, ValueError) as problem:
        what = "lacks a field or its reference answer"
        raise BadInput(f"mt_bench: a row {what} ({problem}); are the files as published?") from problem
