"""Published benchmarks, with one function each from rows to pairs, and how judgments of these pairs are scored.

A and B are as published; where only the better answer is, a seeded coin decides. An id is the row's own, or its place.
Scoring is one switch for four rules, which go as the paper's code has them or as the benchmarks do.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

import yaml

from cce.benchmarks.files import Row
from cce.benchmarks.further import FURTHER
from cce.benchmarks.pair import Pair, shuffled_sides
from cce.benchmarks.sources import DATA, SOURCES, Sources
from cce.errors import BadInput

Messages = list[dict[str, str]]
Scoring = Literal["paper", "standard"]
RULES = yaml.safe_load((DATA / "scoring.yaml").read_text())
# RewardBench's subsets and what they count for, by section.
SECTIONS = yaml.safe_load((DATA / "rewardbench.yaml").read_text())
SECTION_OF = {subset: section for section, subsets in SECTIONS.items() for subset in subsets}
BETTER = {"1": "A", "2": "B"}  # the side of output_1 and of output_2
HELPSTEER2 = yaml.safe_load((DATA / "helpsteer2.yaml").read_text())  # its attributes' weights, and its criteria


class Benchmark(NamedTuple):
    """Where a benchmark's rows are, and the function that makes its pairs from rows, seed and scoring."""

    source: Sources
    pairs: Callable[[Iterable[Row], int, Scoring], Iterable[Pair]]


def rewardbench(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """RewardBench (Lambert et al. 2024), filtered split: 2,985 chosen and rejected answers in 23 subsets."""
    for place, row in enumerate(rows):
        name = str(row.get("filtered_index", place))
        sides = shuffled_sides(name, row["chosen"], row["rejected"], seed)
        yield Pair(id=name, instruction=row["prompt"], subset=row["subset"], **sides)


def helpsteer2(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """HelpSteer2 (Wang et al. 2024), validation split: 1,038 rated answers, two successive rows to each prompt."""
    rows = list(rows)
    for place, (a, b) in enumerate(zip(rows[::2], rows[1::2], strict=True)):
        if a["prompt"] != b["prompt"]:
            at = f"rows {2 * place} and {2 * place + 1}"
            raise BadInput(f"HelpSteer2: {at} have different prompts; the file is not as published")
        good_a, good_b = goodness(a, scoring), goodness(b, scoring)
        if good_a != good_b:  # otherwise there is no label, under either scoring
            sides = {"answer_a": a["response"], "answer_b": b["response"], "label": "A" if good_a > good_b else "B"}
            yield Pair(id=str(place), instruction=a["prompt"], criteria=HELPSTEER2["criteria"], **sides)


def goodness(row: Row, scoring: Scoring) -> float:
    """The weighted sum of the five ratings (0 to 4 each), rounded so that equal sums compare as equal."""
    # The paper's code applies the weights on loading and on scoring: they are squared, and verbosity counts in favour.
    power = 2 if scoring == "paper" else 1
    return round(sum(weight**power * float(row[name]) for name, weight in HELPSTEER2["weights"].items()), 6)


def mtbench_human(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """MT-Bench human judgments (Zheng et al. 2023): 3,355 votes on the first turn or on both, 2,575 without ties."""
    seen: Counter[str] = Counter()
    for row in rows:
        if row["winner"] in ("model_a", "model_b"):
            turn, label = int(row["turn"]), "A" if row["winner"] == "model_a" else "B"
            name = f"{row['question_id']}-{row['model_a']}-{row['model_b']}-{row['judge']}-turn{turn}"
            seen[name] += 1  # a judge may have voted twice on the same two answers
            name = name if seen[name] == 1 else f"{name}-{seen[name]}"
            said = {side: row[side] for side in ("conversation_a", "conversation_b")}
            # A csv file holds a conversation as JSON text.
            talks = {side: tuple(json.loads(t) if isinstance(t, str) else t)[: 2 * turn] for side, t in said.items()}
            yield Pair(id=name, subset=f"turn{turn}", label=label, **talks)


def judgebench(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """JudgeBench (Tan et al. 2024), gpt split: 350 pairs of GPT-4o answers, one objectively right, one wrong."""
    # The benchmark judges both orders, the paper one.
    order = "both" if scoring == "standard" else None
    for row in rows:
        label = {"A>B": "A", "B>A": "B"}[row["label"]]
        sides = {"answer_a": row["response_A"], "answer_b": row["response_B"], "label": label}
        yield Pair(id=row["pair_id"], instruction=row["question"], subset=row["source"], order=order, **sides)


def evalbias(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """EvalBias as the paper has it: the first 1,000 rows of the training split of OffsetBias (Park et al. 2024)."""
    for place, row in enumerate(islice(rows, 1000)):
        # Two namings of the fields are in circulation.
        a, b = (row.get(f"output_{n}", row.get(f"response_{side}")) for n, side in BETTER.items())
        label = BETTER.get(str(row["label"]), row["label"])
        yield Pair(id=str(place), instruction=row["instruction"], answer_a=a, answer_b=b, label=label)


def llmbar(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """LLMBar (Zeng et al. 2023, arXiv 2310.07641): 419 pairs, one answer follows the instruction, one does not."""
    seen: Counter[str] = Counter()
    for row in rows:
        subset, label = row["subset"], BETTER[str(row["label"])]
        sides = {"answer_a": row["output_1"], "answer_b": row["output_2"], "label": label}
        yield Pair(id=f"{subset}-{seen[subset]}", instruction=row["input"], subset=subset, **sides)
        seen[subset] += 1


def tulu3_preference(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """The TULU-3 preference mixture (Lambert et al. 2024, arXiv 2411.15124), for training judges as in Table 2."""
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


KNOWN = {pairs.__name__: pairs for pairs in (rewardbench, helpsteer2, mtbench_human, judgebench, evalbias, llmbar)}
KNOWN |= {"judgebench_claude": judgebench}
KNOWN |= {pairs.__name__: pairs for pairs in (*FURTHER, tulu3_preference)}
BENCHMARKS = {name: Benchmark(SOURCES[name], pairs) for name, pairs in KNOWN.items()}


def check_scoring(scoring: str) -> None:
    """Raise BadInput for a word that is no scoring."""
    if scoring not in RULES:
        raise BadInput(f"scoring {scoring!r}: one of {', '.join(RULES)}")


def explained(scoring: Scoring) -> str:
    """What the scoring does, one line per rule, for a notebook to print. Raises BadInput for a word that is none."""
    check_scoring(scoring)
    return f"scoring {scoring}:\n{RULES[scoring]}"


def section_weights(subsets: Sequence[str]) -> list[float]:
    """What each of RewardBench's pairs counts for, from its subset: sections alike, subsets within one by SECTIONS, and
    none where there is no pair; the weights add up to 1. Source: github.com/allenai/reward-bench.
    """
    count_of = {subset: count for section in SECTIONS.values() for subset, count in section.items()}
    pairs_of, totals = Counter(subsets), Counter()
    for subset in pairs_of:
        totals[SECTION_OF[subset]] += count_of[subset]
    return [count_of[s] / pairs_of[s] / totals[SECTION_OF[s]] / len(totals) for s in subsets]
