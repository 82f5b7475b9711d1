"""Fine-tuning: examples, a recipe and a card become a folder of weights. transformers, peft and trl do the training.

    train(examples, Recipe(steps=80), Card(...), Path("runs/demo/students/vanilla"))

The training runs in a process of its own (`python -m cce.models.training FOLDER`), spread over the machine's GPUs by
accelerate where there are several. It keeps checkpoints: a run that was killed goes on from the last one, and on a CPU
ends with the weights of an unbroken one.
"""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cce.errors import BadInput, TrainingFailed
from cce.models.card import Card
from cce.models.plan import planning
from cce.models.progress import Progress
from cce.models.student import FINISHED, stop_engines
from cce.text import write_whole

# A chat that ends with the answer to learn: {"prompt": [{role, content}, ...], "completion": [{role, content}]}.
Example = dict[str, list[dict[str, str]]]


@dataclass(frozen=True)
class Recipe:
    """How a student is trained.

    `base` is `embedded`, or a Hugging Face name or folder. `rank` is that of a LoRA adapter on all linear layers; None
    trains all weights. `batch` examples make a step on each GPU; over `steps` steps the learning rate falls to zero.
    Examples longer than `max_tokens` are left out, and counted on the card. A checkpoint is kept every `save_every`
    steps. `end` is the token that ends an answer, where the base's tokenizer ends with another than its chat template,
    as Qwen's base models do: their students would not stop.
    """

    base: str = "embedded"
    rank: int | None = 8
    learning_rate: float = 1e-3
    steps: int = 80
    batch: int = 4
    max_tokens: int = 1024
    seed: int = 0
    save_every: int = 10
    end: str | None = None

    def __post_init__(self):
        for name in ("learning_rate", "steps", "batch", "max_tokens", "save_every"):
            if getattr(self, name) <= 0:
                raise BadInput(f"training: {name} {getattr(self, name)}: more than 0 is wanted")
        if self.rank is not None and self.rank < 1:
            raise BadInput(f"training: rank {self.rank}: 1 or more, or None to train all weights")


@dataclass
class Training:
    """A training under way, as the progress bar sees it: `loss.csv` has a line a step that is done."""

    folder: Path
    work: range
    doing = "training"

    @property
    def done(self) -> int:
        """Steps taken, those before a resumed checkpoint included."""
        return len(self._losses())

    def bill(self) -> str:
        """The loss of the last step, in words."""
        losses = self._losses()
        return f"loss {losses[-1].split(',')[1]}" if losses else "loading"

    def _losses(self) -> list[str]:
        file = self.folder / "loss.csv"
        return file.read_text().splitlines()[1:] if file.is_file() else []


def train(examples: Sequence[Example], recipe: Recipe, card: Card, folder: Path) -> Path:
    """Train a student below `folder`, from its last checkpoint where it has one; return the student's own folder.

    The student's folder goes by a digest of base, recipe and examples: a finished one is left as it is, and another
    training gets another. It holds what the training was given (examples.jsonl, recipe.json), loss.csv (step, loss),
    the weights, a model card, and for the embedded model and its kind the file that llama.cpp serves. A plan trains
    nothing: its folder has no weights.
    Raises BadInput where there are no examples, TrainingFailed where the training breaks.
    """
    if not examples:
        raise BadInput("training: there are no examples; loosen what is left out, or judge more pairs")
    name = _name(examples, recipe)
    folder = folder / name
    if (folder / FINISHED).is_file():
        return folder
    _prepare(folder, name, examples, recipe, card)
    if planning():
        return _supposed(folder, name, recipe)
    stop_engines()
    command = [*_launcher(), "-m", "cce.models.training", str(folder)]
    with (folder / "training.log").open("w") as log, Progress(Training(folder, range(recipe.steps))) as progress:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT)
        _wait(process, progress)
    if not (folder / FINISHED).is_file():
        raise TrainingFailed(
            f"the training in {folder} broke; its log ends: {(folder / 'training.log').read_text()[-800:]}"
        )
    return folder


def _name(examples: Sequence[Example], recipe: Recipe) -> str:
    told = {key: value for key, value in asdict(recipe).items() if value is not None and key != "save_every"}
    canonical = json.dumps([told, list(examples)], sort_keys=True)
    return f"student-{hashlib.sha256(canonical.encode()).hexdigest()[:12]}"


def _prepare(folder: Path, name: str, examples: Sequence[Example], recipe: Recipe, card: Card) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "examples.jsonl").write_text("".join(json.dumps(example) + "\n" for example in examples))
    (folder / "card.json").write_text(json.dumps(asdict(card)))
    write_whole(folder / "recipe.json", json.dumps({"name": name, **asdict(recipe)}, indent=1))


def _supposed(folder: Path, name: str, recipe: Recipe) -> Path:
    if recipe.base == "embedded":
        # What llama.cpp would serve: this machine answers for it, one request at a time.
        (folder / "adapter.gguf").touch()
    (folder / "loss.csv").write_text("step,loss\n" + "".join(f"{step},0\n" for step in range(1, recipe.steps + 1)))
    (folder / FINISHED).write_text(json.dumps({"name": name}))
    return folder


def _launcher() -> list[str]:
    import torch

    several = torch.cuda.device_count() > 1
    return [sys.executable, *(["-m", "accelerate.commands.launch", "--multi_gpu"] if several else [])]


def _wait(process: subprocess.Popen, progress: Progress) -> None:
    try:
        while process.poll() is None:
            time.sleep(0.5)
            progress.show()
    finally:
        # The pipe first: behind a launcher there are others that end with it.
        process.stdin.close()
        process.kill()
        process.wait()


def _die_with_parent() -> None:
    # A parent that is killed closes this pipe. An orphan would train on beside the run that takes up its checkpoint.
    def wait() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    from cce.models.fitting import fit

    _die_with_parent()
    fit(Path(sys.argv[1]))
