"""MT-Bench (Zheng et al. 2023, arXiv 2306.05685): 80 questions of two turns in eight categories.

`pocket_talk` is the kit's own small one: sixteen questions, written for it, in the same categories.
"""

from collections.abc import Iterator
from pathlib import Path

from cce.benchmarks.files import Folder, Source, as_published, find_rows, user_rows
from cce.benchmarks.pair import Question
from cce.benchmarks.sampling import drawn
from cce.errors import BadInput

FOLDER = "data/mt_bench"
SPACE = {"repo_type": "space", "revision": "a4b674ca573c24143824ac7f60d9173e7081e37d"}
QUESTIONS = Source("lmsys/mt-bench", "", r"mt_?bench.*\bquestion\.", path=f"{FOLDER}/question.jsonl", **SPACE)
# Those of GPT-4, which the published grading shows the judge.
ANSWERS = f"{FOLDER}/reference_answer/gpt-4.jsonl"
REFERENCES = Source("lmsys/mt-bench", "", r"mt_?bench.*reference_answer.*gpt-4\.", path=ANSWERS, **SPACE)
# The categories in which a judge sees a reference answer.
REFERENCED = ("math", "reasoning", "coding")
POCKET_TALK = Path(__file__).parent / "data" / "pocket_talk.jsonl"


def load_questions(
    name: str = "mt_bench", data_dir: Folder = None, limit: int | None = None, seed: int = 0
) -> list[Question]:
    """Load the questions of mt_bench or pocket_talk, with a reference answer to each turn in the categories REFERENCED.

    `data_dir`, `limit` and `seed` are as for `load_pairs`.
    Raises BadInput for a bad name, limit or file, DataMissing where MT-Bench cannot be found.
    """
    if name not in ("mt_bench", "pocket_talk"):
        raise BadInput(f"unknown questions {name!r}: mt_bench or pocket_talk")
    questions = _published(data_dir) if name == "mt_bench" else user_rows(POCKET_TALK, Question)
    return drawn(questions, "questions", name, limit, seed)


def _published(data_dir: Folder) -> Iterator[Question]:
    with as_published("mt_bench: a row lacks a field or its reference answer", "are the files as published?"):
        answers = {row["question_id"]: row["choices"][0]["turns"] for row in find_rows(REFERENCES, data_dir)}
        for row in find_rows(QUESTIONS, data_dir):
            references = answers[row["question_id"]] if row["category"] in REFERENCED else ()
            yield Question(id=row["question_id"], category=row["category"], turns=row["turns"], references=references)
