"""The lines of batch files, in the form of OpenAI's Batch API, which `vllm run-batch` and several providers share.

https://platform.openai.com/docs/guides/batch: a line of the input holds `custom_id`, `method`, `url` and `body`; one of
the output, in whatever order, `custom_id`, and `response` with `status_code` and `body`, or `error`.
"""

import json
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import httpx2
import openai

from cce.models.replies import parsed

# The API's bounds on one batch.
MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000
UNANSWERED = 408


def path_of(url: str) -> str:
    """What the API at this address calls the route of chat completions; Azure's has no version in it."""
    return "/chat/completions" if f"{urlsplit(url).hostname}".endswith(".azure.com") else "/v1/chat/completions"


def line_of(key: str, wire: dict, path: str) -> str:
    """The line that asks for this body, named by the request's key in the store."""
    return json.dumps({"custom_id": key, "method": "POST", "url": path, "body": wire}) + "\n"


def parts(lines: Mapping[str, str], most: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> Iterator[dict]:
    """The lines in order, in as few parts as keep to the bounds; they are ASCII, so that a character is a byte."""
    part, size = {}, 0
    for key, line in lines.items():
        if part and (len(part) == most or size + len(line) > most_bytes):
            yield part
            part, size = {}, 0
        part[key], size = line, size + len(line)
    if part:
        yield part


def replies_in(content: bytes) -> dict[str, httpx2.Response]:
    """By key, the replies that an output holds, as direct calls would have had them."""
    return dict(filter(None, map(_reply_in, content.split(b"\n"))))


def reply_of(status: int, body: object) -> httpx2.Response:
    """A reply with this status and this JSON."""
    asked = httpx2.Request("POST", "http://batch.invalid")
    return httpx2.Response(status, content=json.dumps(body).encode(), request=asked)


def unanswered(why: str) -> httpx2.Response:
    """What stands for a reply that never came, for which nothing was paid: the same call may succeed later."""
    return reply_of(UNANSWERED, {"error": {"message": why}})


def refusal_of(reply: httpx2.Response) -> openai.APIStatusError:
    """What a direct call would have raised for a reply with such a status."""
    body = parsed(reply.content)
    told = body.get("error", body) if isinstance(body, dict) else body
    return openai.APIStatusError(f"Error code: {reply.status_code}", response=reply, body=told)


def _reply_in(line: bytes) -> tuple[str, httpx2.Response] | None:
    try:
        told = parsed(line)
        if not told.keys() & {"response", "error"}:
            return None
        key, response, error = told["custom_id"], told.get("response") or {}, told.get("error")
        status, body = response.get("status_code", UNANSWERED), response.get("body")
        if body is None:
            # vLLM tells what was wrong beside the response, and OpenAI in its body.
            body = error if isinstance(error, dict) and "error" in error else {"error": error or "no answer"}
        return str(key), reply_of(int(status), body)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
