"""How `embedded-judge` is made: the embedded model, taught the kit's own pairs by their labels and written reasons.

`make embedded-judge` runs this: a quarter of an hour on two cores. The same machine gives the same weights again;
another may differ in the last digits.
"""

from pathlib import Path
from shutil import copyfile

from cce.benchmarks import load_pairs
from cce.crowd.distillation import taught_by_labels
from cce.models.card import Card
from cce.models.embedded import JUDGE
from cce.models.training import Recipe, train
from cce.project import enter

RECIPE = Recipe(rank=8, learning_rate=1e-3, steps=100, batch=4, max_tokens=1024, seed=0)
CARD = Card(
    title="embedded-judge",
    what="SmolLM2-135M-Instruct as a judge of two answers that writes its verdict in words: the default of the demo.",
    data="The 168 pairs of pocket_train, in both orders; the label's reason, written for the kit, is the rationale.",
    licence="Apache-2.0, as the base model and the data.",
)


def make(folder: Path) -> Path:
    """Train in the folder, or go on there, and lay the adapter and its card beside the code; return the adapter."""
    student = train(taught_by_labels(load_pairs("pocket_train")), RECIPE, CARD, folder)
    copyfile(student / "adapter.gguf", JUDGE)
    copyfile(student / "README.md", JUDGE.with_suffix(".md"))
    return JUDGE


if __name__ == "__main__":
    enter()
    print(make(Path("runs/embedded-judge")))
