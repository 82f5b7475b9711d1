"""The gate of `cce serve`: what other programs may ask of a student's engine, and nothing else that engines offer.

It takes POST /v1/chat/completions and GET /v1/models from whoever has its key, and nothing from a page of another
origin. The routes by which an engine's adapters, slots or models are changed lie behind it, as does a request's `lora`.
"""

import asyncio
import hmac
import json
from collections.abc import Callable
from secrets import token_urlsafe

import aiohttp
from aiohttp import web

from cce.errors import BadInput
from cce.models.engines import KEY
from cce.models.keys import own_name
from cce.text import tell

LARGEST_REQUEST = 64 * 2**20
# Of an engine's reply, these are passed on.
HEADERS = ("Content-Type", "Cache-Control", "Retry-After")


def serve(name: str, engine: str, port: int) -> None:
    """Pass requests for the student of this name on to its engine's base URL, from a loopback port, 0 for a free one.

    Prints the model as the kit takes it, and its new key, once. Goes on until it is interrupted. Raises BadInput where
    the port is taken.
    """
    asyncio.run(_serve(name, engine, port))


async def _serve(name: str, engine: str, port: int) -> None:
    key = token_urlsafe(32)
    # An answer may take as long as it takes; engines wait in their own line.
    unhurried = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=unhurried, headers={"Authorization": f"Bearer {KEY}"}) as client:
        app = web.Application(client_max_size=LARGEST_REQUEST, middlewares=[_guarded(key)])
        app.router.add_get("/v1/models", lambda _: web.json_response(_models(name)))
        app.router.add_post("/v1/chat/completions", lambda asked: _passed_on(asked, client, engine, name))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            address = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
            tell(f"{name}@{address}\nexport {own_name('127.0.0.1')}={key}", flush=True)
            await asyncio.Event().wait()
        except OSError as problem:
            raise BadInput(f"--port {port}: {problem.strerror}; name another, or 0 for a free one") from None
        finally:
            await runner.cleanup()


def _guarded(key: str) -> Callable:
    @web.middleware
    async def guarded(asked: web.Request, handler: Callable) -> web.StreamResponse:
        # Only a browser says where a request comes from.
        if "Origin" in asked.headers:
            return _refused(403, "no page of another origin is answered")
        given = asked.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {key}".encode()):
            return _refused(401, "the key that cce serve printed is missing")
        try:
            return await handler(asked)
        except web.HTTPException as problem:
            return _refused(problem.status, problem.reason)

    return guarded


async def _passed_on(asked: web.Request, client: aiohttp.ClientSession, engine: str, name: str) -> web.StreamResponse:
    try:
        body = dict(await asked.json())
    except (TypeError, ValueError, RecursionError):
        return _refused(400, "the body is no JSON object")
    body.pop("lora", None)
    try:
        async with client.post(f"{engine}/chat/completions", json=body | {"model": name}) as reply:
            kept = {header: reply.headers[header] for header in HEADERS if header in reply.headers}
            answer = web.StreamResponse(status=reply.status, headers=kept)
            await answer.prepare(asked)
            async for part in reply.content.iter_any():
                await answer.write(part)
            return answer
    except aiohttp.ClientConnectionError as problem:
        return _refused(502, f"the engine does not answer: {problem}")


def _models(name: str) -> dict:
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": "cce"}]}


def _refused(status: int, why: str) -> web.Response:
    return web.json_response({"error": {"message": why, "code": status}}, status=status, dumps=json.dumps)
