"""Batch files without a provider: a folder takes what is missing, and what came back is read from there.

For machines without a network, `vllm run-batch`, and Ray Data on a cluster. Of each model the folder has one file of
requests, in the form of OpenAI's Batch API, and `asked.jsonl` says what each is for. Any other file there that ends in
.jsonl may hold results.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import httpx2

from cce.errors import BadInput, CallFailed
from cce.models.batch_lines import refusal_of, replies_in
from cce.models.batch_notes import request_of
from cce.models.collector import Collector
from cce.models.endpoint import Endpoint
from cce.models.store import Store, asked_of
from cce.models.wire import Request

ASKED = "asked.jsonl"


class Asked(NamedTuple):
    """A request that a folder holds, of a model as the user calls it, and the store that is to have the answer."""

    model: str
    store: str
    request: Request


class BatchFiles(Collector):
    """A folder in the place of a model's endpoint: a request has its reply there, or is written there and fails."""

    def __init__(self, endpoint: Endpoint, model: str, store: Store, folder: Path):
        super().__init__(endpoint)
        self.model, self.store, self.folder = model, str(store.path or ""), folder
        self.results = results_in(folder)
        self.written = {asked.request.key for asked in asked_in(folder)}

    async def reply(self, request: Request, wire: dict) -> httpx2.Response:
        reply = self.results.get(request.key) or await super().reply(request, wire)
        if reply.is_error:
            raise refusal_of(reply)
        return reply

    async def _send(self, requests: dict[str, Request], lines: dict[str, str]) -> None:
        file = self.folder / f"{re.sub('[^A-Za-z0-9.]+', '-', self.model)}.jsonl"
        # Another notebook may have asked for the same.
        new = [key for key in requests if key not in self.written]
        self.written.update(new)
        self.folder.mkdir(parents=True, exist_ok=True)
        rows = (json.dumps([self.model, self.store, asked_of(requests[key])]) + "\n" for key in new)
        _append(self.folder / ASKED, rows)
        _append(file, (lines[key] for key in new))
        for key in requests:
            self._give(key, CallFailed(f"{self.model}: the answer is asked for in {file}"))


def asked_in(folder: Path) -> list[Asked]:
    """What the folder asks for; nothing where there is none yet. Raises BadInput for a list that is not the kit's."""
    file = folder / ASKED
    try:
        rows = map(json.loads, file.read_text().splitlines()) if file.is_file() else ()
        return [Asked(model, store, request_of(json.loads(asked))) for model, store, asked in rows]
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise BadInput(f"{file}: {problem}; `cce batch write` makes it, and it stays as it is") from None


def results_in(folder: Path) -> dict[str, httpx2.Response]:
    """By the request's key, the replies that have come back to the folder."""
    files = sorted(file for file in folder.glob("*.jsonl") if file.name != ASKED)
    return {key: reply for file in files for key, reply in replies_in(file.read_bytes()).items()}


def _append(file: Path, lines: Iterable[str]) -> None:
    with file.open("a", encoding="utf-8") as out:
        out.writelines(lines)
