"""The TULU-3 preference mixture (Lambert et al. 2024, arXiv 2411.15124): some 270,000 chosen and rejected answers.

Data for training judges, as in the paper's Table 2, and no benchmark: most preferences are a language model's own.
"""

from collections.abc import Iterable, Iterator

from cce.benchmarks.files import Row, Source
from cce.benchmarks.pair import Pair, shuffled_sides
from cce.benchmarks.scoring import Scoring

SOURCE = Source("allenai/llama-3.1-tulu-3-8b-preference-mixture", "train", r"tulu[-_]?3.*preference")
Messages = list[dict[str, str]]


def pairs(rows: Iterable[Row], seed: int, scoring: Scoring) -> Iterator[Pair]:
    """One pair a row; the id is the row's place in the split, and a seeded coin decides which answer is A.

    Rows that make no pair are left out: answers that are equal or follow on different turns, empty messages, and turns
    that do not go user, assistant, user, assistant ..., as with a system message. The subset is the row's source.
    """
    for place, row in enumerate(rows):
        chosen, rejected = list(row["chosen"]), list(row["rejected"])
        if _comparable(chosen, rejected):
            yield _pair(str(place), chosen, rejected, row["source"], seed)


def _comparable(chosen: Messages, rejected: Messages) -> bool:
    roles = [message["role"] for message in chosen]
    in_turn = roles == ["user", "assistant"] * (len(roles) // 2)
    same_turns = chosen[:-1] == rejected[:-1] and roles == [message["role"] for message in rejected]
    return in_turn and same_turns and chosen != rejected and all(said["content"] for said in chosen + rejected)


def _pair(place: str, chosen: Messages, rejected: Messages, source: str, seed: int) -> Pair:
    sides = shuffled_sides(place, chosen[-1]["content"], rejected[-1]["content"], seed)
    if len(chosen) == 2:
        return Pair(id=place, instruction=chosen[0]["content"], subset=source, **sides)
    talks = {
        f"conversation_{side}": (*chosen[:-1], {"role": "assistant", "content": sides[f"answer_{side}"]})
        for side in "ab"
    }
    return Pair(id=place, label=sides["label"], subset=source, **talks)
