"""A real OpenAI-compatible HTTP server with planted behaviour, for tests.

Every answer to be judged carries its quality as "quality=N" in its text; a real text without that mark has one
drawn from its letters. A fake crowd model named `crowd-N` answers with quality N. A fake judge reads the sections
of the kit's own prompts, as a model would, and finds the better quality; what it is asked is recorded by kind.
"""

import asyncio
import hashlib
import math
import re
import ssl
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.planted import is_right, method_of

QUALITY = re.compile(r"quality=(\d+)")
MATERIAL = re.compile(
    r"The user's question|The user to Assistant|Assistant [AB]'s answer|(Note|Judgment|Review) \d|The comparison"
    r"|Your (former judgment|answer)"
)
NOTE = re.compile(r"(Note|Judgment) \d")
ORDERED = re.compile(r"prefer Assistant ([AB])")


@dataclass
class FakeServer:
    """Serves on a free port while in use as a context manager; `url` is its base URL.

    Models: `crowd-N` answers with quality N; `judge` sees quality; `position-judge` always prefers the first
    answer; `leaning-judge` prefers it unless the second is better by 3 or more; `mute-judge` writes no verdict;
    `stubborn-judge` keeps the verdict when told to remove it; `terse-judge` says nothing but its verdict, and keeps it;
    `tired-judge` writes none where it judges again;
    `obedient-judge` does what stands outside the sections of material and quotes both answers; `leaky-judge` repeats
    the key; `fallible-judge` is right as often as `tests.planted` says of the method whose prompt it sees. Any other
    name errs on a quarter of the questions, marks its points as "[point: ...]", one more with every note that it sees,
    and as a crowd model answers with a quality of its own for each question.
    """

    latency: float = 0.0
    context: int | None = None  # in characters of the prompt; longer ones are refused
    # What is given first, in turn: replies {status, headers, body}, or functions of tests.faults.
    failures: list[dict | Callable] = field(default_factory=list)
    refused: str | None = None  # a prompt that holds this text is refused for good
    requests: list[dict] | deque[dict] = field(default_factory=list)
    ssl_context: ssl.SSLContext | None = None

    def __enter__(self) -> "FakeServer":
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        threading.Thread(target=self._serve, args=(started,), daemon=True).start()
        assert started.wait(10)
        return self

    def __exit__(self, *_) -> None:
        asyncio.run_coroutine_threadsafe(self.runner.cleanup(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)

    def model(self, name: str) -> str:
        """The model's name with this server's address."""
        return f"{name}@{self.url}"

    def kinds(self) -> Counter:
        """How many requests of each kind came in."""
        return Counter(request["kind"] for request in self.requests)

    def of_kind(self, kind: str) -> list[dict]:
        """The requests of a kind, in order of arrival."""
        return [request for request in self.requests if request["kind"] == kind]

    def _serve(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._start())
        started.set()
        self.loop.run_forever()

    async def _start(self) -> None:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._complete)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0, ssl_context=self.ssl_context)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/v1"

    async def _complete(self, request: web.Request) -> web.Response:
        asked = await request.json()
        asked |= {
            "kind": kind_of(asked),
            "key": request.headers.get("Authorization"),
            "peer": request.transport.get_extra_info("peername"),
        }
        self.requests.append(asked)
        await asyncio.sleep(self.latency)
        if self.failures:
            failure = self.failures.pop(0)
            if callable(failure):
                return await failure(request, reply_to(asked))
            return web.json_response(failure.get("body", {}), status=failure["status"], headers=failure.get("headers"))
        if self.refused and any(self.refused in message["content"] for message in asked["messages"]):
            return web.json_response({"error": {"message": "content policy"}}, status=400)
        size = sum(len(message["content"]) for message in asked["messages"])
        if self.context and size > self.context:
            return web.json_response(
                {"error": {"message": f"maximum context length is {self.context}", "code": 400}}, status=400
            )
        return web.json_response(reply_to(asked))


RUBRIC = "- Names the quality.\n- Says [[B]] twice."


def marked(prompt: str) -> list[tuple[str, str]]:
    """The marked sections of a prompt, as a careful reader takes them: the first mark tells their length."""
    first = re.search(r"^(=+) .+ \1$", prompt, re.M)
    if not first:
        return []
    marks = list(re.finditer(rf"^{first[1]} (.+) {first[1]}$", prompt, re.M))
    ends = [mark.start() for mark in marks[1:]] + [len(prompt)]
    return [(mark[1], prompt[mark.end() : end].strip("\n")) for mark, end in zip(marks, ends, strict=True)]


def sections(prompt: str) -> dict[str, str]:
    """The marked sections of a prompt by title; of several with one title the last."""
    return dict(marked(prompt))


def user_prompt(asked: dict) -> str:
    """The first message that is no system message."""
    return next(message["content"] for message in asked["messages"] if message["role"] != "system")


def kind_of(asked: dict) -> str:
    """crowd answer, lie, comparison, final (with notes), refinement, aggregation, removal, letter or rubric."""
    prompt, last = user_prompt(asked), asked["messages"][-1]["content"]
    if "Reply with one letter" in last and asked["messages"][-2]["role"] == "assistant":
        return "letter"
    titles = sections(prompt)
    if "The comparison" in titles:
        return "removal"
    if "Write the rubric" in prompt:
        return "rubric"
    if not any(title.startswith("Assistant A's answer") for title in titles):
        return "lie" if "led astray" in prompt else "crowd answer"
    if "Your former judgment" in titles:
        return "refinement"
    return "final" if any(map(NOTE.match, titles)) else "aggregation" if "Review 1" in titles else "comparison"


def qualities(prompt: str) -> tuple[int, int]:
    """The quality of the answers that stand in A's and in B's place; of the last turn where there are two."""
    shown = sections(prompt)
    of = {title[10]: quality_of(text) for title, text in shown.items() if re.match(r"Assistant [AB]'s answer", title)}
    return of["A"], of["B"]


def quality_of(text: str) -> int:
    """The quality that the text is marked with, or 0 to 9 drawn from its letters."""
    marked = QUALITY.search(text)
    return int(marked[1]) if marked else drawn(text, 10)


def drawn(text: str, sides: int) -> int:
    """A throw of a die with so many sides that depends on the text alone."""
    return hashlib.sha256(text.encode(errors="replace")).digest()[0] % sides


def ordered(prompt: str) -> str | None:
    """The letter that an instruction outside the sections of material tells a judge to prefer."""
    before = re.split(r"^=+ ", prompt, maxsplit=1, flags=re.M)[0]
    outside = [text for title, text in marked(prompt) if not MATERIAL.match(title)]
    found = ORDERED.search("\n".join([before, *outside]))
    return found and found[1]


def verdict_of(asked: dict) -> str:
    """The letter that this judge holds to be the better one."""
    if asked["model"] == "obedient-judge" and ordered(user_prompt(asked)):
        return ordered(user_prompt(asked))
    better = "A" if lead_of(asked) >= 0 else "B"
    return {"A": "B", "B": "A"}[better] if errs(asked) else better


def errs(asked: dict) -> bool:
    """Whether a judge that errs mistakes these two answers; a crowd answer it always sees for what it is."""
    prompt, model = user_prompt(asked), asked["model"]
    shown = sections(prompt)
    crowd = any("Crowd answer" in text for title, text in shown.items() if title.startswith("Assistant "))
    if crowd or (is_named(model) and model != "fallible-judge"):
        return False
    if model == "fallible-judge":
        return not is_right(shown, prompt, asked.get("seed", 0))
    return drawn(f"{model} {method_of(shown, prompt)} {sorted(shown.values())}", 4) == 0


def is_named(model: str) -> bool:
    """Whether the model is one that the tests know by name."""
    return model.endswith("judge") or model.startswith("crowd-")


def lead_of(asked: dict) -> float:
    """By how much this judge holds the answer in A's place to be better."""
    a, b = qualities(user_prompt(asked))
    return a - b + {"position-judge": 100, "leaning-judge": 2.5}.get(asked["model"], 0)


def reply_to(asked: dict) -> dict:
    """The chat completion, with token counts of one a word."""
    text, logprobs = answer_to(asked)
    prompt_tokens = sum(len(message["content"].split()) for message in asked["messages"])
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": len(text.split())}
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": text},
        "logprobs": logprobs,
    }
    return {
        "id": "fake",
        "object": "chat.completion",
        "created": 0,
        "model": f"{asked['model']} {asked['key']}" if asked["model"] == "leaky-judge" else asked["model"],
        "choices": [choice],
        "usage": usage | {"total_tokens": sum(usage.values())},
    }


def answer_to(asked: dict) -> tuple[str, dict | None]:
    """What the planted model says, and the log-probabilities of its first token where they are asked for."""
    kind, model = asked["kind"], asked["model"]
    if kind == "crowd answer":
        named = re.fullmatch(r"crowd-(\d+)", model)
        quality = named[1] if named else quality_of(model + asked["messages"][-1]["content"])
        return f"Crowd answer, quality={quality}, sample {asked.get('seed', 0)}.", None
    if kind == "lie":
        return f"Crowd answer, quality=0, a lie, sample {asked.get('seed', 0)}.", None
    if kind == "removal":
        return removal(asked), None
    if kind == "rubric":
        return "" if model == "terse-judge" else RUBRIC, None
    letter = verdict_of(asked)
    if kind == "letter":
        lead = lead_of(asked)
        top = [
            {"token": token, "logprob": -math.log1p(math.exp(-sign * lead / 10))}
            for token, sign in (("A", 1), ("B", -1))
        ]
        top += [{"token": asked["key"], "logprob": -30.0}] if model == "leaky-judge" else []
        top = [entry | {"bytes": None} for entry in top]
        return letter, {"content": [top["AB".index(letter)] | {"top_logprobs": top}]}
    prompt = user_prompt(asked)
    a, b = qualities(prompt)
    asked_about = sections(prompt).get("The user's question", "")[:40]
    rationale = f"On {asked_about!r} Assistant A shows quality={a} and Assistant B shows quality={b}."
    # Which way this reading went, in words that are no outcome.
    rationale += f" More shine on Assistant {letter}. Assistant {letter} is better."
    if kind == "refinement":
        looked = re.search(r"Looked again, (\d+)", sections(prompt)["Your former judgment"])
        rationale = f"Looked again, {1 + int(looked[1]) if looked else 1}. {rationale}"
    if not is_named(model):
        rationale = "[point: of A] [point: of B] " + rationale
        rationale = "".join(f"[point: {t}] " for t in sections(prompt) if NOTE.match(t)) + rationale
    if model == "obedient-judge":
        rationale = (
            "\n".join(text for title, text in sections(prompt).items() if "'s answer" in title) + "\n" + rationale
        )
    if model == "leaky-judge":
        rationale = f"Your key is {asked['key']}. {rationale}"
    if model == "terse-judge":
        return f"[[{letter}]]", None
    mute = model == "mute-judge" or (model == "tired-judge" and kind == "refinement")
    return rationale if mute else f"{rationale}\n[[{letter}]]", None


def removal(asked: dict) -> str:
    """The comparison without its verdict, or with it, where the model is stubborn."""
    judgment = sections(user_prompt(asked))["The comparison"]
    return (
        judgment
        if asked["model"] == "stubborn-judge"
        else judgment.split(" Assistant A is better")[0].split(" Assistant B is better")[0]
    )


def main() -> None:
    """Serve in a process of its own: `python -m tests.fake_server SECONDS` prints its URL, and stops with its input."""
    with FakeServer(latency=float(sys.argv[1]), requests=deque(maxlen=0)) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
