"""Distillation sets: a teacher's judgments become examples to learn from (section 4.2 and Table 2 of the paper).

An example is the vanilla prompt, that is the question with both answers but no crowd, completed by the judgment.
"""

import re
from collections.abc import Mapping, Sequence
from random import Random

import pandas as pd

from cce.benchmarks.pair import Pair
from cce.crowd.compare import Duel
from cce.crowd.evaluate import evaluate
from cce.crowd.prompts import render
from cce.crowd.verdict import read_text
from cce.errors import BadInput
from cce.models.training import Example

SENTENCE = re.compile(r".*[.!?](?=\s|$)", re.S)
OTHER = {"A": "B", "B": "A"}


def teaching_sets(
    pairs: Sequence[Pair],
    judgments: pd.DataFrame,
    *,
    samples: int | None = None,
    mixed: bool = False,
    drop_contradicted: bool = True,
    seed: int = 0,
    prompts: str | None = None,
) -> dict[str, list[Example]]:
    """The examples of each student, by the method that wrote the judgments, all students given equally many.

    Args:
        pairs: those that were judged.
        judgments: as `evaluate` returns them, of one judge and the teaching methods.
        samples: examples a student; as many as the poorest method has, where it has fewer or this is None.
        mixed: a further student learns from all methods' examples together, as the last row of Table 2 does.
        drop_contradicted, seed, prompts: see `taught_by` and `drawn_evenly`.
    """
    kinds = {
        method: taught_by(pairs, rows, drop_contradicted=drop_contradicted, prompts=prompts)
        for method, rows in judgments.groupby("method", sort=False)
    }
    size = min(samples or len(judgments) * 2, *(len(drawn_evenly(kind, len(kind), seed)) for kind in kinds.values()))
    sets = {method: drawn_evenly(kind, size, seed) for method, kind in kinds.items()}
    return sets | ({" + ".join(sets): [one for kind in sets.values() for one in kind]} if mixed else {})


def judged_by_students(
    pairs: Sequence[Pair], students: Mapping[str, str], published: Mapping[str, str], **options
) -> pd.DataFrame:
    """Judge the pairs by each student with vanilla, by each published judge in its format, and by length.

    Args:
        pairs: as `load_pairs` gives them.
        students: models (names, addresses or folders) by the short name that the column `judge` is to show.
        published: formats (see `cce.crowd.methods.published`) by the judge's model.
        options: of `evaluate`; students are read from text.

    Returns `evaluate`'s rows; raises what it raises.
    """
    seats = [(name, model, "vanilla") for name, model in students.items()]
    seats += [(model.split("@")[0], model, form) for model, form in published.items()]
    floor = evaluate(pairs, ["length"], list(students.values())[:1], **options)
    judged = [evaluate(pairs, [method], [model], **options).assign(judge=name) for name, model, method in seats]
    return pd.concat([floor, *judged], ignore_index=True)


def taught_by(
    pairs: Sequence[Pair], judgments: pd.DataFrame, *, drop_contradicted: bool = True, prompts: str | None = None
) -> list[Example]:
    """The examples that one method's judgments make, one a judged order.

    A judgment read from words is learnt as it was written, in those orders in which it says what the judgment says as a
    whole. One read from a distribution has no verdict in words: its last whole sentence is followed by one, and where
    it was cut off before its first sentence ended it is left out.

    Args:
        pairs: those that were judged.
        judgments: as `evaluate` returns them, of one method and judge.
        drop_contradicted: leave out judgments that the pair's label contradicts; the paper's code does not show it.
        prompts: the user's own folder of prompts, as in `evaluate`.
    """
    known = {(pair.benchmark, pair.id): pair for pair in pairs}
    usable = judgments[judgments.verdict.isin(["A", "B"])]
    if drop_contradicted:
        usable = usable[usable.correct.astype(bool)]
    examples = []
    for row in usable.itertuples():
        duel = Duel.of(known[row.benchmark, row.id])
        orders = [(duel, row.text, row.verdict), (duel.swapped(), row.text_swapped, OTHER[row.verdict])]
        examples += [_example(*order, prompts) for order in orders if _says(order[1], order[2])]
    return examples


def taught_by_labels(pairs: Sequence[Pair], prompts: str | None = None) -> list[Example]:
    """The examples that labels make, two a pair: the written reason for the label, in both orders.

    Raises BadInput for a pair without a label or a reason.
    """
    examples = []
    for pair in pairs:
        if not (pair.label and pair.why):
            raise BadInput(f"pair {pair.id}: `label` and `why` are wanted to teach by labels")
        duel = Duel.of(pair)
        for shown, better in ((duel, pair.label), (duel.swapped(), OTHER[pair.label])):
            said = f"Assistant {better} is better. {pair.why} Assistant {OTHER[better]} gets this wrong."
            examples.append(_example(shown, said, better, prompts))
    return examples


def drawn_evenly(examples: Sequence[Example], size: int, seed: int) -> list[Example]:
    """So many examples, half of which find for A and half for B, drawn by the seed; smaller draws are part of larger.

    Fewer where one side has too few. Whether the paper's verdicts are even is not shown; a student of uneven ones
    learns the place, not the answer.
    """
    sides = {side: [one for one in examples if _verdict(one) == side] for side in "AB"}
    for side in sides.values():
        Random(f"{seed}:examples").shuffle(side)
    each = min(size // 2, *map(len, sides.values()))
    return [one for both in zip(sides["A"][:each], sides["B"][:each], strict=True) for one in both]


def _says(text: str | None, verdict: str) -> bool:
    # None is an order that was not asked for; a text without a mark gets one. What breaks off teaches to break off.
    if text is None or (read_text(text) is None and not SENTENCE.match(text)):
        return False
    return read_text(text) in (None, float(verdict == "A"))


def _example(duel: Duel, text: str, verdict: str, prompts: str | None) -> Example:
    texts = {"questions": list(duel.questions), "answers_a": list(duel.first), "answers_b": list(duel.second)}
    prompt = render("vanilla", prompts, criteria=duel.criteria, **texts)
    said = text if read_text(text) is not None else f"{SENTENCE.match(text)[0].strip()}\n[[{verdict}]]"
    return {"prompt": [{"role": "user", "content": prompt}], "completion": [{"role": "assistant", "content": said}]}


def _verdict(example: Example) -> str:
    return "A" if read_text(example["completion"][0]["content"]) == 1.0 else "B"
