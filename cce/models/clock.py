"""A virtual clock: what a user would wait for a result, in seconds of the models that it needed.

Every task carries how long its own path took so far. A completion adds the seconds that are stored with it, so a replay
tells the same; what runs at once (`cce.models.loop.together`) takes as long as its last part. The path is that of a
machine without queues, on which nothing waits for another pair.
"""

from collections.abc import Sequence
from contextvars import Context, ContextVar
from math import inf
from typing import NamedTuple

from cce.models.wire import Completion, Kind

STAGES = ("answer", "judgment", "removal", "final")


class Waited(NamedTuple):
    """Seconds waited by stage; infinite where a completion has none, as from a batch. `keys` are what has come by now:
    to need it again takes no time. `final` is the last judgment on the path, with the question for its letter.
    """

    answer: float = 0.0
    judgment: float = 0.0
    removal: float = 0.0
    final: float = 0.0
    keys: frozenset[str] = frozenset()

    @property
    def seconds(self) -> float:
        """How long the whole path took."""
        return self.answer + self.judgment + self.removal + self.final

    def after(self, kind: Kind, completion: Completion) -> "Waited":
        """What was waited once this completion has come as well."""
        if completion.key in self.keys:
            return self
        took = completion.seconds if completion.seconds > 0 else inf
        come = self._replace(keys=self.keys | {completion.key})
        if kind == "judgment":
            return come._replace(judgment=self.judgment + self.final, final=took)
        stage = {"letter": "final", "list": "judgment"}.get(kind, kind)
        return come._replace(**{stage: getattr(self, stage) + took})


BEGINNING = Waited()
WAITED: ContextVar[Waited] = ContextVar("waited", default=BEGINNING)


def began() -> None:
    """Start the clock of this task anew."""
    WAITED.set(BEGINNING)


def came(kind: Kind, completion: Completion) -> None:
    """A completion was waited for in this task."""
    WAITED.set(WAITED.get().after(kind, completion))


def joined(parts: Sequence[Context]) -> None:
    """This task has waited for all of these, which began when it had waited as long as it has."""
    ends = [part.get(WAITED, BEGINNING) for part in parts]
    if ends:
        last = max(ends, key=lambda waited: waited.seconds)
        WAITED.set(last._replace(keys=frozenset().union(*(end.keys for end in ends))))
