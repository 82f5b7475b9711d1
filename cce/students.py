"""What students learn from: judgments, labels, and responses that were picked; and how `embedded-judge` is made.

A judge learns from the vanilla prompt, that is the question with both answers but no crowd, completed by a judgment
(section 4.2 and Table 2 of the paper). A model of answers learns from an instruction, completed by the response that
was picked (Table 3).

`make embedded-judge` runs this module. It teaches the embedded model the labels of the kit's own pairs with their
written reasons, in a quarter of an hour on two cores. Another machine may give weights with other last digits.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from shutil import copyfile

import pandas as pd

from cce.benchmarks import load_pairs
from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison
from cce.crowd.evaluate import Records, evaluate
from cce.crowd.marks import read_text
from cce.crowd.members import OTHER
from cce.crowd.prompts import messages_of
from cce.errors import BadInput
from cce.models.engines import JUDGE
from cce.models.training import Card, Example, Recipe, train
from cce.models.wire import Messages
from cce.names import short_name
from cce.options import Options
from cce.project import root
from cce.text import tell

JUDGE_RECIPE = Recipe(steps=100)
JUDGE_CARD = Card(
    title="embedded-judge",
    what="SmolLM2-135M-Instruct as a judge of two answers that writes its verdict in words: the default of the demo.",
    data="The 168 pairs of pocket_train, in both orders; the label's reason, written for the kit, is the rationale.",
    licence="Apache-2.0, as the base model and the data.",
)


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
    """The examples of each student, by the method that wrote the judgments; all students get equally many.

    `judgments` are of these pairs, as `evaluate` returns them, by one judge with the teaching methods. A student gets
    as many examples as the poorest method has, and no more than `samples`. With `mixed` a further student learns from
    the examples of all methods together, as in the last row of Table 2. `drop_contradicted` leaves out judgments that
    the pair's label contradicts; the paper's code does not show it. The seed draws the examples.
    Raises BadInput where a method leaves none.
    """
    sets = {}
    for method, rows in judgments.groupby("method", sort=False):
        examples = taught_by(pairs, rows, drop_contradicted=drop_contradicted, prompts=prompts)
        sets[method] = drawn_evenly(examples, samples or len(examples), seed)
    size = min(map(len, sets.values()))
    if not size:
        method = min(sets, key=lambda name: len(sets[name]))
        raise BadInput(
            f"{method} leaves no judgments to teach for both A and B; judge more pairs, or loosen what is left out"
        )
    sets = {method: examples[:size] for method, examples in sets.items()}
    return sets | ({" + ".join(sets): [one for examples in sets.values() for one in examples]} if mixed else {})


def taught_by(
    pairs: Sequence[Pair], judgments: pd.DataFrame, *, drop_contradicted: bool = True, prompts: str | None = None
) -> list[Example]:
    """The examples that one method's judgments make, as `teaching_sets` takes them: one for each order that was judged.

    A judgment that was read from its text is learnt as it was written, in those orders in which it says what the
    judgment says as a whole. One that was read from a distribution has no verdict in its text: a verdict is put behind
    its last whole sentence. It is left out where it was cut off before its first sentence ended.
    """
    known = {(pair.benchmark, pair.id): pair for pair in pairs}
    usable = judgments[judgments.verdict.isin(["A", "B"])]
    if drop_contradicted:
        usable = usable[usable.correct.astype(bool)]
    examples = []
    for row in usable.itertuples():
        given = Comparison.of(known[row.benchmark, row.id])
        examples += _judging(given, row.text, row.verdict, prompts)
        examples += _judging(given.swapped(), row.text_swapped, OTHER[row.verdict], prompts)
    return examples


def taught_by_labels(pairs: Sequence[Pair], prompts: str | None = None) -> list[Example]:
    """The examples that labels make with their written reasons, in both orders. Raises BadInput for want of either."""
    examples = []
    for pair in pairs:
        if not (pair.label and pair.why):
            raise BadInput(f"pair {pair.id}: `label` and `why` are wanted to teach by labels")
        given = Comparison.of(pair)
        for shown, better in ((given, pair.label), (given.swapped(), OTHER[pair.label])):
            said = f"Assistant {better} is better. {pair.why} Assistant {OTHER[better]} gets this wrong."
            examples += _judging(shown, said, better, prompts)
    return examples


def taught_by_picks(picks: pd.DataFrame) -> list[Example]:
    """The examples that one method's picks make, one for each pool. `picks` are as `pick` returns them."""
    return [_example([{"role": "user", "content": row.instruction}], row.response) for row in picks.itertuples()]


def card_of(picks: pd.DataFrame, instructions: str, samplers: Sequence[str]) -> Card:
    """The card of the student that one method's picks teach, from the samplers' responses to named instructions."""
    first, names = picks.iloc[0], ", ".join(dict.fromkeys(map(short_name, samplers)))
    return Card(
        title=f"Taught by {first.method} picks",
        what="A model that answers, one of several that differ only in which sampled responses taught it.",
        data=f"Of {first.responses} responses by {names} to each instruction of {instructions} one was picked: "
        f"{first.method}, judge {short_name(first.judge)}.",
        licence="That of its base and of the instructions, with the terms of the models that responded and picked.",
        not_for="Anything but comparing ways to pick training data. It imitates the responses of other models, errors "
        "included, and how well it answers is unknown but for the scores that were measured.",
    )


def drawn_evenly(examples: Sequence[Example], size: int, seed: int) -> list[Example]:
    """Draw so many examples by the seed, half of which find for A and half for B; a smaller set is part of a larger.

    There are fewer where one side has too few. Of uneven verdicts, as the paper's may be, a student learns the place.
    """
    for_a, for_b = [], []
    for example in examples:
        (for_a if read_text(example["completion"][0]["content"]) == 1.0 else for_b).append(example)
    for side in (for_a, for_b):
        Random(f"{seed}:examples").shuffle(side)
    return [one for both in zip(for_a, for_b, strict=False) for one in both][: size // 2 * 2]


def judged_by_students(
    pairs: Sequence[Pair],
    students: Mapping[str, str],
    published: Mapping[str, str],
    options: Options,
    out: Records | None = None,
) -> pd.DataFrame:
    """Judge the pairs by each student with vanilla, by each published judge in its format, and by length alone.

    `students` are models by the short name that the column `judge` is to show, and `published` are the judges' formats
    (see `cce.crowd.methods.published`) by the judge's model. A student's verdict is to be read from its text.
    Takes `out`, returns and raises as `evaluate` does.
    """
    judges = [(floor, {"": model}) for floor in ("longer", "shorter") for model in list(students.values())[:1]]
    judges += [("vanilla", {name: model}) for name, model in students.items()]
    judges += [(form, {short_name(model): model}) for model, form in published.items()]
    judged = [evaluate(pairs, [method], judge, options=options, out=out) for method, judge in judges]
    return pd.concat(judged, ignore_index=True)


def _judging(shown: Comparison, text: str | None, verdict: str, prompts: str | None) -> list[Example]:
    """One example, or none where the order was not asked for, says another verdict, or has no whole sentence."""
    if text is None or read_text(text) not in (None, float(verdict == "A")):
        return []
    if read_text(text) is None:
        # A text without a verdict gets one, but what breaks off would teach to break off.
        if not (sentences := re.match(r".*[.!?](?=\s|$)", text, re.S)):
            return []
        text = f"{sentences[0].strip()}\n[[{verdict}]]"
    return [_example(messages_of("vanilla", prompts, criteria=shown.criteria, **shown.texts()), text)]


def _example(prompt: Messages, answer: str) -> Example:
    return {"prompt": prompt, "completion": [{"role": "assistant", "content": answer}]}


if __name__ == "__main__":
    os.chdir(root())
    student = train(taught_by_labels(load_pairs("pocket_train")), JUDGE_RECIPE, JUDGE_CARD, Path("runs/embedded-judge"))
    copyfile(student / "adapter.gguf", JUDGE)
    copyfile(student / "README.md", JUDGE.with_suffix(".md"))
    tell(JUDGE)
