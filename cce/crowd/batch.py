"""A batch: one step for each of many things, so many of them at once, under a progress bar."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cce.errors import BadInput
from cce.models.client import LLM, Bill
from cce.models.loop import run, together
from cce.models.progress import Progress


@dataclass
class Batch:
    """What is being done (`doing`, for the bar), the things to do it with, and the models that are asked."""

    doing: str
    work: Sequence[Any]
    models: Sequence[LLM]
    done: int = 0

    def results(self, step: Callable[[Any], Awaitable[Any]], concurrency: int) -> list:
        """What the step makes of each thing, in their order; a new one starts when another is done.

        Raises BadInput for a concurrency below one.
        """
        if concurrency < 1:
            raise BadInput(f"concurrency {concurrency}: at least one at a time")
        gate = asyncio.Semaphore(concurrency)

        async def one(thing: Any) -> Any:
            async with gate:
                result = await step(thing)
            self.done += 1
            return result

        with Progress(self) as progress:
            return run(together(map(one, self.work)), tick=progress.show)

    def bill(self) -> str:
        """What has been asked for so far."""
        return str(sum((model.bill for model in self.models), Bill()))
