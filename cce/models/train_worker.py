"""The training itself, in a process of its own: `python -m cce.models.train_worker FOLDER`, which `train` prepared."""

import json
import os
import sys
import threading
from contextlib import suppress
from functools import partial
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
from cce.models.wire import without_special_tokens
from cce.outputs import write_whole


def fit(folder: Path) -> None:
    """Train what `train` put in the folder, from the last whole checkpoint; leave weights and card, FINISHED last."""
    recipe = json.loads((folder / "recipe.json").read_text())
    # Before the adapter's first weights are drawn.
    transformers.set_seed(recipe["seed"])
    trainer = _trainer(folder, recipe)
    checkpoint = _last_checkpoint(folder, recipe["steps"])
    print("goes on from", checkpoint or "the start", flush=True)
    trainer.train(resume_from_checkpoint=checkpoint)
    if trainer.is_world_process_zero():
        _save(trainer, folder, recipe)
        _write_card(trainer, folder, recipe)
        write_whole(folder / FINISHED, json.dumps({"name": folder.name, "steps": trainer.state.global_step}))


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
    # A CPU without instructions for it takes fifty times as long for half precision as for full.
    bfloat16 = torch.cuda.is_bf16_supported() if gpu else torch.ops.mkldnn._is_mkldnn_bf16_supported()
    # An adapter's base need not be in full precision; weights that are all trained want it, since each moves by little.
    model, tokenizer = load_base(recipe["base"], torch.bfloat16 if rank and bfloat16 else torch.float32)
    lora = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM") if rank else None
    # On a CPU the thin matrices of an adapter are slower in half precision.
    args = _arguments(folder, recipe, bf16=bfloat16 and (gpu or not rank))
    data = _short_enough(folder, tokenizer, recipe["max_tokens"])
    parts = {"processing_class": tokenizer, "peft_config": lora, "callbacks": [LossFile()]}
    return SFTTrainer(model=model, args=args, train_dataset=data, **parts)


def _arguments(folder: Path, recipe: dict, bf16: bool) -> SFTConfig:
    gpu = torch.cuda.is_available()
    steps = {"max_steps": recipe["steps"], "save_steps": recipe["save_every"], "save_total_limit": 2}
    examples = {"per_device_train_batch_size": recipe["batch"], "max_length": recipe["max_tokens"]}
    learning = {"learning_rate": recipe["learning_rate"], "seed": recipe["seed"], "eos_token": recipe["end"]}
    # Memory is what a GPU lacks, and time is what a CPU lacks.
    machine = {"bf16": bf16, "use_cpu": not gpu, "activation_checkpointing": gpu}
    quiet = {"logging_steps": 1, "report_to": "none", "disable_tqdm": True}
    return SFTConfig(output_dir=str(folder / "checkpoints"), **steps, **examples, **learning, **machine, **quiet)


def _short_enough(folder: Path, tokenizer, most: int) -> Dataset:
    # The trainer would cut the end off a longer one, which is the verdict.
    examples = [json.loads(line) for line in (folder / "examples.jsonl").read_text().splitlines()]
    # As in the prompts that the student will get.
    examples = [{part: without_special_tokens(talk) for part, talk in example.items()} for example in examples]
    tokens = partial(tokenizer.apply_chat_template, return_dict=False)
    return Dataset.from_list(examples).filter(lambda each: len(tokens(each["prompt"] + each["completion"])) <= most)


class LossFile(TrainerCallback):
    """Keeps loss.csv: a line for each step, those before a resumed checkpoint included, all written anew each time."""

    def on_log(self, args, state, control, **_) -> None:
        rows = [f"{entry['step']},{entry['loss']}" for entry in state.log_history if "loss" in entry]
        write_whole(Path(args.output_dir).parent / "loss.csv", "\n".join(["step,loss", *rows]) + "\n")


def _last_checkpoint(folder: Path, steps: int) -> str | None:
    # From a checkpoint of the last step the trainer would go one step further.
    # The trainer's state is the last file of a checkpoint: one without it was being written when the process died.
    for checkpoint in sorted(folder.glob("checkpoints/checkpoint-*"), key=lambda path: -int(path.name.split("-")[1])):
        with suppress(OSError, ValueError):
            if json.loads((checkpoint / "trainer_state.json").read_text())["global_step"] < steps:
                return str(checkpoint)
    return None


def _save(trainer: SFTTrainer, folder: Path, recipe: dict) -> None:
    model, tokenizer, rank = trainer.model, trainer.processing_class, recipe["rank"]
    if recipe["base"] == "embedded" and rank:
        model.save_pretrained(folder)
        write_adapter(load_file(folder / "adapter_model.safetensors"), model.config, 2 * rank, folder / "adapter.gguf")
        return
    whole = model.merge_and_unload() if rank else model
    whole.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if convertible(whole.config, tokenizer):
        write_model(whole.state_dict(), whole.config, folder / "model.gguf")


def _write_card(trainer: SFTTrainer, folder: Path, recipe: dict) -> None:
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    used, given = len(trainer.train_dataset), len((folder / "examples.jsonl").read_text().splitlines())
    packages, rank = ("torch", "transformers", "peft", "trl", "accelerate"), recipe["rank"]
    told = json.loads((folder / "card.json").read_text()) | {
        "base": recipe["base"],
        "trained": f"LoRA adapter of rank {rank} on all linear layers" if rank else "all weights",
        "examples": f"{used} examples" + (f", {given - used} more left out as too long" if used < given else ""),
        "loss": f"{losses[0]:.3f} at the first of {len(losses)} steps, {losses[-1]:.3f} at the last",
        "versions": ", ".join(f"{name} {version(name)}" for name in packages),
        "settings": "\n".join(f"| {name} | {value} |" for name, value in recipe.items()),
    }
    form = (Path(__file__).parent / "data" / "card.md").read_text()
    write_whole(folder / "README.md", form.format_map(told))


def _die_with_parent() -> None:
    # A parent that is killed closes this pipe. An orphan would train on beside the run that takes up its checkpoint.
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_die_with_parent, daemon=True).start()
    fit(Path(sys.argv[1]))
