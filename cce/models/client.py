"""LLM: one model behind an OpenAI-compatible endpoint, with a store, a bound and a bill."""

import asyncio
from collections import Counter
from pathlib import Path

from cce.errors import ContentRefused, ContextOverflow, EndpointFailed, SchemaRefused
from cce.models.batch_files import BatchFiles
from cce.models.batches import batches_of, check_none_waits
from cce.models.calls import WITHOUT_LOGPROBS, Caller
from cce.models.collector import Collector
from cce.models.dry_run import DryRun
from cce.models.endpoint import endpoint_of
from cce.models.landing import heard
from cce.models.loop import run, run_async
from cce.models.manners import manners_of
from cce.models.settings import settings_of
from cce.models.store import open_store
from cce.models.wire import ANSWER, Completion, Expects, Messages, Request
from cce.names import short_name
from cce.options import DEFAULTS, Options
from cce.spending import BUDGET, Bill, Price, batch_share, checked_price

# No server's is smaller, in tokens: a shorter prompt with its answer fits.
SMALLEST_CONTEXT = 2048


class LLM:
    """A model, named `NAME`, `NAME@BASE_URL`, `embedded`, `embedded-judge`, or by the folder of a trained student.

    LLM("my-model@http://localhost:8000/v1", store="runs/store.sqlite").complete("Say hello.")

    The key is read from the environment. Of `Options`, store, concurrency, batch, batch_files and dry_run count here; a
    model of this machine takes one request at a time, and no batches. Raises BadInput at once for a bad name, a bad
    bound, a missing key, or a store whose batches are another process's.
    """

    def __init__(self, model: str, options: Options = DEFAULTS, **changes):
        options = options.but(**changes)
        # A dry run makes no store where none is.
        recorded = None if options.dry_run else open_store(options.store)
        asks = recorded is not None and not recorded.replay and not options.batch_files
        self.endpoint = endpoint_of(model, needs_key=asks)
        self.model, self.bill, self.landing = model, Bill(), options.landing
        self.settings = settings_of(model)
        # What records tell: None where it is not known, and that of direct calls whether or not these go in batches.
        self.listed_price = checked_price(self.endpoint.name, self.endpoint.url)
        self.price = self.listed_price or Price()
        self.concurrency = self.endpoint.concurrency or options.concurrency
        self.collector, self.direct = None, options.batch and not self.endpoint.url
        place = self.endpoint.url, self.concurrency
        self.store = DryRun(options.dry_run, options.store, *place) if recorded is None else recorded
        if not (options.dry_run or self.store.replay):
            BUDGET.count(str(self.store.path), self.store.spent)
            self.collector = self._collector(options)
        self.answered: set[str] = set()  # by what the endpoint called the model
        # By the user's name: one model may be asked in two ways, of which it takes more in one.
        self.manners = manners_of(self.endpoint.url, short_name(model))
        known = self.store.manners(short_name(model), self.endpoint.url)
        self.manners.changes = known | self.manners.changes | self.settings.changes()
        self.address = (self.settings.same_as or self.endpoint.url).rstrip("/")
        kept = self.store, self.price, self.bill, self.concurrency, self.collector
        self.caller = Caller(model, self.endpoint, self.settings, self.manners, *kept)
        self._asked: dict[str, asyncio.Task[Completion]] = {}
        self._waiters: Counter[str] = Counter()

    def _collector(self, options: Options) -> Collector | None:
        """What sends this model's requests together; its price is then that of a batch."""
        name, url = self.endpoint.name, self.endpoint.url
        if url and options.batch_files:
            self.price = Price()
            return BatchFiles(self.endpoint, self.model, self.store, Path(options.batch_files))
        if url and options.batch:
            self.price = self.price.times(batch_share(name, url))
            return batches_of(self.store, self.endpoint, self.concurrency)
        check_none_waits(self.store, self.endpoint)
        return None

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
        request = Request(body | {name: value for name, value in more.items() if value}, expects, self.address)
        return self._usable(self._stored(request) or await run_async(self._shared(request)), request)

    def cautions(self) -> list[str]:
        """What to say with the results: that several models answered to this name, and how it was asked otherwise."""
        names, warmth = ", ".join(sorted(self.answered)), self.settings.temperature
        uncounted = f"{self.model}: {self.caller.unsaid} replies did not say credibly what they took"
        damaged = f"store {self.store.path}: {len(self.store.damaged)} damaged rows were left out, and asked for again"
        mixed = "these results mix them: name the one that you mean, if the endpoint has a name for it"
        own = {
            f"{self.model} was answered by {len(self.answered)} models: {names}; {mixed}": len(self.answered) > 1,
            f"{self.model} is asked at temperature {warmth}, as its settings say": warmth is not None,
            f"{uncounted}; the most that they could is counted": self.caller.unsaid and BUDGET.bounds,
            damaged: self.store.damaged,
            f"{self.model} has no address, and so no batches: it was asked directly": self.direct,
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
            self._asked[key] = heard(self._sent(request))
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
        return self._stored(request) or await self.caller.sent(request)

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
