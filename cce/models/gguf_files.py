"""Weights as llama.cpp loads them: a whole model of the Llama architecture, or a LoRA adapter, as one GGUF file.

The tokenizer and the chat template are those of the embedded model: only its own offspring can be written.
"""

from functools import cache
from pathlib import Path

import gguf
import numpy as np
from transformers.integrations.ggml import GGUF_CONFIG_MAPPING

from cce.models.engines import weights


@cache
def _embedded() -> dict:
    """The fields of the embedded model's file; its 49,152 tokens take two seconds to read."""
    return gguf.GGUFReader(weights()).fields


def convertible(config, tokenizer) -> bool:
    """Whether llama.cpp can be given this model: the Llama architecture with the embedded model's own tokenizer."""
    if config.model_type != "llama":
        return False
    tokens = _embedded()["tokenizer.ggml.tokens"].contents()
    return tokenizer.convert_ids_to_tokens(range(len(tokenizer))) == tokens


def write_adapter(tensors: dict, config, alpha: float, file: Path) -> None:
    """Write a LoRA adapter, in half precision: one of rank 8 for the embedded model takes 5 MB.

    `tensors` are torch's, by peft's names, as in its adapter_model.safetensors; `config` is the transformers
    configuration of the base model, and `alpha` the adapter's scale, as in peft.
    """
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    _write(writer, dict(sorted(tensors.items())), config)


def write_model(tensors: dict, config, file: Path) -> None:
    """Write a whole model, in half precision, with the tokenizer of the embedded model's file.

    `tensors` are torch's, by transformers' names, as in a model's state_dict(); `config` is its configuration.
    """
    writer = gguf.GGUFWriter(file, "llama")
    _copy_metadata(writer, config)
    tied = {"lm_head.weight"} if config.tie_word_embeddings else set()
    _write(writer, {name: tensor for name, tensor in tensors.items() if name not in tied}, config)


def _write(writer: gguf.GGUFWriter, tensors: dict, config) -> None:
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, tensor in tensors.items():
        module, lora, part = name.removeprefix("base_model.model.").removesuffix(".weight").partition(".lora_")
        rows = tensor.float().cpu().numpy()
        rows = rows if part == "A" else _reordered(module, rows, config)
        # llama.cpp wants the vectors of its norms in full precision.
        kept = rows.astype(np.float16 if rows.ndim > 1 else np.float32)
        writer.add_tensor(f"{names.get_name(module)}.weight{lora}{part.lower()}", kept)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _copy_metadata(writer: gguf.GGUFWriter, config) -> None:
    sizes = config.to_dict() | config.rope_parameters
    changed = {f"llama.{field}": sizes[name] for field, name in GGUF_CONFIG_MAPPING["llama"].items()}
    for field in _embedded().values():
        if not field.name.startswith("GGUF.") and field.name not in ("general.architecture", "general.file_type"):
            kinds = [*field.types, None][:2]
            writer.add_key_value(field.name, changed.get(field.name, field.contents()), *kinds)


def _reordered(module: str, rows: np.ndarray, config) -> np.ndarray:
    # transformers keeps the two halves of each attention head in another order than llama.cpp.
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    if not (count := heads.get(module.rsplit(".", 1)[-1])):
        return rows
    return rows.reshape(count, 2, -1, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)
