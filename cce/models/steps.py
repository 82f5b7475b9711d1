"""Steps: one for each of many things, so many of them at once, under a progress bar."""

import os
import sys
import warnings
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from cce.errors import CallFailed, ResultsMissing
from cce.models.batch_lines import MOST_REQUESTS
from cce.models.client import LLM
from cce.models.clock import began
from cce.models.dry_run import DOING
from cce.models.landing import landed
from cce.models.loop import T, run, together
from cce.spending import Bill
from cce.text import tell, visible

Step = Callable[[T], Awaitable[Any]]


def bar_wanted() -> bool:
    """A bar is for eyes: on a terminal, in JupyterLab, or where `cce run` passes it on to a terminal."""
    return sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ or "CCE_PROGRESS" in os.environ


@contextmanager
def progress(doing: str, total: int, state: Callable[[], tuple[int, str]]) -> Iterator[Callable]:
    """A bar with the time left, on standard error, and what redraws it: the number done, and words, which close it."""
    bar = tqdm(total=total, desc=doing, unit="case", disable=not bar_wanted(), dynamic_ncols=True)

    def show() -> None:
        bar.n, words = state()
        bar.postfix = visible(words)
        bar.refresh()

    try:
        yield show
    finally:
        show()
        bar.close()
        tell(bar.postfix, file=sys.stderr)


def results(
    doing: str,
    total: int,
    models: Sequence[LLM],
    work: Iterable[T],
    step: Step,
    concurrency: int,
    keep: Callable[[Any], Any] = lambda result: result,
) -> list:
    """What `keep` keeps of the step's result for each of so many things, in their order and as soon as that allows.

    So many steps are taken at once for each address that is asked; in batches as many as one may have requests. Where a
    call fails for good the other things go on, so that all that can be bought is. Raises ResultsMissing after that.
    """
    things, waiting, kept, done, turn, failures = enumerate(work), {}, [], 0, 0, []

    async def worker() -> None:
        nonlocal done, turn
        for place, thing in things:
            began()
            DOING.set(thing)
            try:
                waiting[place] = [await step(thing)]
            except CallFailed as failure:
                waiting[place] = []
                failures.append(str(failure))
            while turn in waiting:
                kept.extend(map(keep, waiting.pop(turn)))
                turn += 1
            done += 1

    addresses = {model.endpoint.url for model in models if model.endpoint.url}
    # What goes into one batch is asked for at once.
    at_once = MOST_REQUESTS if any(model.collector for model in models) else concurrency
    workers = min(at_once * max(1, len(addresses)), total)
    with progress(doing, total, lambda: (done, str(sum((model.bill for model in models), Bill())))) as show:
        try:
            run(together(worker() for _ in range(workers)), tick=show)
        except BaseException:
            run(landed(max((model.landing for model in models), default=0)))
            # What breaks off leaves what was there out of order, too.
            kept.extend(keep(result) for place in sorted(waiting) for result in waiting[place])
            raise
    for said in dict.fromkeys(said for model in models for said in model.cautions()):
        warnings.warn(visible(said), stacklevel=4)
    if failures:
        raise ResultsMissing(missing_in_words(doing, len(failures), total, failures[0]))
    return kept


def missing_in_words(doing: str, missing: int, of: int, reason: object) -> str:
    """What to say of missing results, and what to do about them."""
    return f"{doing}: {missing:,} of {of:,} are missing, such as for this reason: {reason}; run again to ask for these"
