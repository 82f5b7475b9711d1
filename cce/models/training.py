"""Training: examples, a recipe and a card become a student, that is a folder of weights.

    train(examples, Recipe(steps=80), Card(...), Path("runs/demo/students/vanilla"))

transformers, peft and trl do the training, in a process of its own (`cce.models.train_worker`), which accelerate
spreads over the machine's GPUs where there are several. It keeps checkpoints: a run that was killed goes on from the
last one, and on a CPU ends with the weights of an unbroken one.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cce.errors import BadInput, TrainingFailed
from cce.models.engines import FINISHED, stop_engines
from cce.models.steps import progress
from cce.options import DEFAULTS, Options
from cce.outputs import write_whole

# A chat that ends with the answer to learn: {"prompt": [{role, content}, ...], "completion": [{role, content}]}.
Example = dict[str, list[dict[str, str]]]


@dataclass(frozen=True)
class Recipe:
    """How a student is trained. Raises BadInput for a number that cannot be.

    `base` is `embedded`, or a Hugging Face name or folder. `rank` is that of a LoRA adapter on all linear layers; None
    trains all weights. Each step takes `batch` examples on each GPU, and the learning rate falls to zero over all
    `steps`. Examples longer than `max_tokens` are left out, and counted on the card. There is a checkpoint every
    `save_every` steps. `end` is the token that ends an answer, where the base's tokenizer ends with another than its
    chat template: without it, students of Qwen's base models would not stop.
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


@dataclass(frozen=True)
class Card:
    """What a model card (data/card.md) says that only the caller of a training knows: a line or two each."""

    title: str
    what: str
    data: str
    licence: str
    not_for: str = (
        "Decisions about people, and any use in which what it writes stands without a second look. It imitates its "
        "examples, errors included, and how well it does on your own tasks is unknown until you have measured it."
    )


def _state(folder: Path) -> tuple[int, str]:
    # The file has one line per step that is done, those before a resumed checkpoint included.
    file = folder / "loss.csv"
    steps = file.read_text().splitlines()[1:] if file.is_file() else []
    return len(steps), f"loss {steps[-1].split(',')[1]}" if steps else "loading"


def train(examples: Sequence[Example], recipe: Recipe, card: Card, folder: Path, options: Options = DEFAULTS) -> Path:
    """Train a student below `folder`, from its last checkpoint where it has one; return the student's own folder.

    The student's folder is named by a digest of base, recipe and examples: a finished student is left as it is, and
    another training gets another folder. It holds what the training was given (examples.jsonl, recipe.json), loss.csv
    (step, loss), the weights, a model card and, for the embedded model and its kind, the file that llama.cpp serves.
    Of the `options` `dry_run` counts, where nothing is trained, and the folder gets no weights; and `batch_files`.
    Raises BadInput where there are no examples, TrainingFailed where the training breaks, or answers are to come first.
    """
    if not examples:
        raise BadInput("training: there are no examples; loosen what is left out, or judge more pairs")
    student = _student_folder(examples, recipe, folder, bool(options.dry_run))
    if not (student / FINISHED).is_file():
        _prepare(student, examples, recipe, card)
        if options.batch_files:
            raise TrainingFailed("a student is trained by `cce run`, once nothing is left to ask before that")
        (_suppose if options.dry_run else _run)(student, recipe)
    return student


def _student_folder(examples: Sequence[Example], recipe: Recipe, folder: Path, dry_run: bool) -> Path:
    told = {key: value for key, value in asdict(recipe).items() if value is not None and key != "save_every"}
    own = folder / _name(told, list(examples))
    # Supposed examples may be alike where real ones differ. A plan is a bound from above: it counts two students then.
    alike = dry_run and any(other != own for other in folder.parent.glob(f"*/{own.name}"))
    return folder / _name(told, list(examples), folder.name) if alike else own


def _name(*content) -> str:
    return f"student-{hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]}"


def _prepare(folder: Path, examples: Sequence[Example], recipe: Recipe, card: Card) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "examples.jsonl").write_text("".join(json.dumps(example) + "\n" for example in examples))
    (folder / "card.json").write_text(json.dumps(asdict(card)))
    write_whole(folder / "recipe.json", json.dumps({"name": folder.name, **asdict(recipe)}, indent=1))


def _suppose(folder: Path, recipe: Recipe) -> None:
    if recipe.base == "embedded":
        # What llama.cpp would serve: this machine answers for it, one request at a time.
        (folder / "adapter.gguf").touch()
    (folder / "loss.csv").write_text("step,loss\n" + "".join(f"{step},0\n" for step in range(1, recipe.steps + 1)))
    (folder / FINISHED).write_text(json.dumps({"name": folder.name}))


def _run(folder: Path, recipe: Recipe) -> None:
    import torch

    stop_engines()
    several = ["-m", "accelerate.commands.launch", "--multi_gpu"] if torch.cuda.device_count() > 1 else []
    command, log = [sys.executable, *several, "-m", "cce.models.train_worker", str(folder)], folder / "training.log"
    # Threads that wait for work with all their might slow whatever else runs: two trainings on two cores fivefold.
    calm = {"OMP_WAIT_POLICY": "passive", **os.environ}
    with log.open("w") as file, progress("training", recipe.steps, lambda: _state(folder)) as show:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT, env=calm)
        try:
            while process.poll() is None:
                time.sleep(0.5)
                show()
        finally:
            # The pipe first: behind a launcher there are others that end with it.
            process.stdin.close()
            process.kill()
            process.wait()
    if not (folder / FINISHED).is_file():
        raise TrainingFailed(f"the training in {folder} broke; its log ends: {log.read_text()[-800:]}")
