"""Landing: what has been sent when a run stops is paid for, and is waited for."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine

from cce.models.wire import Completion
from cce.text import tell

# Calls under way, and whether each is with its endpoint now.
under_way: dict[asyncio.Task, Callable[[], bool]] = {}
os.register_at_fork(after_in_child=under_way.clear)


async def landed(seconds: float) -> None:
    """Wait so long at most for what has been sent, and is paid for, so that it reaches the store; count down."""
    end, counting = time.monotonic() + seconds, True
    while sent := [task for task, is_sent in under_way.items() if is_sent()]:
        left = max(0.0, end - time.monotonic())
        if counting:
            said = f"stopping; {len(sent)} calls are under way and paid for: waiting {left:.0f} s at most"
            # Each second on a terminal, elsewhere once.
            counting = sys.stderr.isatty()
            tell(said, end="\r" if counting else "\n", file=sys.stderr, flush=True)
        if not left:
            return
        await asyncio.wait(sent, timeout=min(1, left))


def heard(work: Coroutine) -> asyncio.Task[Completion]:
    """A task whose failure, where nobody waits for it any more, is not complained about on standard error."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
