"""Further published pairs, outside the paper's: with people's votes, with ties, with rubrics. One function each."""

from collections import Counter
from collections.abc import Iterable, Iterator

from cce.benchmarks.files import Row
from cce.benchmarks.pair import Pair, Pool, shuffled_sides


def pandalm(rows: Iterable[Row], seed: int, scoring: str) -> Iterator[Pair]:
    """PandaLM's test set (Wang et al. 2023, arXiv 2306.05087): 999 pairs with three people's votes; 0 is a tie."""
    said = {"0": "tie", "1": "A", "2": "B"}
    for row in rows:
        asked, more = str(row["instruction"]), row.get("input")
        # An instruction without an input has not a number there.
        whole = f"{asked}\n\n{more}" if isinstance(more, str) and more.strip() else asked
        votes = tuple(said[str(int(row[f"annotator{n}"]))] for n in (1, 2, 3))
        sides = {"answer_a": row["response1"], "answer_b": row["response2"], "votes": votes}
        yield Pair(id=row["idx"], instruction=whole, subset=row["cmp_key"], **sides)


def autoj(rows: Iterable[Row], seed: int, scoring: str) -> Iterator[Pair]:
    """Auto-J's pairwise test set (Li et al. 2023, arXiv 2310.05470): 1,392 pairs in 58 scenarios; 2 is a tie."""
    said = {"0": "A", "1": "B", "2": "tie"}
    for place, row in enumerate(rows):
        sides = {"answer_a": row["response 1"], "answer_b": row["response 2"], "label": said[str(int(row["label"]))]}
        yield Pair(id=str(place), instruction=row["prompt"], subset=row["scenario"], **sides)


def faireval(rows: Iterable[Row], seed: int, scoring: str) -> Iterator[Pair]:
    """FairEval (Wang et al. 2023, arXiv 2305.17926): ChatGPT's answers, as A, beside Vicuna-13B's on 80 questions, with
    the verdict that people agreed on; TIE is a tie.
    """
    said = {"CHATGPT": "A", "VICUNA13B": "B", "TIE": "tie"}
    parts: dict[str, list[Row]] = {"questions": [], "gpt35": [], "vicuna": [], "people": []}
    for row in rows:
        parts[row["subset"]].append(row)
    a, b = ({row["question_id"]: row["text"] for row in parts[model]} for model in ("gpt35", "vicuna"))
    # The verdicts have no names: the n-th line is the n-th question's.
    for row, verdict in zip(parts["questions"], parts["people"], strict=True):
        number = row["question_id"]
        more = {"label": said[verdict["line"].strip()], "subset": row.get("category", "")}
        yield Pair(id=number, instruction=row["text"], answer_a=a[number], answer_b=b[number], **more)


def rewardbench2(rows: Iterable[Row], seed: int, scoring: str) -> Iterator[Pair]:
    """RewardBench 2 (Malik et al. 2025, arXiv 2506.01937): the chosen response beside each of three rejected ones. Its
    subset Ties, in which several are right, is no set of pairs, and left out; `rewardbench2_pools` has it.
    """
    for row in rows:
        if row["subset"] != "Ties":
            for place, rejected in enumerate(row["rejected"], start=1):
                name = f"{row['subset']}-{row['id']}-{place}"
                sides = shuffled_sides(name, row["chosen"][0], rejected, seed)
                yield Pair(id=name, instruction=row["prompt"], subset=row["subset"], **sides)


def rewardbench2_pools(rows: Iterable[Row]) -> Iterator[Pool]:
    """The same as pools of all responses, the right ones first; in the subset Ties there may be several."""
    for row in rows:
        right, name = len(row["chosen"]), f"{row['subset']}-{row['id']}"
        told = {"correct": range(right), "subset": row["subset"]}
        yield Pool(id=name, instruction=row["prompt"], responses=(*row["chosen"], *row["rejected"]), **told)


# How plain the chosen response is beside the rejected one: RM-Bench's three columns.
LEVELS = {-1: "hard", 0: "normal", 1: "easy"}


def rm_bench(rows: Iterable[Row], seed: int, scoring: str) -> Iterator[Pair]:
    """RM-Bench (Liu et al. 2024, arXiv 2410.16184): three chosen and three rejected responses in three styles, plain to
    ornate, nine pairs an item. One is hard where the chosen response is the plainer one, and easy where it is not.
    """
    for row in rows:
        for own, chosen in enumerate(row["chosen"]):
            for other, rejected in enumerate(row["rejected"]):
                level = LEVELS[(own > other) - (own < other)]
                name = f"{row['subset']}-{row['id']}-{own}{other}"
                sides = shuffled_sides(name, chosen, rejected, seed)
                yield Pair(id=name, instruction=row["prompt"], subset=f"{row['subset']}: {level}", **sides)


def contextual_judgebench(rows: Iterable[Row], seed: int, scoring: str) -> Iterator[Pair]:
    """ContextualJudgeBench (Xu et al. 2025, arXiv 2503.15620): 2,000 pairs in eight splits; the context stands before
    the question.
    """
    seen: Counter[str] = Counter()
    for row in rows:
        split, asked = row["subset"], f"{row['context']}\n\n{row['question']}"
        name = f"{split}-{seen[split]}"
        sides = shuffled_sides(name, row["positive_response"], row["negative_response"], seed)
        yield Pair(id=name, instruction=asked, subset=split, **sides)
        seen[split] += 1


def rubricbench(rows: Iterable[Row], seed: int, scoring: str) -> Iterator[Pair]:
    """RubricBench (arXiv 2603.01562): 1,147 pairs, each with a rubric, which stands in place of the usual criteria;
    label 0 is for the first response.
    """
    for row in rows:
        label = {"0": "A", "1": "B"}[str(int(row["label"]))]
        sides = {"answer_a": row["response_a"], "answer_b": row["response_b"], "label": label}
        more = {"criteria": row["rubrics"], "subset": row["domain"]}
        yield Pair(id=row["case_id"], instruction=row["instruction"], **sides, **more)


def rubricbench_plain(rows: Iterable[Row], seed: int, scoring: str) -> Iterator[Pair]:
    """The same pairs without their rubrics: what a judge does by itself, and with a rubric of its own."""
    for pair in rubricbench(rows, seed, scoring):
        yield pair.model_copy(update={"criteria": ""})


FURTHER = (pandalm, autoj, faireval, rewardbench2, rm_bench, rubricbench, rubricbench_plain, contextual_judgebench)
