"""Commits that many share: what arrives while the disk is busy is committed together, in a thread of its own."""

import asyncio
from collections.abc import Callable, Sequence

from cce.errors import StoreUnusable

Statement = tuple[str, tuple]  # SQL and its values


class Commits:
    """Statements on their way to the disk; `write` commits several as one transaction. All is on one event loop."""

    def __init__(self, write: Callable[[Sequence[Statement]], None]):
        self.write = write
        self.waiting: list[tuple[Statement, asyncio.Future]] = []
        self.task: asyncio.Task | None = None

    async def commit(self, statement: Statement) -> None:
        """Return once it is on the disk. Raises StoreUnusable where it, or one that shares its commit, cannot be."""
        done = asyncio.get_running_loop().create_future()
        self.waiting.append((statement, done))
        self.task = self.task or asyncio.ensure_future(self._commit_all())
        await done

    async def _commit_all(self) -> None:
        # One commit after the other: under load a commit costs each of its statements next to nothing.
        while self.waiting:
            batch, self.waiting = self.waiting, []
            failed = None
            try:
                await asyncio.to_thread(self.write, [statement for statement, _ in batch])
            except StoreUnusable as error:
                failed = error
            for _, done in batch:
                if not done.cancelled():
                    done.set_exception(failed) if failed else done.set_result(None)
        self.task = None
