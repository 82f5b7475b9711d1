"""A server that answers every chat completion after a given time, in a process of its own, and costs little itself.

    python -m bench.server 0.2

It prints its base URL; when its input ends it prints what it was asked, and what CPU time that took. The answer is
prose of a rationale's usual length. A digest of the request stands in it, so that answers differ as those of models do,
and decides its verdict, so that every run of one job goes the same way.
"""

import asyncio
import json
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

PROSE = "Assistant A names the cause in its first line, while Assistant B lists three remedies and explains only one. "


@dataclass
class Served:
    """What a server was asked: requests, connections opened, the most requests at once; and its CPU time in seconds."""

    url: str
    requests: int = 0
    connections: int = 0
    most_at_once: int = 0
    cpu_seconds: float = 0.0


@contextmanager
def serving(latency: float) -> Iterator[Served]:
    """A server of its own process that takes `latency` seconds an answer; its counts are there when it has ended."""
    command = [sys.executable, "-m", "bench.server", str(latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        served = Served(process.stdout.readline().strip())
        try:
            yield served
        finally:
            vars(served).update(json.loads(process.communicate()[0]))


class Connection(asyncio.Protocol):
    """One client's connection: HTTP/1.1, kept alive, a length given with every request."""

    latency: float
    served: Served
    at_once = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Count the connection."""
        self.transport, self.buffer = transport, b""
        self.served.connections += 1

    def data_received(self, data: bytes) -> None:
        """Take the whole requests out of what has arrived, and answer each when its time is over."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            whole = end + 4 + length_of(self.buffer[:end])
            if len(self.buffer) < whole:
                return
            body, self.buffer = self.buffer[end + 4 : whole], self.buffer[whole:]
            self._count()
            asyncio.get_running_loop().call_later(self.latency, self._answer, body)

    def _count(self) -> None:
        Connection.at_once += 1
        self.served.requests += 1
        self.served.most_at_once = max(self.served.most_at_once, Connection.at_once)

    def _answer(self, body: bytes) -> None:
        Connection.at_once -= 1
        reply = json.dumps(reply_to(body)).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(reply)}\r\n\r\n"
        self.transport.write(head.encode() + reply)


def length_of(head: bytes) -> int:
    """The number of bytes of the body that the head of a request announces."""
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    return int(fields.get(b"content-length", 0))


def reply_to(body: bytes) -> dict:
    """A chat completion of about a hundred words, with a verdict."""
    digest = zlib.crc32(body)
    text = f"Reading {digest:08x}. {PROSE * 5}\n[[{'AB'[digest % 2]}]]"
    message = {"role": "assistant", "content": text}
    return {
        "id": "bench",
        "object": "chat.completion",
        "created": 0,
        "model": json.loads(body)["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 500, "completion_tokens": 120, "total_tokens": 620},
    }


async def serve(latency: float) -> None:
    """Serve on a free port of the loopback interface until the input ends."""
    Connection.latency, Connection.served = latency, Served("")
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    served, start = Connection.served, time.process_time()
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    print(served.url, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    served.cpu_seconds = time.process_time() - start
    print(json.dumps(asdict(served)), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
