"""What completions cost, and bounds on what this process may spend on them. What the store has is free.

A call is made only if all those under way, at the most that they can cost, leave room for the most that it can cost:
no bound is ever passed. A reply that does not say credibly what it took is counted at that most. Near a bound calls
wait for each other, and where there is no room left the run stops with BoundReached; what was bought is in the store,
and the same run under a higher bound goes on from there. Stores note what was spent under a bound, so that the same
command does not begin anew each time.
"""

import asyncio
import csv
import hashlib
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from functools import cache
from math import inf
from operator import add
from pathlib import Path
from urllib.parse import urlsplit

from cce.errors import BadInput, BoundReached
from cce.models.settings import PerMillion, entries


@dataclass(frozen=True)
class Price:
    """US dollars per token of the prompt and of the completion."""

    prompt: float = 0.0
    completion: float = 0.0

    def of(self, prompt: int, completion: int) -> Counter:
        """What a call with so many tokens of a prompt and of a completion comes to: calls, tokens and dollars."""
        dollars = self.prompt * prompt + self.completion * completion
        return Counter(calls=1, tokens=prompt + completion, dollars=dollars)

    def times(self, share: float) -> "Price":
        """So much of this price."""
        return Price(self.prompt * share, self.completion * share)


@dataclass
class Bill:
    """What a run asked for: requests sent, completions from the store, tokens of both, calls made again, US dollars."""

    sent: int = 0
    stored: int = 0
    tokens: int = 0
    again: int = 0
    dollars: float = 0.0

    def __add__(self, other: "Bill") -> "Bill":
        return Bill(*map(add, astuple(self), astuple(other)))

    def __str__(self) -> str:
        asked = f"{self.sent:,} requests sent, {self.stored:,} from the store, {self.tokens:,} tokens"
        again = f", {self.again:,} made again" if self.again else ""
        return asked + again + (f", ${self.dollars:,.2f}" if self.dollars else "")


PRICED_BY = "name it as `price` in models.yaml, or in a file that CCE_PRICES names"
# Hosts whose batches cost half.
HALF_IN_BATCHES = ".api.openai.com", ".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"
# What is spent, and what the user calls the bound on it.
NAMES = {"calls": "max_calls", "tokens": "max_total_tokens", "dollars": "max_cost"}


class Budget:
    """What may be spent, what was, and what the calls under way may come to at most."""

    def __init__(self) -> None:
        self.bounds, self.spent, self.reserved, self.freed = {}, Counter(), Counter(), asyncio.Event()
        self.run, self.counted = "", set()

    @property
    def noted(self) -> str:
        """The name under which stores note what is spent; empty where nobody set a bound."""
        return self.run if self.bounds else ""

    def count(self, store: str, spent: Callable[[str], Counter]) -> None:
        """Add what this run spent before, as a store has it; each store once."""
        if self.noted and store not in self.counted:
            self.counted.add(store)
            self.spent.update(spent(self.run))

    @asynccontextmanager
    async def reserve(self, most: Counter) -> AsyncIterator[None]:
        """Reserve this much while the block runs, which adds its cost to `spent`. Raises BoundReached without room."""
        while passed := self._passed(most):
            if not self.reserved:
                raise BoundReached(passed)
            self.freed.clear()
            await self.freed.wait()
        self.reserved.update(most)
        try:
            yield
        finally:
            self.reserved.subtract(most)
            if not self.reserved["calls"]:
                self.reserved.clear()  # whatever adding and taking away left of the dollars
            self.freed.set()

    def _passed(self, most: Counter) -> str | None:
        for name, bound in self.bounds.items():
            spent, needed = self.spent[name], most[name]
            if spent + self.reserved[name] + needed > bound:
                known = f"{NAMES[name]} {bound:,}: {spent:,.6g} spent, and the next call may take {needed:,.6g}"
                return f"{known}; what was bought is kept, and the same run with a higher bound goes on from there"
        return None


BUDGET = Budget()
# What the parent has under way is the parent's.
os.register_at_fork(after_in_child=BUDGET.reserved.clear)


def limit(
    *,
    max_calls: int | None = None,
    max_total_tokens: int | None = None,
    max_cost: float | None = None,
    out: str | Path | None = None,
) -> None:
    """Let so much be spent for the results `out` at most, by this process and by those before it that had a bound and
    the same stores; without an `out` by this process from now on. None sets no bound.

    Calls are requests sent, also those that are made again; tokens are those of prompts and completions together; the
    cost is in US dollars. Under a bound on the cost a model without a known price is refused before it is asked.
    Raises BadInput for a bound that is not a number above 0.
    """
    bounds = {"calls": max_calls, "tokens": max_total_tokens, "dollars": max_cost}
    bounds = {name: bound for name, bound in bounds.items() if bound is not None}
    for name, bound in bounds.items():
        if not 0 < bound < inf:
            raise BadInput(f"{NAMES[name]} {bound}: a number above 0 is wanted, or none for no bound")
    BUDGET.bounds, BUDGET.spent, BUDGET.counted = bounds, Counter(), set()
    BUDGET.run = hashlib.sha256(os.fsencode(Path(out).resolve())).hexdigest()[:16] if out else ""


def price_of(model: str, url: str) -> Price | None:
    """The price of a model by its name, as the endpoint knows it; None where it is not known.

    The user's own word goes first: the model's settings, then the file that CCE_PRICES names; then the list of the
    package genai-prices, for the providers whose addresses it knows. Any other model is free without an address or at a
    loopback one. Raises BadInput where a file cannot be read.
    """
    if price := _entry(model, url):
        return Price(price.prompt / 1e6, price.completion / 1e6)
    own = _prices(file) if (file := os.environ.get("CCE_PRICES")) else {}
    if model in own:
        return own[model]
    return Price() if not url or on_loopback(url) else _listed(model, url)


def batch_share(model: str, url: str) -> float:
    """What a call in a batch costs of the price of a direct one: as the model's settings say, or half at OpenAI and
    Azure (https://platform.openai.com/docs/guides/batch); elsewhere 1, the full price. Raises BadInput as `price_of`.
    """
    if (price := _entry(model, url)) and price.batch is not None:
        return price.batch
    return 0.5 if f".{urlsplit(url).hostname}".endswith(HALF_IN_BATCHES) else 1.0


def _entry(model: str, url: str) -> PerMillion | None:
    """The price in the user's own settings of this model, as the endpoint knows it."""
    of_model = (each for name, each in entries().items() if each.price and (each.model or name) == model)
    return next((each.price for each in of_model if each.url.rstrip("/") in ("", url)), None)


@cache
def _listed(model: str, url: str) -> Price | None:
    # Takes a fifth of a second to load: not before it is needed.
    from genai_prices import Usage, calc_price

    # The price of short prompts: some models cost more above 200,000 tokens.
    tokens = 1000
    try:
        cost = calc_price(Usage(input_tokens=tokens, output_tokens=tokens), model, provider_api_url=url)
    except LookupError:
        return None
    return Price(float(cost.input_price) / tokens, float(cost.output_price) / tokens)


def checked_price(model: str, url: str) -> Price | None:
    """The same. Raises BadInput where an unknown price meets a bound on the cost."""
    if (price := price_of(model, url)) is None and "dollars" in BUDGET.bounds:
        raise BadInput(f"max_cost: no price is known for {model}; {PRICED_BY}")
    return price


def on_loopback(url: str) -> bool:
    """Whether this machine itself is at the address."""
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")


@cache
def _prices(file: str) -> dict[str, Price]:
    try:
        with open(file, encoding="utf-8", newline="") as lines:
            return {row["model"]: _price(row) for row in csv.DictReader(lines)}
    except (OSError, KeyError, TypeError, ValueError) as problem:
        wanted = "model, prompt and completion, the last two in US dollars per million tokens"
        raise BadInput(f"prices {file}: {problem}; CSV with the columns {wanted} is wanted") from problem


def _price(row: dict[str, str]) -> Price:
    prompt, completion = (float(row[name]) / 1e6 for name in ("prompt", "completion"))
    if not (prompt >= 0 and completion >= 0):
        raise ValueError(f"{row['model']}: a price of {row['prompt']} and {row['completion']}")
    return Price(prompt, completion)
