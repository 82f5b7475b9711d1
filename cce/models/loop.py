"""One event loop in a background thread, on which everything runs that talks to a model.

A notebook cell already runs inside one, where `asyncio.run` is refused; and connections belong to the loop they are of.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import wait
from contextvars import copy_context
from functools import cache
from typing import Any, TypeVar

from cce.models.clock import joined

T = TypeVar("T")


def heed_schedulers() -> None:
    """Let SIGTERM and SIGHUP, which job schedulers and closed terminals send, stop this process as Ctrl-C does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup a hangup is ignored, and stays so.
        if threading.current_thread() is threading.main_thread() and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


@cache
def background_loop() -> asyncio.AbstractEventLoop:
    """The loop, started on first use."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="cce-loop", daemon=True).start()
    return loop


# A forked process has the loop, but not the thread in which it runs.
os.register_at_fork(after_in_child=background_loop.cache_clear)


def run(work: Coroutine[Any, Any, T], tick: Callable[[], None] | None = None) -> T:
    """Run a coroutine on the background loop and wait for its result; an interrupt cancels it.

    `tick` is called twice a second meanwhile, in the caller's thread: what it prints belongs to their notebook cell.
    """
    future = asyncio.run_coroutine_threadsafe(work, background_loop())
    try:
        while tick and not future.done():
            wait([future], timeout=0.5)
            tick()
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all coroutines; the first failure cancels the others and is raised.

    On the clock (`cce.models.clock`) it takes as long as the last of them.
    """
    work = list(work)
    if len(work) == 1:  # most often, and a task more would cost as much as a replayed completion
        return [await work[0]]
    contexts = [copy_context() for _ in work]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part, context=context) for part, context in zip(work, contexts, strict=True)]
        joined(contexts)
        return [task.result() for task in tasks]
    except ExceptionGroup as failures:
        first = failures.exceptions[0]
    # Raised out here: an error that has a group in its context is no error to a notebook, whose run then says nothing.
    raise first


async def run_async(work: Coroutine[Any, Any, T]) -> T:
    """The same from async code, on whichever loop the caller runs."""
    if asyncio.get_running_loop() is background_loop():
        return await work
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, background_loop()))
