"""A batch: one step for each of many things, so many of them at once, under a progress bar."""

import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from tqdm import tqdm

from cce.errors import CallFailed, ResultsMissing
from cce.models.client import LLM, landed
from cce.models.loop import run, together
from cce.spending import Bill

T = TypeVar("T")


class Job(Protocol):
    """What a bar can follow: what is being done, how much of it there is, how much is done, and its bill in words."""

    doing: str
    total: int
    done: int

    def bill(self) -> str: ...


def bar_wanted() -> bool:
    """A bar is for eyes: on a terminal, in JupyterLab, or where `cce run` passes it on to a terminal."""
    return sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ or "CCE_PROGRESS" in os.environ


class Progress:
    """A bar over a job, with the time left; the job's bill is its closing line. Both go to standard error."""

    def __init__(self, job: Job):
        self.job = job
        self.bar = tqdm(total=job.total, desc=job.doing, unit="case", disable=not bar_wanted(), dynamic_ncols=True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        self.show()
        self.bar.close()
        print(self.job.bill(), file=sys.stderr)

    def show(self) -> None:
        """Redraw the bar as the job stands now."""
        self.bar.n = self.job.done
        self.bar.set_postfix_str(self.job.bill())


@dataclass
class Batch:
    """What is being done (`doing`, for the bar), how many things there are, and the models that are asked."""

    doing: str
    total: int
    models: Sequence[LLM]
    done: int = 0
    failures: list[str] = field(default_factory=list)

    def run(self, work: Iterable[T], step: Callable[[T], Awaitable[None]], concurrency: int) -> None:
        """Take the step with each thing; a new one starts when another is done.

        So many are in work at once for each address that is asked. A thing whose call failed for good is counted among
        the failures, and the others go on, so that all that can be bought is.
        """
        things = iter(work)

        async def worker() -> None:
            for thing in things:
                try:
                    await step(thing)
                except CallFailed as failure:
                    self.failures.append(str(failure))
                self.done += 1

        addresses = {model.endpoint.url for model in self.models if model.endpoint.url}
        workers = min(concurrency * max(1, len(addresses)), self.total)
        with Progress(self) as progress:
            try:
                run(together(worker() for _ in range(workers)), tick=progress.show)
            except BaseException:
                landed()
                raise

    def bill(self) -> str:
        """What has been asked for so far."""
        return str(sum((model.bill for model in self.models), Bill()))


def results(
    doing: str, work: Sequence[T], models: Sequence[LLM], step: Callable[[T], Awaitable[Any]], concurrency: int
) -> list:
    """What the step makes of each thing, in their order. Raises ResultsMissing where calls failed for good."""
    batch, found = Batch(doing, len(work), models), [None] * len(work)

    async def kept(numbered: tuple[int, T]) -> None:
        place, thing = numbered
        found[place] = await step(thing)

    batch.run(enumerate(work), kept, concurrency)
    if batch.failures:
        raise ResultsMissing(missing_in_words(doing, len(batch.failures), len(work), batch.failures[0]))
    return found


def missing_in_words(doing: str, missing: int, of: int, reason: object) -> str:
    """What is to be said of results that are missing, and what to do about it."""
    return f"{doing}: {missing:,} of {of:,} are missing, such as for this reason: {reason}; run again to ask for these"
