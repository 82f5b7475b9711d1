"""LLM: one model behind an OpenAI-compatible endpoint, with a store, a bound and a bill."""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import replace
from functools import cache

import httpx2
import openai

from cce.errors import CallFailed, ContextOverflow, EndpointFailed, SchemaRefused
from cce.models.dry_run import DryRun
from cce.models.endpoint import TIMEOUT_SECONDS, connections, endpoint_of, filtered, hopeless, patient, told_by
from cce.models.loop import run, run_async
from cce.models.manners import manners_of, refuses
from cce.models.replies import completion_of
from cce.models.settings import settings_of
from cce.models.store import open_store
from cce.models.wire import ANSWER, Completion, Expects, Messages, Request
from cce.options import DEFAULTS, Options
from cce.spending import BUDGET, Bill, checked_price

# How OpenAI, vLLM and llama.cpp say that a prompt is too long; none of them has a status code for it.
TOO_LONG = r"context[ _](length|size|window)|max(imum|_) ?(model|sequence)|prompt is too long|count exceeds"
WITHOUT_LOGPROBS = 'it tells no log-probabilities: read verdicts from its text, by verdict="text"'
# An endpoint at which so many calls in a row failed for good will fail the others too.
FAILURES_IN_A_ROW = 20
# By address: calls that failed for good since the last that did not.
_in_a_row: Counter[str] = Counter()
_under_way: set[asyncio.Task] = set()


@cache
def _gate(url: str, concurrency: int) -> asyncio.Semaphore:
    # Models at one address share it if they are given the same bound; different bounds hold each for itself.
    return asyncio.Semaphore(concurrency)


async def landed() -> None:
    """Wait 5 seconds at most for what has been sent already, and is paid for, so that it reaches the store."""
    if _under_way:
        print("stopping; what is under way is waited for a moment", file=sys.stderr)
        await asyncio.wait(_under_way, timeout=5)


def _heard(work: Coroutine) -> asyncio.Task[Completion]:
    # A task whose failure nobody waits for any more must not complain about that on standard error.
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


class LLM:
    """A model, named `NAME`, `NAME@BASE_URL`, `embedded`, `embedded-judge`, or by the folder of a trained student.

    LLM("my-model@http://localhost:8000/v1", store="runs/store.sqlite").complete("Say hello.")

    The key is read from the environment. Of `Options`, store, concurrency and dry_run count here; a model of this
    machine takes one request at a time. Raises BadInput at once for a bad name, a bad bound or a missing key.
    """

    def __init__(self, model: str, options: Options = DEFAULTS, **changes):
        options = options.but(**changes)
        # A dry run makes no store where none is.
        recorded = None if options.dry_run else open_store(options.store)
        self.endpoint = endpoint_of(model, needs_key=recorded is not None and not recorded.replay)
        self.model, self.bill = model, Bill()
        self.price = checked_price(self.endpoint.name, self.endpoint.url)
        self.concurrency = self.endpoint.concurrency or options.concurrency
        place = self.endpoint.url, self.concurrency
        self.store = DryRun(options.dry_run, options.store, *place) if recorded is None else recorded
        self.answered: set[str] = set()  # by what the endpoint called the model
        self.settings, self.manners = settings_of(self.endpoint.name), manners_of(self.endpoint.url, self.endpoint.name)
        known = self.store.manners(self.endpoint.name, self.endpoint.url)
        self.manners.changes = known | self.manners.changes | self.settings.changes()
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
        expects: Expects = ANSWER,
    ) -> Completion:
        """Answer a user prompt, or a list of {role, content}, from the store where it is known, else from the endpoint.

        `sample` tells apart several answers to one prompt, and is sent as the sampling seed. So many `top_logprobs` of
        the likeliest first tokens are returned. The endpoint is to hold the answer to the JSON `schema`.
        Raises CallFailed or EndpointFailed (which of them says `cce.models.endpoint`), ContextOverflow, SchemaRefused,
        BoundReached, StoreUnusable and NotRecorded, as `cce.errors` explains them.
        """
        messages = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        body = {"model": self.endpoint.name, "messages": messages, "temperature": temperature}
        body |= {"max_tokens": max_tokens, "sample": sample, "top_logprobs": top_logprobs}
        more = {"schema": schema, "extra_body": self.settings.extra_body}
        request = Request(body | {name: value for name, value in more.items() if value}, expects)
        if completion := self.store.get(request):
            self.bill.stored += 1
            self.bill.tokens += completion.tokens
        return self._usable(completion or await run_async(self._shared(request)), request)

    def cautions(self) -> list[str]:
        """What to say with the results: that several models answered to this name, and how it was asked otherwise."""
        told = f"{self.model} was answered by {len(self.answered)} models: {', '.join(sorted(self.answered))}"
        mixed = f"{told}; these results mix them: name the one that you mean, if the endpoint has a name for it"
        return [mixed] * (len(self.answered) > 1) + self.manners.told(self.model, ("system", "temperature", "seed"))

    async def _shared(self, request: Request) -> Completion:
        # Two callers with one question at the same time share one request; the last to give up cancels it.
        key = request.key
        if key not in self._asked:
            self._asked[key] = _heard(self._sent(request))
        task = self._asked[key]
        self._waiters[key] += 1
        try:
            return await asyncio.shield(task)
        finally:
            self._waiters[key] -= 1
            if not self._waiters[key]:
                task.cancel()
                del self._waiters[key], self._asked[key]

    async def _sent(self, request: Request) -> Completion:
        gate = _gate(url := self.endpoint.address(), self.concurrency)
        await gate.acquire()
        # What is under way will be paid for: it goes on to the store even where nobody waits any more.
        bought = _heard(self._bought(request, url))
        _under_way.add(bought)
        bought.add_done_callback(_under_way.discard)
        bought.add_done_callback(lambda _: gate.release())
        return await asyncio.shield(bought)

    async def _bought(self, request: Request, url: str) -> Completion:
        start = time.perf_counter()
        self.bill.sent += 1
        try:
            completion = await patient(self._again)(self._called_as_taken, request, url, start)
            _in_a_row[url] = 0
        # A reply that is no JSON, or not that of a completion, is a ValueError.
        except (openai.OpenAIError, TimeoutError, ValueError) as error:
            completion = self._refused(error, request, url, time.perf_counter() - start)
        completion = self.store.put(request, completion)
        self.bill.tokens += completion.tokens
        return completion

    def _again(self, _: object) -> None:
        self.bill.again += 1

    async def _called_as_taken(self, request: Request, url: str, start: float) -> Completion:
        # The first request of its kind goes alone where it holds what some models refuse: one refusal tells of all.
        if request.special <= self.manners.proven:
            return await self._called_politely(request, url, start)
        async with self.manners.finding_out:
            if not request.special <= self.manners.proven:
                completion = await self._called_politely(request, url, start)
                self.manners.proven |= request.special
                return completion
        return await self._called_politely(request, url, start)

    async def _called_politely(self, request: Request, url: str, start: float) -> Completion:
        while True:
            wire = self.manners.applied(request.wire_form())
            try:
                return await self._called(request, wire, url, start)
            except openai.APIStatusError as error:
                # Another call may have learnt the same meanwhile.
                known = self.manners.applied(request.wire_form()) != wire
                if not known and not self._learnt(wire, error):
                    raise

    def _learnt(self, wire: dict, error: openai.APIStatusError) -> bool:
        said = told_by(error)
        name = None if re.search(TOO_LONG, said, re.I) else self.manners.learn(wire, error.status_code, said)
        if name:
            self.store.keep_manners(self.endpoint.name, self.endpoint.url, self.manners.changes)
            print(*self.manners.told(self.model, (name,)), file=sys.stderr)
        return name is not None

    async def _called(self, request: Request, wire: dict, url: str, start: float) -> Completion:
        paid = Counter(calls=1)
        client = connections(url, self.concurrency, self.endpoint.key)
        async with BUDGET.reserve(self._most(wire)):
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    # The reply as it came: making objects of it costs as much as all else.
                    reply = await client.post("/chat/completions", body=wire, cast_to=httpx2.Response)
                said = json.loads(reply.content.decode(errors="replace"))
                completion = self._without_key(completion_of(said, time.perf_counter() - start))
                paid = self.price.of(completion.prompt_tokens, completion.completion_tokens)
                if request.body["top_logprobs"] and completion.first_token is None:
                    raise EndpointFailed(f"{self.model}: {WITHOUT_LOGPROBS}")
            finally:
                BUDGET.spent.update(paid)
                self.bill.dollars += paid["dollars"]
        return completion

    def _without_key(self, completion: Completion) -> Completion:
        # Some servers repeat it. In the JSON of a reply it may be written with escapes, here no more.
        masked, tokens = self.endpoint.masked, completion.first_token
        tokens = tokens and {masked(token): logprob for token, logprob in tokens.items()}
        texts = {
            name: masked(getattr(completion, name)) for name in ("text", "thinking", "finish", "model", "fingerprint")
        }
        # An engine of our own calls a model by the place of its file; the name that it was given is its digest.
        texts |= {} if self.endpoint.url else {"model": "", "fingerprint": ""}
        return replace(completion, first_token=tokens, **texts)

    def _most(self, wire: dict) -> Counter:
        # A token has a byte or more, and the chat template adds some: marks around messages, and a system prompt.
        prompt = 64 + sum(len(message["content"].encode()) for message in wire["messages"])
        return self.price.of(prompt, wire[self.manners.changes.get("max_tokens", "max_tokens")])

    def _refused(self, error: Exception, request: Request, url: str, seconds: float) -> Completion:
        # Refusals that another request gets round are stored as completions: a rerun or a replay must go the same way.
        status, said = getattr(error, "status_code", None), self._explained(error)
        if status in (400, 413) and re.search(TOO_LONG, said, re.I):
            return Completion("", "overflow", seconds=seconds)
        # What servers and gateways answer to a schema that they cannot hold a model to.
        if "schema" in request.body and status in (400, 415, 422, 501):
            return Completion(said[:500], "schema refused", seconds=seconds)
        if request.body["top_logprobs"] and refuses(said, "logprobs"):
            raise EndpointFailed(f"{self.model}: {said[:300]}; {WITHOUT_LOGPROBS}") from None
        # Neither a rate limit nor the refusal of one content says that others will fare no better.
        if status != 429 and not filtered(error):
            _in_a_row[url] += 1
        # The chain is cut: some servers repeat the key in their refusal.
        if hopeless(error):
            raise EndpointFailed(f"{self.model}: {said[:500]}; mend that, and the same command goes on") from None
        if _in_a_row[url] < FAILURES_IN_A_ROW:
            raise CallFailed(f"{self.model}: {said[:500]}") from None
        # Forgotten: the next run in this process may find the endpoint mended.
        said = f"{_in_a_row.pop(url)} calls in a row failed for good, such as: {said}"
        raise EndpointFailed(f"{self.model}: {said[:500]}") from None

    def _explained(self, error: Exception) -> str:
        if isinstance(error, openai.APIStatusError):
            return self.endpoint.masked(f"HTTP {error.status_code}: {told_by(error)}")
        url = self.endpoint.address()
        if hopeless(error):
            return f"no connection to {url}; is the server up?"
        if isinstance(error, TimeoutError | openai.APITimeoutError):
            return f"no whole reply from {url} in {TIMEOUT_SECONDS:g} s"
        return self.endpoint.masked(f"no completion from {url}: {error.__cause__ or error}")

    def _usable(self, completion: Completion, request: Request) -> Completion:
        if completion.finish == "schema refused":
            raise SchemaRefused(f"{self.model}: {completion.text}")
        if completion.model:
            self.answered.add(completion.model)
        context, wanted = self.endpoint.context, request.body["max_tokens"]
        cut_off = context and completion.finish == "length" and completion.tokens >= context
        if completion.finish == "overflow" or cut_off:
            raise ContextOverflow(f"{self.model}: the prompt leaves no room for an answer of {wanted} tokens")
        return completion
