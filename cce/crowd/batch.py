"""A batch: one step for each of many things, so many of them at once, under a progress bar."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cce.errors import BadInput, CallFailed, ResultsMissing
from cce.models.bill import Bill
from cce.models.client import LLM, landed
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

        So many are in work at once for each address that is asked. A thing whose call failed for good is left until
        the others are done, so that all that can be bought is.
        Raises BadInput for a concurrency below one, ResultsMissing where calls failed for good.
        """
        if concurrency < 1:
            raise BadInput(f"concurrency {concurrency}: at least one at a time")
        results, places, failures = [None] * len(self.work), iter(range(len(self.work))), []

        async def worker() -> None:
            for place in places:
                try:
                    results[place] = await step(self.work[place])
                except CallFailed as failure:
                    failures.append(failure)
                self.done += 1

        workers = concurrency * max(1, len({model.endpoint.url for model in self.models if model.endpoint.url}))
        self._run(together(worker() for _ in range(min(workers, len(self.work)))))
        if failures:
            raise ResultsMissing(missing_in_words(self.doing, len(failures), len(self.work), failures[0]))
        return results

    def bill(self) -> str:
        """What has been asked for so far."""
        return str(sum((model.bill for model in self.models), Bill()))

    def _run(self, work: Any) -> None:
        with Progress(self) as progress:
            try:
                run(work, tick=progress.show)
            except BaseException:
                landed()
                raise


def missing_in_words(doing: str, missing: int, of: int, reason: object) -> str:
    """What is to be said of results that are missing, and what to do about it."""
    return f"{doing}: {missing:,} of {of:,} are missing, such as for this reason: {reason}; run again to ask for these"
