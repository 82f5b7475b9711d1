"""The training itself, in a process of its own: `python -m cce.models.train_worker FOLDER`, which `train` prepared."""

import json
import os
import sys
import threading
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import torch
import transformers
from datasets import Dataset
from peft import LoraConfig
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, TrainerCallback
from trl import SFTConfig, SFTTrainer

from cce.models.engines import FINISHED, weights
from cce.models.gguf_files import convertible, write_adapter, write_model
from cce.models.training import Card, card_text
from cce.text import write_whole

PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate")


def fit(folder: Path) -> None:
    """Train what the folder holds (recipe.json, examples.jsonl, card.json), from its last whole checkpoint.

    Leaves the weights and the card there; FINISHED is written last.
    """
    recipe = json.loads((folder / "recipe.json").read_text())
    # Before the adapter's first weights are drawn.
    transformers.set_seed(recipe["seed"])
    trainer = _trainer(folder, recipe)
    checkpoint = _last_checkpoint(folder)
    print("goes on from", checkpoint or "the start", flush=True)
    trainer.train(resume_from_checkpoint=checkpoint)
    if trainer.is_world_process_zero():
        _save(trainer, folder, recipe)


def load_base(base: str, dtype: torch.dtype) -> tuple:
    """The base model in this `dtype`, and its tokenizer.

    `embedded` is unpacked from the four bits a weight in which it is served; another is a Hugging Face name or folder.
    """
    if base != "embedded":
        return AutoModelForCausalLM.from_pretrained(base, dtype=dtype), AutoTokenizer.from_pretrained(base)
    file = {"pretrained_model_name_or_path": weights().parent, "gguf_file": weights().name}
    unpacked = GgufConfig(dequantize=True)
    # Float32 first: only then does unpacking keep every weight.
    model = AutoModelForCausalLM.from_pretrained(**file, dtype="float32", quantization_config=unpacked)
    return model.to(dtype), AutoTokenizer.from_pretrained(**file)


def _trainer(folder: Path, recipe: dict) -> SFTTrainer:
    rank, gpu = recipe["rank"], torch.cuda.is_available()
    bfloat16 = torch.cuda.is_bf16_supported() if gpu else True
    # An adapter is in full precision itself, and its base need not be. Where all weights are trained they want it,
    # since each moves by little.
    model, tokenizer = load_base(recipe["base"], torch.bfloat16 if rank and bfloat16 else torch.float32)
    examples = Dataset.from_list([json.loads(line) for line in (folder / "examples.jsonl").read_text().splitlines()])
    adapter = {"target_modules": "all-linear", "task_type": "CAUSAL_LM"}
    # On a CPU the thin matrices of an adapter are slower in half precision.
    autocast = bfloat16 and (gpu or not rank)
    return SFTTrainer(
        model=model,
        args=_arguments(folder, recipe, autocast),
        train_dataset=_short_enough(examples, tokenizer, recipe["max_tokens"]),
        processing_class=tokenizer,
        peft_config=LoraConfig(r=rank, lora_alpha=2 * rank, **adapter) if rank else None,
        callbacks=[LossFile()],
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


def _short_enough(examples: Dataset, tokenizer, most: int) -> Dataset:
    # The trainer would cut the end off a longer one, which is the verdict.
    def fits(example: dict) -> bool:
        chat = example["prompt"] + example["completion"]
        return len(tokenizer.apply_chat_template(chat, return_dict=False)) <= most

    return examples.filter(fits)


class LossFile(TrainerCallback):
    """Keeps loss.csv: a line for each step of the training, those before a resumed checkpoint included."""

    def on_log(self, args, state, control, **_) -> None:
        """Write all losses so far; they are few enough to do so at every step."""
        rows = [f"{entry['step']},{entry['loss']}" for entry in state.log_history if "loss" in entry]
        write_whole(Path(args.output_dir).parent / "loss.csv", "\n".join(["step,loss", *rows]) + "\n")


def _last_checkpoint(folder: Path) -> str | None:
    # The trainer's state is the last file of a checkpoint: one without it was being written when the process died.
    for checkpoint in sorted(folder.glob("checkpoints/checkpoint-*"), key=lambda path: -int(path.name.split("-")[1])):
        with suppress(OSError, ValueError):
            json.loads((checkpoint / "trainer_state.json").read_text())
            return str(checkpoint)
    return None


def _save(trainer: SFTTrainer, folder: Path, recipe: dict) -> None:
    model, tokenizer = trainer.model, trainer.processing_class
    if recipe["base"] == "embedded" and recipe["rank"]:
        model.save_pretrained(folder)
        tensors = load_file(folder / "adapter_model.safetensors")
        write_adapter(tensors, model.config, 2 * recipe["rank"], folder / "adapter.gguf")
    else:
        whole = model.merge_and_unload() if recipe["rank"] else model
        whole.to(torch.bfloat16).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        if convertible(whole.config, tokenizer):
            write_model(whole.state_dict(), whole.config, folder / "model.gguf")
    _write_card(trainer, folder, recipe)
    write_whole(folder / FINISHED, json.dumps({"name": recipe["name"], "steps": trainer.state.global_step}))


def _write_card(trainer: SFTTrainer, folder: Path, recipe: dict) -> None:
    card = Card(**json.loads((folder / "card.json").read_text()))
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    used, given = len(trainer.train_dataset), len((folder / "examples.jsonl").read_text().splitlines())
    counts = f"{used} examples" + (f", {given - used} more left out as too long" if used < given else "")
    write_whole(folder / "README.md", card_text(card, recipe, counts, losses, versions))


def _die_with_parent() -> None:
    # A parent that is killed closes this pipe. An orphan would train on beside the run that takes up its checkpoint.
    def wait() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    _die_with_parent()
    fit(Path(sys.argv[1]))
