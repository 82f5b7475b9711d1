"""What goes wrong between a client and an endpoint, each as a reply that the fake server can be told to give."""

import asyncio
import json

from aiohttp import web


async def silent(request: web.Request, reply: dict) -> web.Response:
    """No reply, for longer than any test lasts."""
    await asyncio.sleep(3600)


async def trickling(request: web.Request, reply: dict) -> web.StreamResponse:
    """A reply that comes in spoonfuls and never ends, so that no pause in it is a long one."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.02)


async def reset(request: web.Request, reply: dict) -> web.StreamResponse:
    """A connection that breaks in the middle of the reply."""
    body = json.dumps(reply).encode()
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    request.transport.abort()
    return response


async def cut_json(request: web.Request, reply: dict) -> web.Response:
    """A whole reply that is half a JSON object."""
    return web.Response(text=json.dumps(reply)[:-20], content_type="application/json")


async def page(request: web.Request, reply: dict) -> web.Response:
    """A gateway's page in place of the reply."""
    return web.Response(text="<html>please wait</html>", content_type="text/html")


async def choiceless(request: web.Request, reply: dict) -> web.Response:
    """A reply without a choice."""
    return web.json_response(reply | {"choices": []})


async def wordless(request: web.Request, reply: dict) -> web.Response:
    """A choice without a message."""
    return web.json_response(reply | {"choices": [{"index": 0}]})


async def empty(request: web.Request, reply: dict) -> web.Response:
    """An answer without a word."""
    return web.json_response(_saying(reply, {"content": ""}))


async def refusing(request: web.Request, reply: dict) -> web.Response:
    """A model that says in the field made for it that it will not answer."""
    return web.json_response(_saying(reply, {"content": None, "refusal": "I can't help with that."}))


async def cut_off(request: web.Request, reply: dict) -> web.Response:
    """An answer that was cut off at its longest."""
    return web.json_response(_saying(reply, {"content": "Assistant A is"}, "length"))


def _saying(reply: dict, message: dict, finish: str = "stop") -> dict:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant"} | message}
    return reply | {"choices": [choice]}


def status(code: int, message: str = "try later", **headers: str) -> dict:
    """A refusal with this status."""
    return {"status": code, "body": {"error": {"message": message}}, "headers": headers}


QUOTA = {"status": 429, "body": {"error": {"message": "no money left", "code": "insufficient_quota"}}}
# Each of these may pass; of `silent` and `trickling` no test should meet many, since they last until the time is up.
PASSING = {
    "429": status(429),
    "429 with Retry-After": status(429, **{"Retry-After": "0.1"}),
    "500": status(500),
    "502": status(502),
    "reset": reset,
    "cut JSON": cut_json,
    "a page": page,
    "no choice": choiceless,
    "no message": wordless,
    "silent": silent,
    "trickling": trickling,
}
HOPELESS = {
    "key refused": status(401, "bad key secret-key"),
    "forbidden": status(403, "not yours"),
    "unknown model": status(404, "no such model"),
    "quota": QUOTA,
}
