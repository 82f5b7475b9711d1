"""Published benchmarks that take no more than a function each, from rows to pairs."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from cce.benchmarks.files import Benchmark, Row, Source
from cce.benchmarks.pair import Pair, shuffled_sides
from cce.benchmarks.scoring import Scoring

Messages = list[dict[str, str]]
BETTER = {"1": "A", "2": "B"}  # the side of output_1 and of output_2
EVALBIAS_ROWS = 1000


def mtbench_human(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """MT-Bench human judgments (Zheng et al. 2023): 3,355 votes on one or two turns, 2,575 without ties.

    One pair per vote that is not a tie; a vote on turn 1 sees one turn, a vote on turn 2 sees both.
    """
    seen: Counter[str] = Counter()
    for row in rows:
        if row["winner"] in ("model_a", "model_b"):
            turn, label = int(row["turn"]), "A" if row["winner"] == "model_a" else "B"
            name = f"{row['question_id']}-{row['model_a']}-{row['model_b']}-{row['judge']}-turn{turn}"
            seen[name] += 1  # a judge may have voted twice on the same two answers
            name = name if seen[name] == 1 else f"{name}-{seen[name]}"
            talks = {side: _messages(row[side])[: 2 * turn] for side in ("conversation_a", "conversation_b")}
            yield Pair(id=name, subset=f"turn{turn}", label=label, **talks)


def _messages(conversation) -> tuple:
    # A csv file holds the conversation as JSON text.
    return tuple(json.loads(conversation) if isinstance(conversation, str) else conversation)


def judgebench(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """JudgeBench (Tan et al. 2024), gpt split: 350 pairs of GPT-4o answers, one objectively right, one wrong.

    A and B are as published, the subset is the source of the question. The benchmark judges both orders, the paper one.
    """
    order = "both" if scoring == "standard" else None
    for row in rows:
        label = {"A>B": "A", "B>A": "B"}[row["label"]]
        sides = {"answer_a": row["response_A"], "answer_b": row["response_B"], "label": label}
        yield Pair(id=row["pair_id"], instruction=row["question"], subset=row["source"], order=order, **sides)


def evalbias(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """EvalBias as the paper has it: the first 1,000 rows of the training split of OffsetBias (Park et al. 2024).

    A and B are as published, under either of the two field names in circulation.
    """
    for place, row in enumerate(islice(rows, EVALBIAS_ROWS)):
        a, b = (row.get(f"output_{n}", row.get(f"response_{side}")) for n, side in BETTER.items())
        label = BETTER.get(str(row["label"]), row["label"])
        yield Pair(id=str(place), instruction=row["instruction"], answer_a=a, answer_b=b, label=label)


def llmbar(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """LLMBar (Zeng et al. 2023, arXiv 2310.07641): 419 pairs, one answer follows the instruction, the other does not.

    A and B are as published; the id is the row's subset and its place there. None of the paper's five benchmarks,
    though the chat-hard section of RewardBench holds the same pairs.
    """
    seen: Counter[str] = Counter()
    for row in rows:
        subset, label = row["subset"], BETTER[str(row["label"])]
        sides = {"answer_a": row["output_1"], "answer_b": row["output_2"], "label": label}
        yield Pair(id=f"{subset}-{seen[subset]}", instruction=row["input"], subset=subset, **sides)
        seen[subset] += 1


def tulu3_preference(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """The TULU-3 preference mixture (Lambert et al. 2024, arXiv 2411.15124): some 270,000 chosen and rejected answers.

    For training judges, as in the paper's Table 2, and no benchmark: most preferences are a language model's own. The
    id is the row's place in the split, and a seeded coin decides which answer is A. Only comparable answers are taken.
    """
    for place, row in enumerate(rows):
        chosen, rejected = list(row["chosen"]), list(row["rejected"])
        if _comparable(chosen, rejected):
            sides = shuffled_sides(str(place), chosen[-1]["content"], rejected[-1]["content"], seed)
            yield Pair(id=str(place), subset=row["source"], **_asked(chosen[:-1], sides))


def _comparable(chosen: Messages, rejected: Messages) -> bool:
    """Unequal answers to the same turns, which go user, assistant, user ... without a system message; none is empty."""
    roles = [message["role"] for message in chosen]
    in_turn = roles == ["user", "assistant"] * (len(roles) // 2)
    same_turns = chosen[:-1] == rejected[:-1] and roles == [message["role"] for message in rejected]
    return in_turn and same_turns and chosen != rejected and all(said["content"] for said in chosen + rejected)


def _asked(turns: Messages, sides: dict[str, str]) -> dict:
    if len(turns) == 1:
        return {"instruction": turns[0]["content"], **sides}
    last = {side: {"role": "assistant", "content": sides[f"answer_{side}"]} for side in "ab"}
    return {"label": sides["label"], **{f"conversation_{side}": (*turns, last[side]) for side in "ab"}}


TULU3 = "allenai/llama-3.1-tulu-3-8b-preference-mixture"
VOTES = "lmsys/mt_bench_human_judgments"
VOTES_FILE = r"mt_?bench.*(human_judgments|human-\d)[^/]*$"
BIAS_FILE = r"(evalbias|offsetbias).*train"
# Of 100, 134, 92, 47 and 46 pairs. The hub has only a loading script, which `datasets` no longer runs: take the folder
# Dataset/LLMBar of github.com/princeton-nlp/LLMBar, or files called natural.json, adv_neighbor.json ...
LLMBAR_SPLITS = ("Natural", "Adversarial_Neighbor", "Adversarial_GPTInst", "Adversarial_GPTOut", "Adversarial_Manual")
LLMBAR_FILES = {split: split.lower().replace("adversarial_", "adv(ersarial)?[/_]") for split in LLMBAR_SPLITS}
SOURCES = {
    mtbench_human: Source(VOTES, "human", VOTES_FILE, "f7d2896d2cc5d80f8b55c2bbc722613555233c25"),
    judgebench: Source("ScalerLab/JudgeBench", "gpt", r"judgebench.*gpt", "57dd5e0b9817d07f05ec8f45a91b2ce1e310e308"),
    evalbias: Source("NCSOFT/offsetbias", "train", BIAS_FILE, "6518fefe46387bd500cdab59d5010470e008c1ef"),
    llmbar: {
        split.lower().replace("_", "/"): Source("princeton-nlp/LLMBar", split, rf"llmbar.*{file}(/dataset)?\.")
        for split, file in LLMBAR_FILES.items()
    },
    tulu3_preference: Source(TULU3, "train", r"tulu[-_]?3.*preference", "78a6f00785946cd24276c5dd075f83a143a3b1e6"),
}
BENCHMARKS = {pairs.__name__: Benchmark(source, pairs) for pairs, source in SOURCES.items()}
