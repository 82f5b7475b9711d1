"""A tiny base model for the tests of training: the embedded model's tokenizer on one small random layer."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp


@cache
def tiny_base() -> str:
    """The folder of the tiny model, made once a test process; a Llama of one layer, 3 million weights."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from cce.models.engines import weights

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(weights().parent, gguf_file=weights().name)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=8192,
        rope_theta=100000.0,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    folder = Path(mkdtemp(prefix="cce-tiny-"))
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
