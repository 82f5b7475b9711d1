"""Bounds on what this process may spend on completions: calls, tokens, US dollars. What the store has is free.

    from cce import spending
    spending.limit(max_calls=10_000, max_cost=5.0)

A call is made only if all those under way, at the most that they can cost, leave room for the most that it can cost:
no bound is ever passed. Near a bound calls wait for each other, and where there is no room left the run stops with
BoundReached; what was bought is in the store, and the same run under a higher bound goes on from there.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf

from cce.errors import BadInput, BoundReached

# A token has a byte or more. On top comes what the chat template adds: marks a message, and a system prompt.
TEMPLATE_TOKENS = 64


@dataclass(frozen=True)
class Amount:
    """So many calls, tokens of prompts and completions together, and US dollars."""

    calls: float = 0
    tokens: float = 0
    dollars: float = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.calls + other.calls, self.tokens + other.tokens, self.dollars + other.dollars)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.calls - other.calls, self.tokens - other.tokens, self.dollars - other.dollars)


UNBOUNDED = Amount(inf, inf, inf)
NAMES = {"calls": "max_calls", "tokens": "max_total_tokens", "dollars": "max_cost"}


class Purse:
    """What may be spent, what was, and what those under way may come to at most."""

    def __init__(self) -> None:
        self.bounds, self.spent, self.held, self.freed = UNBOUNDED, Amount(), Amount(), asyncio.Event()

    @asynccontextmanager
    async def room_for(self, most: Amount) -> AsyncIterator[None]:
        """Hold this much while the block runs, which pays what it really cost. Raises BoundReached where it cannot."""
        while bound := self._passed(most):
            if self.held == Amount():
                raise BoundReached(self._said(bound, most))
            self.freed.clear()
            await self.freed.wait()
        self.held += most
        try:
            yield
        finally:
            # Nothing held is exactly nothing, whatever adding and taking away left of the dollars.
            self.held = self.held - most if self.held.calls > most.calls else Amount()
            self.freed.set()

    def pay(self, amount: Amount) -> None:
        """Count what a call has cost."""
        self.spent += amount

    def _passed(self, most: Amount) -> str | None:
        total = self.spent + self.held + most
        return next((name for name in NAMES if getattr(total, name) > getattr(self.bounds, name)), None)

    def _said(self, bound: str, most: Amount) -> str:
        spent, next_one, allowed = (getattr(amount, bound) for amount in (self.spent, most, self.bounds))
        return (
            f"{NAMES[bound]} {allowed:,}: {spent:,.6g} spent, and the next call may take {next_one:,.6g}; "
            "what was bought is kept, and the same run with a higher bound goes on from there"
        )


PURSE = Purse()


def limit(*, max_calls: int | None = None, max_total_tokens: int | None = None, max_cost: float | None = None) -> None:
    """Let this process spend so much from now on, at most; None sets no bound.

    Args:
        max_calls: requests sent, those that are made again included.
        max_total_tokens: of prompts and completions together.
        max_cost: US dollars, by `cce.models.prices`. A model without a price is then refused before it is asked.

    Raises BadInput for a bound that is not a number above 0.
    """
    bounds = {"max_calls": max_calls, "max_total_tokens": max_total_tokens, "max_cost": max_cost}
    for name, bound in bounds.items():
        if bound is not None and not 0 < bound < inf:
            raise BadInput(f"{name} {bound}: a number above 0 is wanted, or none for no bound")
    PURSE.bounds = Amount(*(inf if bound is None else bound for bound in bounds.values()))
    PURSE.spent = Amount()
