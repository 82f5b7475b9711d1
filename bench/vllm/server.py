"""A vLLM server: the embedded model behind one of our own, and the routes that vLLM has beside /v1."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from cce.models.endpoint import endpoint_of
from cce.models.engines import started, stop

OUT = Path("runs/vllm-check")
NAME = "SmolLM2-135M-Instruct"
# Both cores of two; 4 GiB hold 180,000 tokens of this model, so that a run's prompts stay in the cache.
CPU = {"VLLM_CPU_OMP_THREADS_BIND": f"0-{os.cpu_count() - 1}", "VLLM_CPU_KVCACHE_SPACE": "4"}
# The module, since the command of that name is missing from the build for CPUs. Prompts are read whole: on a CPU, vLLM
# 0.32.0 dies of a prompt read in parts where the request has a seed ("CPU Generator does not use offset").
ENGINE = ["--model", ".", "--served-model-name", NAME, "--enforce-eager"]
ENGINE += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", "8192"]
SERVE = ["-m", "vllm.entrypoints.openai.api_server", *ENGINE]
RUN_BATCH = ["-m", "vllm.entrypoints.launchers.run_batch", *ENGINE]
# The same with vLLM's parser of thinking, and a template that begins each answer inside it. What so small a model is to
# write can be given then also for its thinking.
THINKING = ["--reasoning-parser", "olmo3", "--chat-template", str(Path(__file__).with_name("thinking.jinja"))]
THINKING += ["--structured-outputs-config", '{"enable_in_reasoning": true}']
COUNTERS = ("request_success", "prompt_tokens", "prefix_cache_hits", "generation_tokens")


@contextmanager
def own_server(*more: str) -> Iterator[str]:
    """The embedded model behind vLLM, given these options more, on a free port of loopback, as NAME@URL; stopped
    whatever happens.
    """
    process, url = started([python(), *SERVE, *more], model_folder())
    try:
        yield f"{NAME}@{url}"
    finally:
        stop(process)


def python() -> str:
    """The Python of vLLM's own environment, whose processes get both cores."""
    os.environ.update(CPU)
    return str((OUT / "env/bin/python").absolute())


def model_folder() -> Path:
    """The embedded model as a Hugging Face folder, in bfloat16, made if missing."""
    folder = OUT / NAME
    if (folder / "model.safetensors").is_file():
        return folder
    import torch

    from cce.models.train_worker import load_base

    model, tokenizer = load_base("embedded", torch.bfloat16)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def ask(server: str, path: str, body: dict | None = None) -> dict:
    """The JSON answer of one of vLLM's own routes, which lie beside /v1."""
    data = json.dumps(body).encode() if body else None
    with urlopen(Request(address(server) + path, data, {"Content-Type": "application/json"})) as answer:
        return json.load(answer)


def address(server: str) -> str:
    """The server's address, without /v1."""
    return endpoint_of(server).address().removesuffix("/v1")


def counters(server: str) -> list[int]:
    """The server's counters so far, over all its engines and reasons to stop."""
    with urlopen(address(server) + "/metrics") as answer:
        text = answer.read().decode()
    return [int(sum(map(float, re.findall(rf"^vllm:{name}_total{{.*}} (\S+)$", text, re.M)))) for name in COUNTERS]
