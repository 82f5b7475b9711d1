"""A provider's Batch API with planted behaviour, in front of the models of the fake server."""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.fake_server import FakeServer, kind_of, reply_to

LIMIT = "Enqueued token limit reached. Please try again once some in_progress batches have been completed."


@dataclass
class FakeBatches(FakeServer):
    """The same models, asked by `/v1/files` and `/v1/batches`.

    `paid` counts how often each request was answered, whoever fetched the answer: that is what costs money. What
    becomes of the batches in order is in `fates`: completed, or, each with half of the answers, expired and cancelled;
    failed, with none; silent: completed, but the reply to its creation never comes; lost: completed, but that
    connection breaks. Requests to the Batch API get the `refusals` first, of which
    None lets one pass. A batch of more than `limit` requests is
    beyond what may wait, and every line of which `broken` says so by its number among all is a server's error.
    """

    seconds: float = 0.0
    fates: list[str] = field(default_factory=list)
    refusals: list[dict | None] = field(default_factory=list)
    limit: int | None = None
    broken: Callable[[int], bool] = lambda number: False
    jitter: float = 0.0
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict] = field(default_factory=dict)
    paid: Counter = field(default_factory=Counter)
    calls: int = 0  # of the Batch API
    lines: int = 0

    def _route(self, router: web.UrlDispatcher) -> None:
        super()._route(router)
        for method, path, handler in (
            ("POST", "/v1/files", self._upload),
            ("GET", "/v1/files/{id}/content", self._content),
            ("POST", "/v1/batches", self._create),
            ("GET", "/v1/batches", self._list),
            ("GET", "/v1/batches/{id}", self._retrieve),
        ):
            router.add_route(method, path, self._limited(handler))

    def _limited(self, handler: Callable) -> Callable:
        async def limited(request: web.Request) -> web.StreamResponse:
            self.calls += 1
            await asyncio.sleep(random.uniform(0, self.jitter))
            if self.refusals and (refusal := self.refusals.pop(0)):
                return web.json_response(refusal["body"], status=refusal["status"], headers=refusal["headers"])
            return await handler(request)

        return limited

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["purpose"] == "batch"
        return web.json_response(self._file(form["file"].file.read(), form["file"].filename))

    def _file(self, content: bytes, name: str) -> dict:
        place = f"file-{len(self.files)}"
        self.files[place] = content
        return {"id": place, "object": "file", "bytes": len(content), "filename": name} | {"created_at": 0}

    async def _content(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["id"]])

    async def _create(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        assert (asked["endpoint"], asked["completion_window"]) == ("/v1/chat/completions", "24h")
        fate = self.fates.pop(0) if self.fates else "completed"
        batch = self._made(asked, "completed" if fate in ("silent", "lost") else fate)
        if fate == "silent":
            await asyncio.sleep(3600)
        if fate == "lost":
            request.transport.abort()
        # Here a client may die that has not heard of its batch.
        await asyncio.sleep(random.uniform(0, self.jitter))
        return web.json_response(self._shown(batch))

    def _made(self, asked: dict, fate: str) -> dict:
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        batch = {"id": f"batch-{len(self.batches)}", "object": "batch", "created_at": int(time.time())} | asked
        self.batches[batch["id"]] = batch | {"end": fate, "lines": lines, "due": time.monotonic() + self.seconds}
        batch = self.batches[batch["id"]]
        if self.limit and len(lines) > self.limit:
            errors = {"data": [{"code": "token_limit_exceeded", "message": LIMIT}]}
            batch.update(end="failed", errors=errors)
        answered = {"completed": len(lines), "failed": 0}.get(batch["end"], len(lines) // 2)
        told = [self._line(line, place < answered) for place, line in enumerate(lines)]
        # Outputs come in any order.
        random.shuffle(told)
        for name, failed in (("output_file_id", False), ("error_file_id", True)):
            content = "\n".join(json.dumps(line) for line in told if bool(line["error"]) == failed)
            batch[name] = self._file(content.encode(), name)["id"] if content and batch["end"] != "failed" else None
        return batch

    def _line(self, line: dict, answered: bool) -> dict:
        self.lines += 1
        told = {"id": f"line-{self.lines}", "custom_id": line["custom_id"], "response": None, "error": None}
        if not answered:
            return told | {"error": {"code": "batch_expired", "message": "This request could not be executed."}}
        if self.broken(self.lines):
            error = {"error": {"message": "try later"}}
            return told | {"response": {"status_code": 500, "body": error}, "error": {"message": "try later"}}
        self.paid[line["custom_id"]] += 1
        asked = line["body"] | {"kind": kind_of(line["body"]), "key": ""}
        self.requests.append(asked)
        return told | {"response": {"status_code": 200, "request_id": "", "body": reply_to(asked)}}

    async def _list(self, request: web.Request) -> web.Response:
        # Newest first, two at a time.
        known = [self._shown(batch) for batch in reversed(self.batches.values())]
        ids = [batch["id"] for batch in known]
        start = ids.index(request.query["after"]) + 1 if "after" in request.query else 0
        page = known[start : start + 2]
        return web.json_response({"object": "list", "data": page, "has_more": start + 2 < len(known)})

    async def _retrieve(self, request: web.Request) -> web.Response:
        return web.json_response(self._shown(self.batches[request.match_info["id"]]))

    def _shown(self, batch: dict) -> dict:
        done = time.monotonic() >= batch["due"]
        counts = {"total": len(batch["lines"]), "completed": len(batch["lines"]) if done else 0, "failed": 0}
        shown = {name: value for name, value in batch.items() if name not in ("lines", "due", "end")}
        shown |= {"status": batch["end"] if done else "in_progress", "request_counts": counts}
        return shown if done else shown | {"output_file_id": None, "error_file_id": None}


def hurry(patch: Callable[[str, float], None]) -> None:
    """Make the waits of batches short enough for a test, by what sets a constant of the name to a number."""
    patch("cce.models.collector.QUIET_SECONDS", 0.1)
    patch("cce.models.batches.POLL_SECONDS", 0.02)
    patch("cce.models.batches.LISTED_SECONDS", 0.4)


def main() -> None:
    """The command `cce` in a hurry: `python -m tests.fake_batches judge ...`."""
    from importlib import import_module

    from cce import cli

    def patch(name: str, value: float) -> None:
        module, _, constant = name.rpartition(".")
        setattr(import_module(module), constant, value)

    hurry(patch)
    sys.argv[0] = "cce"
    cli.main()


if __name__ == "__main__":
    main()
