"""The base model of a training, with its tokenizer: from the hub, from a folder, or out of the embedded GGUF file."""

from cce.models.embedded import weights


def load_base(base: str, dtype):
    """The model in the torch `dtype`, and its tokenizer.

    `embedded` is unpacked from the four bits a weight in which it is served; another is a Hugging Face name or folder.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    if base != "embedded":
        return AutoModelForCausalLM.from_pretrained(base, dtype=dtype), AutoTokenizer.from_pretrained(base)
    file = weights()
    place = {"pretrained_model_name_or_path": file.parent, "gguf_file": file.name}
    # Float32 first: only then does unpacking keep every weight.
    packed = {"dtype": "float32", "quantization_config": GgufConfig(dequantize=True)}
    model = AutoModelForCausalLM.from_pretrained(**place, **packed)
    return model.to(dtype), AutoTokenizer.from_pretrained(**place)
