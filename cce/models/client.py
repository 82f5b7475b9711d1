"""LLM: one model behind an OpenAI-compatible endpoint, with a store, a bound and a bill.

Example:
    LLM("gpt-4o").complete("Say hello.")
    await LLM("my-model@http://localhost:8000/v1", store="runs/store.sqlite").acomplete("Say hello.")
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import openai
from openai.types.chat import ChatCompletion

from cce.errors import BadInput, ContextOverflow, EndpointFailed, SchemaRefused
from cce.models.endpoint import endpoint_of, pool
from cce.models.loop import run, run_async
from cce.models.store import Completion, key_of, open_store
from cce.text import whole_characters

Messages = list[dict[str, str]]

# How OpenAI, vLLM and llama.cpp say that a prompt is too long; none of them has a status code for it.
TOO_LONG = re.compile(
    r"context[ _](length|size|window)|max(imum|_) ?(model|sequence)|max_model_len|prompt is too long|count exceeds",
    re.I,
)
# What servers and gateways answer to a schema that they cannot hold a model to.
SCHEMA_REFUSALS = (400, 415, 422, 501)


@dataclass
class Bill:
    """What a run has asked for so far: requests sent, completions found in the store, tokens of both."""

    sent: int = 0
    stored: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add(self, completion: Completion) -> None:
        """Count a completion's tokens."""
        self.prompt_tokens += completion.prompt_tokens
        self.completion_tokens += completion.completion_tokens

    def __add__(self, other: "Bill") -> "Bill":
        return Bill(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def __str__(self) -> str:
        tokens = self.prompt_tokens + self.completion_tokens
        return f"{self.sent:,} requests sent, {self.stored:,} from the store, {tokens:,} tokens"


@cache
def _gate(url: str, concurrency: int) -> asyncio.Semaphore:
    # Models at one address share a bound.
    return asyncio.Semaphore(concurrency)


def _heard(work: Coroutine[Any, Any, Completion]) -> asyncio.Task[Completion]:
    # A task whose failure nobody waits for any more must not complain about that on standard error.
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


class LLM:
    """A model, named `NAME`, `NAME@BASE_URL`, `embedded`, `embedded-judge`, or by the folder of a trained student.

    Args:
        model: the name; the key is read from the environment.
        store: path of the SQLite store; None keeps completions in memory, for this process only.
        concurrency: requests in flight at once to this address, at most; a model of this machine takes one.

    Raises BadInput at once for a bad name, a bad bound or a missing key.
    """

    def __init__(self, model: str, store: str | Path | None = None, concurrency: int = 32):
        self.endpoint = endpoint_of(model)
        if concurrency < 1:
            raise BadInput(f"concurrency {concurrency}: at least one request must be in flight")
        self.model, self.bill, self.store = model, Bill(), open_store(store)
        self.concurrency = self.endpoint.concurrency or concurrency
        self._asked: dict[str, asyncio.Task[Completion]] = {}
        self._waiters: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"LLM({self.model!r})"

    def complete(self, messages: str | Messages, **sampling) -> Completion:
        """`acomplete` for notebook cells and scripts: waits, and needs no `await`."""
        return run(self.acomplete(messages, **sampling))

    async def acomplete(
        self,
        messages: str | Messages,
        *,
        temperature: float = 0.0,
        max_tokens: int = 1024,
        sample: int = 0,
        top_logprobs: int | None = None,
        schema: dict | None = None,
    ) -> Completion:
        """Answer a prompt, from the store where it is known, else from the endpoint.

        Args:
            messages: a user prompt, or a list of {role, content}.
            temperature: of the sampling; 0 is greedy.
            max_tokens: the longest answer, in tokens.
            sample: tells apart several answers to one prompt; sent as the sampling seed.
            top_logprobs: how many of the likeliest first tokens to return with their log-probabilities.
            schema: a JSON schema that the endpoint is to hold the answer to.

        Raises ContextOverflow where prompt and answer do not fit the context, SchemaRefused where the endpoint
        refuses a request with a schema, EndpointFailed where it refuses any other for good, NotRecorded where a
        replay lacks the answer.
        """
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        request = {
            "model": self.endpoint.name,
            "messages": messages,
            "temperature": temperature,
            "max_tokens": max_tokens,
            "sample": sample,
            "top_logprobs": top_logprobs,
            **({"schema": schema} if schema else {}),
        }
        return self._usable(await run_async(self._shared(request)), request)

    async def _shared(self, request: dict) -> Completion:
        # Two callers with one question at the same time share one request; the last to give up cancels it.
        key = key_of(request)
        if key not in self._asked:
            self._asked[key] = _heard(self._stored_or_sent(request))
        task = self._asked[key]
        self._waiters[key] += 1
        try:
            return await asyncio.shield(task)
        finally:
            self._waiters[key] -= 1
            if not self._waiters[key]:
                task.cancel()
                del self._waiters[key], self._asked[key]

    async def _stored_or_sent(self, request: dict) -> Completion:
        completion = self.store.get(request)
        if completion:
            self.bill.stored += 1
            self.bill.add(completion)
            return completion
        url = self.endpoint.address()
        gate = _gate(url, self.concurrency)
        await gate.acquire()
        # What is under way will be paid for: it goes on to the store even where nobody waits any more.
        bought = _heard(self._bought(request, url))
        bought.add_done_callback(lambda _: gate.release())
        return await asyncio.shield(bought)

    async def _bought(self, request: dict, url: str) -> Completion:
        self.bill.sent += 1
        completion = await self._send(request, url)
        self.store.put(request, completion)
        self.bill.add(completion)
        return completion

    async def _send(self, request: dict, url: str) -> Completion:
        start = time.perf_counter()
        try:
            answer = await pool(url, self.concurrency, self.endpoint.key).chat.completions.create(**wire_form(request))
        except openai.APIStatusError as error:
            return self._refused(error, request, time.perf_counter() - start)
        except openai.APIConnectionError as error:
            raise EndpointFailed(f"{self.model}: no answer from {url}: {error}; is the server up?") from None
        return completion_of(answer, time.perf_counter() - start)

    def _refused(self, error: openai.APIStatusError, request: dict, seconds: float) -> Completion:
        # Stored as completions: the same prompt will not fit tomorrow either, and a rerun or a replay must go the
        # same way round a refused schema.
        if error.status_code in (400, 413) and TOO_LONG.search(str(error.body) + error.message):
            return Completion("", "overflow", seconds=seconds)
        said = f"HTTP {error.status_code}: {error.message.replace(self.endpoint.key, '***')[:500]}"
        if "schema" in request and error.status_code in SCHEMA_REFUSALS:
            return Completion(said, "schema refused", seconds=seconds)
        # The chain is cut: some servers repeat the key in their refusal.
        raise EndpointFailed(f"{self.model}: {said}") from None

    def _usable(self, completion: Completion, request: dict) -> Completion:
        if completion.finish == "schema refused":
            raise SchemaRefused(f"{self.model}: {completion.text}")
        tokens, context = completion.prompt_tokens + completion.completion_tokens, self.endpoint.context
        cut_off = bool(context) and completion.finish == "length" and tokens >= context
        if completion.finish == "overflow" or cut_off:
            raise ContextOverflow(
                f"{self.model}: the prompt leaves no room for an answer of {request['max_tokens']} tokens"
            )
        return completion


def wire_form(request: dict) -> dict:
    """The keyword arguments of the OpenAI client for a request as the store knows it."""
    top, schema = request["top_logprobs"], request.get("schema")
    answer = {"name": "answer", "strict": True, "schema": schema}
    sampling = {"temperature": request["temperature"], "max_tokens": request["max_tokens"], "seed": request["sample"]}
    return {
        "model": request["model"],
        "messages": request["messages"],
        **sampling,
        **({"logprobs": True, "top_logprobs": top} if top else {}),
        **({"response_format": {"type": "json_schema", "json_schema": answer}} if schema else {}),
    }


def completion_of(answer: ChatCompletion, seconds: float) -> Completion:
    """What the store keeps of an endpoint's reply. Raises EndpointFailed where it holds no choice."""
    if not answer.choices:
        raise EndpointFailed(f"the endpoint's reply holds no choice: {str(answer)[:200]}")
    choice, usage = answer.choices[0], answer.usage
    content = choice.logprobs.content if choice.logprobs else None
    first = {t.token: t.logprob for t in content[0].top_logprobs} if content else None
    return Completion(
        whole_characters(choice.message.content or ""),
        choice.finish_reason or "stop",
        usage.prompt_tokens if usage else 0,
        usage.completion_tokens if usage else 0,
        round(seconds, 3),
        first,
    )
