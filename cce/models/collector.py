"""Collectors: what is asked of one model is collected while others wait, and sent off together, not call by call."""

import asyncio
from collections.abc import Callable, Coroutine

import httpx2

from cce.models.batch_lines import line_of, path_of, refusal_of
from cce.models.endpoint import Endpoint
from cce.models.landing import heard
from cce.models.wire import Completion, Request

# When so long nothing more has come, all who could ask are waiting.
QUIET_SECONDS = 5.0
Take = Callable[[Request], Coroutine[None, None, Completion]]


class Collector:
    """Collects requests of one model, and gives each its reply."""

    def __init__(self, endpoint: Endpoint):
        self.endpoint, self.path = endpoint, path_of(endpoint.url)
        self.collected: dict[str, tuple[Request, str]] = {}
        self.replies: dict[str, asyncio.Future[httpx2.Response]] = {}
        self.collecting: asyncio.Task | None = None
        # What earlier processes have asked for, on its way.
        self.taken: dict[str, asyncio.Task[Completion]] = {}

    async def begun(self, take: Take) -> None:
        """Take up what earlier processes have left, each request by `take`, before anything new is asked."""

    async def reply(self, request: Request, wire: dict) -> httpx2.Response:
        """The reply to this request, which is sent as this body. Raises openai.APIStatusError for a refusal or where
        the batch has no answer to it, and CCEError where nothing can be sent.
        """
        if request.key not in self.replies:
            self.replies[request.key] = asyncio.get_running_loop().create_future()
            self._collect(request, line_of(request.key, wire, self.path))
        reply = await self.replies[request.key]
        if reply.is_error:
            raise refusal_of(reply)
        return reply

    async def _send(self, requests: dict[str, Request], lines: dict[str, str]) -> None:
        """Send these off, and give each its reply."""
        raise NotImplementedError

    def _collect(self, request: Request, line: str) -> None:
        self.collected[request.key] = request, line
        self.collecting = self.collecting or heard(self._send_when_quiet())

    async def _send_when_quiet(self) -> None:
        seen = 0
        while seen < len(self.collected):
            seen = len(self.collected)
            await asyncio.sleep(QUIET_SECONDS)
        collected, self.collected, self.collecting = self.collected, {}, None
        await self._send(*({key: one[place] for key, one in collected.items()} for place in (0, 1)))

    def _give(self, key: str, reply: httpx2.Response | Exception) -> None:
        # From here on the same request is a new one.
        waiting = self.replies.pop(key)
        waiting.set_exception(reply) if isinstance(reply, Exception) else waiting.set_result(reply)
