"""Replies as no server should send them: none ends a run, and nothing that the next run cannot read is kept."""

import json

import pytest
from aiohttp import web

from cce import evaluate
from cce.models import failures
from cce.models.store import Store, close_all
from tests.conftest import planted_pair
from tests.fake_server import FakeServer, reply_to


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]).encode() + body


def completion(**changes) -> bytes:
    message = {"role": "assistant", "content": "[[B]]"}
    whole = {"choices": [{"index": 0, "finish_reason": "stop", "message": message}], "usage": {"prompt_tokens": 9}}
    return json.dumps(whole | changes).encode()


def choice(**changes) -> bytes:
    message = {"role": "assistant", "content": "[[B]]"}
    return completion(choices=[{"index": 0, "finish_reason": "stop", "message": message} | changes])


RAW = {
    "a bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnonsense\r\n0\r\n\r\n",
    "a chunk that never ends": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nshort",
    "a header over 8 kB": http(completion(), "X-Long: " + "x" * 20_000),
    "a header without a name": http(completion(), ": nobody"),
    "two lengths": http(completion(), "Content-Length: 3"),
    "no HTTP": b"hello, this is no HTTP\r\n\r\n",
    "another HTTP": b"HTTP/9.9 200 OK\r\n\r\n",
    "a status that is none": http(completion(), status="2000 FINE"),
    "nothing": b"",
    "zipped, and not": http(completion(), "Content-Encoding: gzip"),
    "an encoding that nobody knows": http(b"\xff\xfe\x00", "Content-Encoding: unheard-of"),
    "brackets nested deep": http(b"[" * 200_000),
    "objects nested deep": http(b'{"a":' * 200_000 + b"1" + b"}" * 200_000),
    "nesting beside the answer": http(completion()[:-1] + b',"x":' + b"[" * 9_000 + b"]" * 9_000 + b"}"),
    "a number of 5,000 digits": http(b'{"usage": ' + b"9" * 5_000 + b"}"),
    "no JSON": http(b"\x00\x01\x02"),
    "JSON of another kind": http(b'"hello"'),
    "null": http(b"null"),
    "choices as a text": http(completion(choices="[[B]]")),
    "choices as numbers": http(completion(choices=[1, 2])),
    "choices as an object": http(completion(choices={"0": {}})),
    "a message as a list": http(choice(message=["[[B]]"])),
    "parts that are none": http(choice(message={"content": [1, None, {"type": "text"}]})),
    "parts with a number for a text": http(choice(message={"content": [{"type": "text", "text": 7}]})),
    "a content as a number": http(choice(message={"content": 7})),
    "a content as an object": http(choice(message={"content": {"text": "[[B]]"}})),
}
# These have an answer, whatever else stands in them.
ANSWERED = {
    "a usage as a list": completion(usage=[1]),
    "a usage with a number of 400 digits": completion(usage={"prompt_tokens": int("9" * 400)}),
    "half a surrogate pair": choice(message={"content": "\ud800 [[B]]"}),
    "a null character": choice(message={"content": "\x00 [[B]]"}),
    "a name that is none": completion(model={"name": 7}, system_fingerprint=[1]),
    "a finish that is none": choice(finish_reason={"why": 1}),
    "thinking that is none": choice(message={"content": "[[B]]", "reasoning_content": {"a": [1]}}),
    "log-probabilities that are none": choice(logprobs={"content": None}),
}


class Raw(FakeServer):
    """A server that answers the first pair's question with these bytes."""

    bytes_of_first = b""

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        answer = await super()._complete(request)
        if "Question 0?" not in await request.text():
            return answer
        request.transport.write(self.bytes_of_first)
        request.transport.close()
        return answer


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(failures, "_backoff", lambda _: 0)
    monkeypatch.setattr(failures, "ATTEMPTS", 2)
    monkeypatch.setattr(failures, "SAME", 2)


def judged(server, tmp_path):
    pairs = [planted_pair(n, 2, 5) for n in range(3)]
    return evaluate(pairs, ["vanilla"], [server.model("judge")], store=tmp_path / "s.sqlite")


@pytest.mark.filterwarnings("ignore:judging")
@pytest.mark.parametrize("raw", RAW)
def test_a_malformed_reply_is_that_calls_failure_alone(tmp_path, raw):
    with Raw() as server:
        server.bytes_of_first = RAW[raw]
        frame = judged(server, tmp_path)
        assert frame.failed.notna().tolist() == [True, False, False]
        assert frame.verdict.tolist()[1:] == ["B", "B"]
        close_all()
        store = Store(tmp_path / "s.sqlite", replay=True)
        assert all(store.response(key) for (key,) in store.db.execute("SELECT key FROM completions"))
        store.close()


@pytest.mark.parametrize("answered", ANSWERED)
def test_an_answer_is_read_whatever_stands_beside_it(tmp_path, answered):
    with Raw() as server:
        server.bytes_of_first = http(ANSWERED[answered], "Content-Type: application/json")
        assert judged(server, tmp_path).verdict.tolist() == ["B", "B", "B"]
        close_all()
        assert judged(server, tmp_path).verdict.tolist() == ["B", "B", "B"]


LOGPROBS = {
    "not a number": (float("nan"), -1.0),
    "infinite": (float("inf"), -1.0),
    "of 400 digits": (int("9" * 400), -1.0),
    "true": (True, -1.0),
    "a text": ("-0.1", -1.0),
    "above 0": (5.0, -1.0),
    "all of them": (float("nan"), float("nan")),
}


@pytest.mark.parametrize("odd", LOGPROBS)
def test_a_log_probability_that_is_none_decides_nothing(tmp_path, odd):
    class Odd(FakeServer):
        async def _complete(self, request: web.Request) -> web.Response:
            await super()._complete(request)
            reply = reply_to(self.requests[-1])
            if self.requests[-1]["kind"] == "letter":
                top = [{"token": t, "logprob": p} for t, p in zip("ABC", (*LOGPROBS[odd], -20.0), strict=True)]
                reply["choices"][0]["logprobs"] = {"content": [{"token": "A", "logprob": 0, "top_logprobs": top}]}
            return web.json_response(reply)

    with Odd() as server:
        options = {"verdict": "distribution", "store": tmp_path / "s.sqlite"}
        (row,) = evaluate([planted_pair(0, 2, 5)], ["vanilla"], [server.model("judge")], **options).to_dict("records")
    if odd == "all of them":
        assert (row["verdict"], row["p_a"]) == (None, None)
    else:
        assert row["verdict"] == "B" and row["p_a"] < 1e-6
