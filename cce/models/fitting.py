"""The training itself, in a process of its own: trl's trainer over a prepared folder, and what it leaves there."""

import json
from importlib.metadata import version
from pathlib import Path

import torch
import transformers
from datasets import Dataset
from peft import LoraConfig
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from cce.models.base import load_base
from cce.models.card import Card, card_text
from cce.models.gguf_files import convertible, write_adapter, write_model
from cce.models.student import FINISHED
from cce.text import write_whole

PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate")


def fit(folder: Path) -> None:
    """Train what `prepare` laid into the folder, from its last whole checkpoint; FINISHED is written last."""
    recipe = json.loads((folder / "recipe.json").read_text())
    # Before the adapter's first weights are drawn.
    transformers.set_seed(recipe["seed"])
    trainer = _trainer(folder, recipe)
    checkpoint = _last_checkpoint(folder)
    print("goes on from", checkpoint or "the start", flush=True)
    trainer.train(resume_from_checkpoint=checkpoint)
    if trainer.is_world_process_zero():
        _save(trainer, folder, recipe)


def _trainer(folder: Path, recipe: dict) -> SFTTrainer:
    # An adapter is in full precision itself, on a base that need not be; all weights want it, to move by little.
    lora = recipe["rank"] is not None
    model, tokenizer = load_base(recipe["base"], torch.bfloat16 if lora and _bfloat16() else torch.float32)
    examples = Dataset.from_list([json.loads(line) for line in (folder / "examples.jsonl").read_text().splitlines()])
    adapter = (
        LoraConfig(r=recipe["rank"], lora_alpha=2 * recipe["rank"], target_modules="all-linear", task_type="CAUSAL_LM")
        if lora
        else None
    )
    # On a CPU the thin matrices of an adapter are slower in half precision.
    autocast = _bfloat16() and (torch.cuda.is_available() or not lora)
    return SFTTrainer(
        model=model,
        args=_arguments(folder, recipe, autocast),
        train_dataset=_short_enough(examples, tokenizer, recipe["max_tokens"]),
        processing_class=tokenizer,
        peft_config=adapter,
        callbacks=[LossFile(folder / "loss.csv")],
    )


def _arguments(folder: Path, recipe: dict, autocast: bool) -> SFTConfig:
    return SFTConfig(
        output_dir=str(folder / "checkpoints"),
        max_steps=recipe["steps"],
        per_device_train_batch_size=recipe["batch"],
        learning_rate=recipe["learning_rate"],
        max_length=recipe["max_tokens"],
        eos_token=recipe["end"],
        seed=recipe["seed"],
        save_steps=recipe["save_every"],
        save_total_limit=2,
        logging_steps=1,
        bf16=autocast,
        use_cpu=not torch.cuda.is_available(),
        # Memory is what a GPU lacks, and time is what a CPU lacks.
        activation_checkpointing=torch.cuda.is_available(),
        report_to="none",
        disable_tqdm=True,
    )


def _bfloat16() -> bool:
    return not torch.cuda.is_available() or torch.cuda.is_bf16_supported()


def _short_enough(examples: Dataset, tokenizer, most: int) -> Dataset:
    # The trainer would cut the end off a longer one, which is the verdict.
    def fits(example: dict) -> bool:
        chat = example["prompt"] + example["completion"]
        return len(tokenizer.apply_chat_template(chat, return_dict=False)) <= most

    return examples.filter(fits)


class LossFile(TrainerCallback):
    """Keeps loss.csv as long as the training is old: a line a step, from a resumed checkpoint's history on."""

    def __init__(self, file: Path):
        self.file = file

    def on_log(self, args, state, control, **_) -> None:
        """Write all losses so far; few enough to do so at every step."""
        rows = [f"{entry['step']},{entry['loss']}" for entry in state.log_history if "loss" in entry]
        write_whole(self.file, "\n".join(["step,loss", *rows]) + "\n")


def _last_checkpoint(folder: Path) -> str | None:
    # The trainer's state is the last file of a checkpoint: one without it was being written when the process died.
    whole = [file.parent for file in folder.glob("checkpoints/checkpoint-*/trainer_state.json") if _is_json(file)]
    return str(max(whole, key=lambda path: int(path.name.split("-")[1]))) if whole else None


def _is_json(file: Path) -> bool:
    try:
        return bool(json.loads(file.read_text()))
    except ValueError:
        return False


def _save(trainer: SFTTrainer, folder: Path, recipe: dict) -> None:
    model, tokenizer = trainer.model, trainer.processing_class
    if recipe["base"] == "embedded" and recipe["rank"]:
        model.save_pretrained(folder)
        write_adapter(_adapter_tensors(folder), model.config, 2 * recipe["rank"], folder / "adapter.gguf")
    else:
        whole = model.merge_and_unload() if recipe["rank"] else model
        whole.to(torch.bfloat16).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        if convertible(whole.config, tokenizer):
            write_model(whole.state_dict(), whole.config, folder / "model.gguf")
    _write_card(trainer, folder, recipe)
    write_whole(folder / FINISHED, json.dumps({"name": recipe["name"], "steps": trainer.state.global_step}))


def _adapter_tensors(folder: Path) -> dict:
    from safetensors.torch import load_file

    return load_file(folder / "adapter_model.safetensors")


def _write_card(trainer: SFTTrainer, folder: Path, recipe: dict) -> None:
    card = Card(**json.loads((folder / "card.json").read_text()))
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    used, given = len(trainer.train_dataset), len((folder / "examples.jsonl").read_text().splitlines())
    counts = f"{used} examples" + (f", {given - used} more left out as too long" if used < given else "")
    write_whole(folder / "README.md", card_text(card, recipe, counts, losses, versions))
