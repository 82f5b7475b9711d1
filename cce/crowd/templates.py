"""Templates of prompts, filled in a sandbox; those of a user's own folder in a process of their own, which has bounds.

Such a folder may come from a stranger. Its templates reach nothing but the texts that they are given and files of their
folder, and what takes more than SECONDS of a core or MEMORY ends with its process, not with the run.
`python -m cce.crowd.templates FOLDER SECONDS` is that process; it takes one line of JSON a prompt and answers with one.
"""

import atexit
import json
import math
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cce.errors import BadInput

FOLDER = Path(__file__).parent / "prompts"
SECONDS, MEMORY = 5, 2**30
# Of a prompt, in characters: no model's context is as long.
LONGEST = 50_000_000


class OwnFiles(FileSystemLoader):
    """Loads files of its folders; what a link there leads to elsewhere is not theirs."""

    def get_source(self, environment: Environment, template: str):
        source, file, fresh = super().get_source(environment, template)
        if not any(Path(file).resolve().is_relative_to(Path(folder).resolve()) for folder in self.searchpath):
            raise TemplateNotFound(template, f"{template} is a link that leads out of the folder")
        return source, file, fresh


def environment(folders: Sequence[Path]) -> Environment:
    """What fills the templates of these folders, of which an earlier one goes first."""
    return ImmutableSandboxedEnvironment(loader=OwnFiles(folders), undefined=StrictUndefined, autoescape=False)


def filled(templates: Environment, name: str, texts: dict) -> str:
    """The template NAME.jinja, filled. Raises BadInput with its file and line where that cannot be done."""
    try:
        return templates.get_template(f"{name}.jinja").render(**texts)
    # Whatever an expression of the user's may raise, such as a division by zero.
    except Exception as error:
        raise BadInput(_told(error)) from None


# One is enough: a run has one folder.
_running: list[subprocess.Popen] = []


class Apart:
    """A process that fills the templates of a user's folder; begun when it is needed, and anew where it was ended."""

    def __init__(self, folder: Path):
        self.folder, self.process, self.lock = folder, None, Lock()

    def filled(self, name: str, texts: dict) -> str:
        """The same as the function of this name. Raises BadInput also for what takes too long or too much memory."""
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                self._begin()
            return self._answer([name, texts])

    def _begin(self) -> None:
        command = [sys.executable, "-m", "cce.crowd.templates", str(self.folder.absolute()), str(SECONDS)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        self.process = subprocess.Popen(command, **pipes)
        for other in _running:
            other.kill()
        _running[:] = [self.process]
        atexit.register(self.process.kill)
        try:
            # Every template is read, so that a broken one is told of before anything is asked.
            self._answer(None)
        except BadInput:
            self.process.kill()
            raise

    def _answer(self, asked: list | None) -> str:
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(asked) + "\n")
            self.process.stdin.flush()
        if not (line := self.process.stdout.readline()):
            self.process.wait()
            raise BadInput(f"it takes more than {SECONDS} seconds or {MEMORY / 2**30:.0f} GB to fill")
        answer = json.loads(line)
        if "problem" in answer:
            raise BadInput(answer["problem"])
        return answer["text"]


def _told(error: Exception) -> str:
    if isinstance(error, TemplateNotFound):
        return str(error.message or error)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".jinja")]
    file, line = (frames[-1].filename, frames[-1].lineno) if frames else ("", None)
    if isinstance(error, TemplateSyntaxError):
        file, line = error.filename or error.name or file, error.lineno
    where = f"{Path(file).name}, line {line}: " if line else ""
    said = getattr(error, "message", None) or str(error) or type(error).__name__
    return where + " ".join(said.split())[:300]


def _answered(templates: Environment, asked: list | None) -> dict[str, str]:
    try:
        if asked is None:
            for name in (file.name for file in sorted(Path(templates.loader.searchpath[0]).glob("*.jinja"))):
                source, path, _ = templates.loader.get_source(templates, name)
                templates.parse(source, name, path)
            return {"text": ""}
        text = filled(templates, *asked)
        return {"text": text} if len(text) <= LONGEST else {"problem": f"it fills to {len(text):,} characters"}
    except BadInput as error:
        return {"problem": str(error)}
    except Exception as error:
        return {"problem": _told(error)}


def _main(folder: str, seconds: str) -> None:
    import resource

    # Of an interrupt the run itself decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(ValueError):  # where less is allowed already
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    templates = environment([Path(folder), FOLDER])
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    for line in sys.stdin:
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + int(seconds), most))
        sys.stdout.write(json.dumps(_answered(templates, json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main(*sys.argv[1:])
