"""LLM: one model behind an OpenAI-compatible endpoint, with a store, a bound and a bill."""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, replace

import httpx2
import openai

from cce.errors import CallFailed, ContentRefused, ContextOverflow, EndpointFailed, SchemaRefused
from cce.models import failures
from cce.models.dry_run import DryRun
from cce.models.endpoint import connections, endpoint_of
from cce.models.loop import run, run_async
from cce.models.manners import manners_of, refuses
from cce.models.pace import Pace, Turn, pace_of
from cce.models.replies import completion_of
from cce.models.settings import settings_of
from cce.models.store import open_store
from cce.models.wire import ANSWER, Completion, Expects, Messages, Request, without_special_tokens
from cce.names import short_name
from cce.options import DEFAULTS, Options
from cce.spending import BUDGET, Bill, checked_price

# No server's is smaller, in tokens: a shorter prompt with its answer fits.
SMALLEST_CONTEXT = 2048
WITHOUT_LOGPROBS = 'it tells no log-probabilities: read verdicts from its text, by verdict="text"'
# An endpoint at which so many calls in a row failed for good will fail the others too.
FAILURES_IN_A_ROW = 20
# By address: calls that failed for good since the last that did not.
_in_a_row: Counter[str] = Counter()
_under_way: set[asyncio.Task] = set()


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


@dataclass(eq=False)
class Call:
    """A request on its way to an address, begun at `start`, with its turn there."""

    request: Request
    url: str
    pace: Pace
    turn: Turn
    start: float = 0.0

    async def rest(self, seconds: float) -> None:
        """Let others go first for so many seconds, and wait for a new turn."""
        self.pace.leave(self.turn)
        await asyncio.sleep(seconds)
        self.turn = Turn(self.turn.tokens)
        await self.pace.take(self.turn)


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
        self.settings = settings_of(model)
        self.price = checked_price(self.endpoint.name, self.endpoint.url)
        self.concurrency = self.endpoint.concurrency or options.concurrency
        place = self.endpoint.url, self.concurrency
        self.store = DryRun(options.dry_run, options.store, *place) if recorded is None else recorded
        self.answered: set[str] = set()  # by what the endpoint called the model
        # By the user's name: one model may be asked in two ways, of which it takes more in one.
        self.manners = manners_of(self.endpoint.url, short_name(model))
        known = self.store.manners(short_name(model), self.endpoint.url)
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
        Raises CallFailed or EndpointFailed (which of them says `cce.models.failures`), ContextOverflow, SchemaRefused,
        BoundReached, StoreUnusable and NotRecorded, as `cce.errors` explains them.
        """
        messages = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        if schema and self.manners.changes.get("schema"):
            raise SchemaRefused(f"{self.model} takes no schema")
        if top_logprobs and "logprobs" in self.settings.refuses:
            raise EndpointFailed(f"{self.model}: by its settings {WITHOUT_LOGPROBS}")
        warmth = temperature if self.settings.temperature is None else self.settings.temperature
        body = {"model": self.endpoint.name, "messages": messages, "temperature": warmth}
        body |= {"max_tokens": max_tokens, "sample": sample, "top_logprobs": top_logprobs}
        more = {"schema": schema, "extra_body": self.settings.extra_body}
        request = Request(body | {name: value for name, value in more.items() if value}, expects)
        return self._usable(self._stored(request) or await run_async(self._shared(request)), request)

    def cautions(self) -> list[str]:
        """What to say with the results: that several models answered to this name, and how it was asked otherwise."""
        names, warmth = ", ".join(sorted(self.answered)), self.settings.temperature
        mixed = "these results mix them: name the one that you mean, if the endpoint has a name for it"
        own = {
            f"{self.model} was answered by {len(self.answered)} models: {names}; {mixed}": len(self.answered) > 1,
            f"{self.model} is asked at temperature {warmth}, as its settings say": warmth is not None,
        }
        told = self.manners.told(self.model, ("system", "temperature", "seed"))
        return [said for said, true in own.items() if true] + told

    def _stored(self, request: Request) -> Completion | None:
        completion = self.store.get(request)
        # What one content was refused for may be taken by now; a replay goes the way that the run went.
        if completion is None or (completion.finish == "refused" and not self.store.replay):
            return None
        self.bill.stored += 1
        self.bill.tokens += completion.tokens
        return completion

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
        # Since this caller looked, the answer to another one may have come.
        if known := self._stored(request):
            return known
        settings, url = self.settings, self.endpoint.address()
        pace = pace_of(url, self.concurrency, settings.requests_a_minute, settings.tokens_a_minute)
        # Providers that count tokens a minute count the longest answer for the answer.
        call = Call(request, url, pace, Turn(_size(request.body) // 4 + request.body["max_tokens"]))
        await pace.take(call.turn)
        # What is under way will be paid for: it goes on to the store even where nobody waits any more.
        bought = _heard(self._bought(call))
        _under_way.add(bought)
        bought.add_done_callback(_under_way.discard)
        bought.add_done_callback(lambda _: pace.leave(call.turn))
        return await asyncio.shield(bought)

    async def _bought(self, call: Call) -> Completion:
        call.start = time.perf_counter()
        self.bill.sent += 1
        try:
            completion = await failures.patient(call.pace, self._again, call.rest)(self._called_as_taken, call)
            _in_a_row[call.url] = 0
        # A reply that is no JSON, or not that of a completion, is a ValueError.
        except (openai.OpenAIError, TimeoutError, ValueError) as error:
            completion = self._refused(error, call)
        completion = self.store.put(call.request, completion)
        self.bill.tokens += completion.tokens
        return completion

    def _again(self, _: object) -> None:
        self.bill.again += 1

    async def _called_as_taken(self, call: Call) -> Completion:
        # The first request of its kind goes alone where it holds what some models refuse: one refusal tells of all.
        special = call.request.special
        if special <= self.manners.proven:
            return await self._called_politely(call)
        async with self.manners.finding_out:
            if not special <= self.manners.proven:
                completion = await self._called_politely(call)
                self.manners.proven |= special
                return completion
        return await self._called_politely(call)

    async def _called_politely(self, call: Call) -> Completion:
        while True:
            wire = self._as_taken(call.request)
            try:
                return await self._called(call, wire)
            except openai.APIStatusError as error:
                if failures.limited(error):
                    call.pace.refused(call.turn, failures.wait_asked(error))
                # Another call may have learnt the same meanwhile.
                known = self._as_taken(call.request) != wire
                if not known and self._learnt(wire, error) in (None, "schema"):
                    raise

    def _as_taken(self, request: Request) -> dict:
        wire = self.manners.applied(request.wire_form())
        # What becomes of special tokens on an engine of somebody else's is its own matter.
        return wire if self.endpoint.url else wire | {"messages": without_special_tokens(wire["messages"])}

    def _learnt(self, wire: dict, error: openai.APIStatusError) -> str | None:
        name = (
            None if failures.too_long(error) else self.manners.learn(wire, error.status_code, failures.told_by(error))
        )
        if name:
            self.store.keep_manners(short_name(self.model), self.endpoint.url, self.manners.changes)
            print(*self.manners.told(self.model, (name,)), file=sys.stderr)
        return name

    async def _called(self, call: Call, wire: dict) -> Completion:
        paid = Counter(calls=1)
        sent_by = self.endpoint.key, self.endpoint.key_header, self.endpoint.headers
        client = connections(call.url, self.concurrency, *sent_by)
        async with BUDGET.reserve(self._most(wire)):
            try:
                async with asyncio.timeout(failures.TIMEOUT_SECONDS):
                    # The reply as it came: making objects of it costs as much as all else.
                    reply = await client.post("/chat/completions", body=wire, cast_to=httpx2.Response)
                said = json.loads(reply.content.decode(errors="replace"))
                if refusal := failures.refusal_in(said, reply):
                    raise refusal
                completion = self._without_key(completion_of(said, time.perf_counter() - call.start))
                paid = self.price.of(completion.prompt_tokens, completion.completion_tokens)
                call.pace.answered(call.turn, completion.tokens, reply.headers)
                if call.request.body["top_logprobs"] and completion.first_token is None:
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
        return self.price.of(64 + _size(wire), wire[self.manners.changes.get("max_tokens", "max_tokens")])

    def _refused(self, error: Exception, call: Call) -> Completion:
        # Refusals that another request gets round are stored as completions: a rerun or a replay must go the same way.
        body, status = call.request.body, getattr(error, "status_code", None)
        said = failures.in_words(error, call.url, self.endpoint.key)
        if failures.too_long(error):
            return Completion("", "overflow", seconds=time.perf_counter() - call.start)
        # What servers and gateways answer to a schema that they cannot hold a model to.
        if "schema" in body and status in (400, 415, 422, 501):
            return Completion(said, "schema refused", seconds=time.perf_counter() - call.start)
        if body["top_logprobs"] and refuses(said, "logprobs"):
            raise EndpointFailed(f"{self.model}: {said}; {WITHOUT_LOGPROBS}") from None
        # Neither the refusal of one content nor a rate limit says that others will fare no better.
        if failures.filtered(error):
            return Completion(said, "refused", seconds=time.perf_counter() - call.start)
        # The chain is cut: some servers repeat the key in their refusal.
        if failures.hopeless(error):
            raise EndpointFailed(f"{self.model}: {said}; mend that, and the same command goes on") from None
        _in_a_row[call.url] += status != 429
        if _in_a_row[call.url] < FAILURES_IN_A_ROW:
            raise CallFailed(f"{self.model}: {said}") from None
        # Forgotten: the next run in this process may find the endpoint mended.
        said = f"{_in_a_row.pop(call.url)} calls in a row failed for good, such as: {said}"
        raise EndpointFailed(f"{self.model}: {said}") from None

    def _usable(self, completion: Completion, request: Request) -> Completion:
        if completion.finish == "schema refused":
            raise SchemaRefused(f"{self.model}: {completion.text}")
        if completion.finish == "refused":
            raise ContentRefused(f"{self.model}: {completion.text}")
        if completion.model:
            self.answered.add(completion.model)
        if completion.finish == "overflow" or self._cut_by_context(completion, request):
            wanted = request.body["max_tokens"]
            raise ContextOverflow(f"{self.model}: the prompt leaves no room for an answer of {wanted} tokens")
        return completion

    def _cut_by_context(self, completion: Completion, request: Request) -> bool:
        # Ollama, for one, says nothing where the context is full: the answer ends before as many tokens as were wanted.
        if completion.finish != "length":
            return False
        wanted, context = self.manners.longest(request.body["max_tokens"]), self.endpoint.context
        too_soon = 0 < completion.completion_tokens < wanted
        full = completion.tokens >= context if context else completion.prompt_tokens + wanted > SMALLEST_CONTEXT
        return full and (too_soon or context is not None)


def _size(body: dict) -> int:
    # Of all that is said, in bytes.
    return sum(len(message["content"].encode()) for message in body["messages"])
