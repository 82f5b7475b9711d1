"""Weights as llama.cpp loads them: a whole model of the Llama architecture, or a LoRA adapter, as one GGUF file.

The tokenizer and the chat template are those of the embedded model: only its own offspring can be written.
"""

from pathlib import Path

import gguf
import numpy as np

from cce.models.engines import weights

# transformers keeps the two halves of each attention head in another order than llama.cpp.
HEADS = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}


def convertible(config, tokenizer) -> bool:
    """Whether llama.cpp can be given this model: the Llama architecture with the embedded model's own tokenizer."""
    if config.model_type != "llama":
        return False
    tokens = gguf.GGUFReader(weights()).fields["tokenizer.ggml.tokens"].contents()
    return tokenizer.convert_ids_to_tokens(range(len(tokenizer))) == tokens


def write_adapter(tensors: dict, config, alpha: float, file: Path) -> None:
    """Write a LoRA adapter, in half precision: one of rank 8 for the embedded model takes 5 MB.

    `tensors` are torch's, by peft's names, as in its adapter_model.safetensors; `config` is the transformers
    configuration of the base model, and `alpha` the adapter's scale, as in peft.
    """
    writer = gguf.GGUFWriter(file, "llama")
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for name, tensor in sorted(tensors.items()):
        module, _, part = name.removeprefix("base_model.model.").removesuffix(".weight").rpartition(".lora_")
        rows = _reordered(module, tensor.float().numpy(), config) if part == "B" else tensor.float().numpy()
        writer.add_tensor(f"{names.get_name(module)}.weight.lora_{part.lower()}", rows.astype(np.float16))
    _close(writer)


def write_model(tensors: dict, config, file: Path) -> None:
    """Write a whole model, in half precision, with the tokenizer of the embedded model's file.

    `tensors` are torch's, by transformers' names, as in a model's state_dict(); `config` is its configuration.
    """
    writer = gguf.GGUFWriter(file, "llama")
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    _copy_metadata(writer, _sizes(config))
    for name, tensor in tensors.items():
        module = name.removesuffix(".weight")
        if module == "lm_head" and config.tie_word_embeddings:
            continue
        rows = _reordered(module, tensor.float().numpy(), config)
        # llama.cpp wants the vectors of its norms in full precision.
        kept = rows.astype(np.float16 if rows.ndim > 1 else np.float32)
        writer.add_tensor(f"{names.get_name(module)}.weight", kept)
    _close(writer)


def _sizes(config) -> dict:
    return {
        "llama.block_count": config.num_hidden_layers,
        "llama.context_length": config.max_position_embeddings,
        "llama.embedding_length": config.hidden_size,
        "llama.feed_forward_length": config.intermediate_size,
        "llama.attention.head_count": config.num_attention_heads,
        "llama.attention.head_count_kv": config.num_key_value_heads,
        "llama.attention.layer_norm_rms_epsilon": config.rms_norm_eps,
        "llama.rope.dimension_count": config.head_dim,
        "llama.rope.freq_base": config.rope_parameters["rope_theta"],
    }


def _copy_metadata(writer: gguf.GGUFWriter, changed: dict) -> None:
    for field in gguf.GGUFReader(weights()).fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        kinds = [*field.types, None][:2]
        writer.add_key_value(field.name, changed.get(field.name, field.contents()), *kinds)


def _reordered(module: str, rows: np.ndarray, config) -> np.ndarray:
    heads = HEADS.get(module.rsplit(".", 1)[-1])
    if heads is None:
        return rows
    halves = rows.reshape(getattr(config, heads), 2, -1, rows.shape[1])
    return halves.swapaxes(1, 2).reshape(rows.shape)


def _close(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
