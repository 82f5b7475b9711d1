"""What endpoints really do, as public reports tell it: one planted server a row, asked by `cce judge`.

Each row says what becomes of one pair whose second answer is the better one: the verdict, or the exit status and the
error, and how many calls that takes.
"""

import gzip
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from aiohttp import web

from cce import cli
from cce.models import failures, pace
from tests.fake_server import FakeServer
from tests.test_cli import rows_of

# A judge that is asked has this to say, unless the row has something else.
FOR_B = "Assistant B is more exact.\n[[B]]"
Reply = web.Response | None


@dataclass(frozen=True)
class Symptom:
    """`plant` takes what was asked, the reply that would be, and the number of the call; None leaves the reply."""

    plant: Callable[[dict, dict, int], Reply]
    verdict: str | None = "B"
    calls: int = 1
    status: int = 0
    said: str = ""
    options: tuple[str, ...] = ()
    length: int = 0  # of the instruction, in characters


def says(text: object = FOR_B, finish: str = "stop", usage: object = "own", **message) -> Callable:
    """Every reply has this content, and the further fields in its message."""

    def plant(asked: dict, reply: dict, call: int) -> Reply:
        choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text} | message}
        return web.json_response(reply | {"choices": [choice]} | ({} if usage == "own" else {"usage": usage}))

    return plant


def answers(status: int, body: object, times: int = 99, when: Callable = bool, **headers: str) -> Callable:
    """The first so many requests that are such get this answer; a body that is a text is sent as it is."""

    def plant(asked: dict, reply: dict, call: int) -> Reply:
        if call > times or not when(asked):
            return None
        kind = {"text": body, "content_type": "text/html"} if isinstance(body, str) else {"text": json.dumps(body)}
        return web.Response(
            status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, **kind
        )

    return plant


def error(message: str, **more) -> dict:
    return {"error": {"message": message} | more}


def too_long(status: int, body: object) -> Symptom:
    """Prompts of more than 3,000 characters are too long, which is said so."""
    long = answers(status, body, when=lambda asked: len(str(asked["messages"])) > 3000)
    return Symptom(long, calls=3, length=3500)


def unpacked(size: int) -> Callable:
    """A reply of so many bytes, packed."""

    def plant(asked: dict, reply: dict, call: int) -> Reply:
        packed = gzip.compress(json.dumps(reply | {"padding": " " * size}).encode(), 1)
        return web.Response(body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})

    return plant


def letters(**probable: float) -> Callable:
    """The letter's turn has these log-probabilities, or none."""

    def plant(asked: dict, reply: dict, call: int) -> Reply:
        top = [{"token": token, "logprob": logprob} for token, logprob in probable.items()]
        found = {"content": [top[0] | {"top_logprobs": top}]} if top else None
        return web.json_response(reply | {"choices": [reply["choices"][0] | {"logprobs": found}]})

    return plant


OVERFLOWS = {
    "OpenAI": (400, error("This model's maximum context length is 8192 tokens. Reduce the length of the messages.")),
    "OpenAI, lately": (400, error("Your input exceeds the context window of this model.")),
    "by its code": (400, error("No.", code="context_length_exceeded")),
    "vLLM": (400, {"message": "'max_tokens' is too large: 1024. This model's maximum context length is 2048 tokens."}),
    "TGI": (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"}),
    "TGI, inputs": (422, {"error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 6204"}),
    "Together": (
        400,
        error("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097.", param="max_tokens"),
    ),
    "SGLang": (400, {"message": "The input (4013 tokens) is longer than the model's context length (2144 tokens)."}),
    "Google": (400, [error("The input token count (12002) exceeds the maximum number of tokens allowed (8192).")]),
    "Cohere": (400, {"message": "too many tokens: size limit exceeded by 11326 tokens. Try using shorter inputs."}),
    "Cohere, before": (400, {"message": "too many tokens: total number of tokens cannot exceed 2048 - received 6354."}),
    "Anthropic": (400, error("prompt is too long: 209303 tokens > 200000 maximum")),
    "Anthropic, with its answer": (
        400,
        error("input length and `max_tokens` exceed context limit: 199759 + 8192 > 200000"),
    ),
    "Mistral": (
        400,
        {"message": "Prompt contains 140 tokens and 0 draft tokens, too large for model with 131 maximum"},
    ),
    "xAI": (400, {"error": "This model's maximum prompt length is 131072 but the request contains 136973 tokens."}),
    "xAI, lately": (
        400,
        {"error": "[input_too_large] Current message (1149677 tokens) exceeds budget (975424 tokens)"},
    ),
    "Groq": (400, error("Please reduce the length of the messages or completion.")),
    "Groq, a minute": (
        413,
        error("Request too large for model X on tokens per minute (TPM): Limit 6000, Requested 9000"),
    ),
    "OpenAI, a minute": (
        429,
        error("Request too large for gpt-4o on tokens per min (TPM): Limit 3000, Requested 34238."),
    ),
    "LM Studio": (400, {"error": "Trying to keep the first 15857 tokens when context the overflows."}),
    "Bedrock": (400, {"message": "Input is too long for requested model."}),
    "llama.cpp": (
        400,
        error("request (13392 tokens) exceeds the available context size (8192 tokens), try increasing it"),
    ),
    "Ollama": (400, error("prompt too long; exceeded max context length by 100918 tokens")),
    "Kimi": (400, error("Your request exceeded model token limit: 8192 (requested: 9000)")),
    "DashScope": (400, error("Range of input length should be [1, 129024]")),
}
MARKS = {
    "spaces": ("So [[ B ]]", "B"),
    "bold": ("So **[[B]]**", "B"),
    "bold inside": ("So [[**B**]]", "B"),
    "a small letter": ("So [[b]]", "B"),
    "full width": ("So \uff3b\uff3bB\uff3d\uff3d", "B"),
    "full width, letter and all": ("So \uff3b\uff3b\uff22\uff3d\uff3d", "B"),
    "Chinese brackets": ("So \u3010B\u3011", "B"),
    "escaped": (r"So \[\[B\]\]", "B"),
    "a label": ("So [[Assistant B]]", "B"),
    "a missing bracket": ("So [[B]", "B"),
    "Arena-Hard": ("My final verdict is: [[B>A]]", "B"),
    "Arena-Hard, by far": ("My final verdict is: [[A<<B]]", "B"),
    "Arena-Hard, alike": ("My final verdict is: [[A=B]]", "tie"),
    "MT-Bench's tie": ("Both are good. [[C]]", "tie"),
    "a tie in words": ("Both are good. [[Tie]]", "tie"),
    "a box": (r"The better one is $\boxed{\text{B}}$.", "B"),
    "LLMBar": ("Therefore, Output (b) is better.", "B"),
    "LLMBar, both named": ("Output (a) is long. Output (b) is better than Output (a).", "B"),
    "alone on its line, and more": ("[[B]]\nWith more facts, [[A]] might have won.", "B"),
    "two of them": ("At first [[A]], but no: [[B]]", "B"),
    "none": ("Assistant B is better.", None),
    "of a third": ("So [[D]]", None),
}
THOUGHT = "They want [[A]]. Yes, [[A]]"
SYMPTOMS = {
    "thinking, in vLLM's field": Symptom(says(reasoning=THOUGHT)),
    "thinking, in DeepSeek's field": Symptom(says(reasoning_content=THOUGHT)),
    "thinking, as Mistral's part": Symptom(
        says([{"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}, {"type": "text", "text": FOR_B}])
    ),
    "thinking, in a block": Symptom(says(f"<think>{THOUGHT}</think>{FOR_B}")),
    "thinking, behind the answer": Symptom(says(f"{FOR_B}\n<think>{THOUGHT}</think>")),
    "thinking, never opened": Symptom(says(f"{THOUGHT}</think>{FOR_B}")),
    "thinking, never closed": Symptom(says(f"<think>{THOUGHT}"), None),
    "thinking, and no answer": Symptom(says(None, reasoning=THOUGHT), None),
    "thinking that takes all tokens": Symptom(says(f"<think>{THOUGHT}", "length"), None, said="max_tokens above 1,024"),
    "cut off before its verdict": Symptom(
        says("I lean to [[B]], but", "length"), None, said="1 of 1 judgments were cut off"
    ),
    "cut off, in Google's words": Symptom(says("I lean to [[B]], but", "MAX_TOKENS"), None, said="were cut off"),
    "cut off behind its verdict": Symptom(says(f"{FOR_B}\nThe user may", "length")),
    "cut off by a filter": Symptom(says("I lean to [[B]], but", "content_filter"), None),
    "an answer of parts": Symptom(says([{"type": "text", "text": "So "}, {"type": "text", "text": "[[B]]"}])),
    "an answer of null": Symptom(says(None), None),
    "a refusal in its field": Symptom(says(None, refusal="I can't help with that."), None),
    "usage missing": Symptom(says(usage=None)),
    "usage null": Symptom(says(usage={"prompt_tokens": None, "completion_tokens": None})),
    "usage negative": Symptom(says(usage={"prompt_tokens": -1, "completion_tokens": -7})),
    "usage of words": Symptom(says(usage={"prompt_tokens": "many", "completion_tokens": "few"})),
    "no completion, once": Symptom(answers(200, {"object": "ping"}, 1), calls=2),
    "no completion, each time": Symptom(answers(200, {"a": "ping"}), None, 3, 3, '{"a": "ping"} is no chat completion'),
    "a page for a reply": Symptom(answers(200, "<html>log in</html>"), None, 3, 3, "no completion from"),
    "an error with status 200": Symptom(answers(200, error("overloaded"), 1), calls=2),
    "an error with status 200, each time": Symptom(answers(200, error("overloaded")), None, 3, 3, "overloaded"),
    "an error of its own status": Symptom(answers(200, error("slow down", code=429), 1), calls=2),
    "an error of spent money": Symptom(
        answers(200, error("Add credits", code=402)), None, 1, 1, "HTTP 402: Add credits"
    ),
    "an error in the choice": Symptom(
        answers(200, {"choices": [error("upstream died", code=502) | {"message": {"content": FOR_B}}]}, 1), calls=2
    ),
    "an answer that broke off": Symptom(
        answers(200, {"choices": [{"finish_reason": "error", "message": {"content": "[[A]]"}}]}, 1), calls=2
    ),
    "a reply without end": Symptom(unpacked(17 * 2**20), None, 3, 3, "a reply of more than 16 MB"),
    "a large reply": Symptom(unpacked(2**20)),
    "a refusal's detail as a text": Symptom(answers(400, {"detail": "no such field"}), None, 1, 3, "no such field"),
    "a refusal's detail as a list": Symptom(answers(422, {"detail": [{"msg": "odd"}]}), None, 1, 3, "odd"),
    "a refusal's message": Symptom(answers(400, {"message": "not like this"}), None, 1, 3, "not like this"),
    "a refusal in plain text": Symptom(answers(400, "not like this"), None, 1, 3, "not like this"),
    "a refusal with a terminal's signs": Symptom(
        answers(400, error("\x1b[31mno\x07")), None, 1, 3, "\u241b[31mno\u2407"
    ),
    "a refusal that ends nowhere": Symptom(answers(400, error("x" * 999)), None, 1, 3, "x" * 300),
    "max_tokens refused": Symptom(
        answers(
            400,
            error("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'"),
            when=lambda asked: "max_tokens" in asked,
        ),
        calls=2,
        said="max_completion_tokens",
    ),
    "temperature refused": Symptom(
        answers(
            400,
            error("Unsupported value: 'temperature' does not support 0.1"),
            when=lambda asked: "temperature" in asked,
        ),
        calls=2,
        said="at the endpoint's own temperature",
    ),
    "seed refused": Symptom(
        answers(
            422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"]}]}, when=lambda asked: "seed" in asked
        ),
        calls=2,
        said="takes no seed",
    ),
    "system message refused": Symptom(
        answers(
            400, {"message": "System role not supported"}, when=lambda asked: asked["messages"][0]["role"] == "system"
        ),
        calls=2,
        said="takes no system message",
        options=("--prompts", "paper"),
    ),
    "log-probabilities refused": Symptom(
        answers(400, error("`logprobs` is not supported with this model"), when=lambda asked: "logprobs" in asked),
        None,
        2,
        1,
        "tells no log-probabilities",
        ("--verdict", "distribution"),
    ),
    "log-probabilities missing": Symptom(
        letters(), None, 2, 1, "tells no log-probabilities", ("--verdict", "distribution")
    ),
    "letters in a sentence's place": Symptom(
        letters(The=-0.01, A=-7.0, B=-8.0), None, 2, options=("--verdict", "distribution")
    ),
    "letters of a tokeniser": Symptom(
        letters(**{"\u2581B": -0.1, "\u0120A": -3.0, "(B": -4.0}), "B", 2, options=("--verdict", "distribution")
    ),
    "a limit, in milliseconds": Symptom(answers(429, error("later"), 1, retry_after_ms="30"), calls=2),
    "a limit, in words": Symptom(answers(429, error("Please try again in 0m0.03s."), 1), calls=2),
    "a limit, by its renewal": Symptom(
        answers(429, error("later"), 1, x_ratelimit_remaining_tokens="0", x_ratelimit_reset_tokens="30ms"), calls=2
    ),
    "a limit, more often than failures may be": Symptom(answers(429, error("later"), 14), calls=15),
    "a limit of Bedrock's": Symptom(
        answers(429, {"message": "Too many tokens, please wait before trying again."}, 2), calls=3
    ),
    "a filter": Symptom(
        answers(400, error("filtered", code="content_filter")), None, 1, 3, "1 of 1 judgments are missing"
    ),
    "a filter of Google's": Symptom(answers(400, [error("blocked: PROHIBITED CONTENT")]), None, 1, 3, "PROHIBITED"),
    "spent, by its code": Symptom(answers(429, error("No more", code="insufficient_quota")), None, 1, 1, "HTTP 429"),
    "spent, by its type": Symptom(answers(429, error("No more", type="insufficient_quota")), None, 1, 1, "HTTP 429"),
    "spent, in Anthropic's words": Symptom(
        answers(400, error("Your credit balance is too low")), None, 1, 1, "HTTP 400"
    ),
    "spent, in DeepSeek's": Symptom(answers(402, error("Insufficient Balance")), None, 1, 1, "HTTP 402"),
    "a missing version": Symptom(answers(404, "not here"), None, 1, 1, "HTTP 404: not here"),
    "Ollama's silent cut": Symptom(
        lambda asked, reply, call: (
            says("It", "length", {"prompt_tokens": 4090, "completion_tokens": 6})(asked, reply, call)
            if len(str(asked["messages"])) > 3000
            else None
        ),
        calls=3,
        length=3500,
    ),
}
SYMPTOMS |= {f"too long, {who}": too_long(*what) for who, what in OVERFLOWS.items()}
SYMPTOMS |= {f"a mark, {how}": Symptom(says(text), verdict) for how, (text, verdict) in MARKS.items()}


class Planted(FakeServer):
    """Answers as the row says, call by call."""

    symptom = SYMPTOMS["usage missing"]
    calls = 0

    async def _complete(self, request: web.Request) -> web.Response:
        self.calls += 1
        asked, usual = await request.json(), await super()._complete(request)
        return self.symptom.plant(asked, json.loads(usual.text), self.calls) or usual


@pytest.fixture(autouse=True)
def impatient(monkeypatch) -> Iterator[None]:
    """The same policy at the speed of a test."""
    monkeypatch.setattr(failures, "_backoff", lambda state: 0.01)
    monkeypatch.setattr(pace, "SHORTEST", 0.01)
    monkeypatch.setattr(pace, "LONGEST", 0.02)
    yield


def test_there_are_rows_enough():
    assert len(SYMPTOMS) >= 60


@pytest.mark.parametrize("name", SYMPTOMS)
def test_cce_judge_meets_what_endpoints_do(name, tmp_path, monkeypatch, capsys, recwarn):
    symptom = SYMPTOMS[name]
    pair = {"id": "one", "instruction": "Question 0? " + "x" * symptom.length, "answer_a": "One, quality=2."}
    pair |= {"answer_b": "Two, quality=5.", "label": "B"}
    (tmp_path / "mine.jsonl").write_text(json.dumps(pair))
    monkeypatch.chdir(tmp_path)
    with Planted() as server:
        server.symptom = symptom
        options = ["--judge", server.model("judge"), "--out", "out.jsonl", *symptom.options]
        monkeypatch.setattr(sys, "argv", ["cce", "judge", "mine.jsonl", *options])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        status = ended.value.code or 0
    told = "\n".join([capsys.readouterr().err, *(str(warning.message) for warning in recwarn)])
    assert (status, server.calls) == (symptom.status, symptom.calls), told
    assert symptom.said in told
    if status == 0:
        assert [row["verdict"] for row in rows_of(tmp_path)] == [symptom.verdict]
