"""A student: the folder that a finished training leaves, and the engine that can serve it.

| the folder holds | engine |
| --- | --- |
| adapter.gguf or model.gguf | llama.cpp, inside this process: student of the embedded model, or of its own kind |
| other weights | vLLM, where it is installed; else `transformers serve`, slower, without log-probabilities |
"""

import atexit
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from cce.errors import BadInput, EndpointFailed
from cce.models.embedded import llama_cpp, weights

# Written last: a folder that has it is a finished training.
FINISHED = "finished.json"
# Loading 8 billion parameters and compiling takes vLLM minutes.
START_SECONDS = 900
STOP_SECONDS = 10


@dataclass(frozen=True)
class Engine:
    """What serves a folder, why this one, and how: `start` takes a port, 0 for a free one, and returns the base URL."""

    name: str
    why: str
    start: Callable[[int], str]


def student_name(folder: Path) -> str:
    """What the store calls the student: a digest of its base, recipe and examples.

    On one machine's CPU these give the same weights again. Trained anew elsewhere, a student may differ a little and
    should get a store of its own.
    Raises BadInput where the folder holds no finished training.
    """
    try:
        return json.loads((folder / FINISHED).read_text())["name"]
    except (OSError, ValueError, KeyError) as problem:
        raise BadInput(f"{folder}: no finished training lies there ({problem}); train it, or name a model") from None


def engine_of(folder: Path) -> Engine:
    """The engine that serves this student, with the reason. Raises BadInput where there is no student."""
    name = student_name(folder)
    if (folder / "adapter.gguf").is_file():
        why = "its base is the embedded model, on whose weights llama.cpp puts the adapter"
        return Engine("llama.cpp", why, lambda port=0: llama_cpp(weights(), folder / "adapter.gguf", port, name))
    if (folder / "model.gguf").is_file():
        why = "it is of the embedded model's kind, so that its weights could be written for llama.cpp"
        return Engine("llama.cpp", why, lambda port=0: llama_cpp(folder / "model.gguf", None, port, name))
    other = "it is not of the embedded model's kind, so that llama.cpp cannot load it"
    if find_spec("vllm"):
        return Engine(
            "vLLM", f"{other}; vLLM is installed", lambda port=0: _served(_vllm(folder, name), folder, name, port)
        )
    why = f"{other}, and vLLM is not installed"
    return Engine("transformers", why, lambda port=0: _served(_transformers(folder, name), folder, name, port))


def _vllm(folder: Path, name: str) -> list[str]:
    # The module, since the command of that name is missing from some builds.
    server = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    return [*server, "--model", ".", "--served-model-name", name]


def _transformers(folder: Path, name: str) -> list[str]:
    # It answers to the path that it was started with, and to no other name.
    alias = folder / name
    alias.unlink(missing_ok=True)
    alias.symlink_to(".")
    return [sys.executable, "-m", "transformers.cli.transformers", "serve", name]


# By student: the process that serves it, and its address.
_running: dict[str, tuple[subprocess.Popen, str]] = {}


def _served(command: list[str], folder: Path, name: str, port: int) -> str:
    process, url = _running.get(name, (None, ""))
    if process and process.poll() is None:
        return url
    # One at a time: an engine takes most of a GPU's memory. Students are asked one after the other.
    stop_engines()
    _running[name] = started(command, folder, port)
    return _running[name][1]


def stop_engines() -> None:
    """Stop what serves students outside this process, which gives a GPU's memory free."""
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
    for left in own:
        with suppress(psutil.NoSuchProcess):
            left.kill()
    process.kill()
    process.wait()


def started(command: list[str], folder: Path, port: int = 0) -> tuple[subprocess.Popen, str]:
    """Start a server's command in a folder, on this loopback port or a free one, until this program ends.

    Returns its process and base URL once it is up. What it prints goes to serving.log in the folder; EndpointFailed
    shows the end of that where it does not start.
    """
    port, log = port or _free_port(), folder / "serving.log"
    place = ["--host", "127.0.0.1", "--port", str(port)]
    with log.open("w") as file:
        process = subprocess.Popen([*command, *place], cwd=folder, stdout=file, stderr=subprocess.STDOUT)
    atexit.register(stop, process)
    _wait(process, f"http://127.0.0.1:{port}/health", log)
    return process, f"http://127.0.0.1:{port}/v1"


def _wait(process: subprocess.Popen, health: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            urlopen(health, timeout=5).close()
            return
        except (URLError, OSError):
            time.sleep(0.5)
    stop(process)
    raise EndpointFailed(f"the engine did not start; it wrote {log}: {log.read_text()[-500:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
