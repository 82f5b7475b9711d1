"""The progress bar: cases judged, time left, and what the run has cost so far in calls and tokens."""

import os
import sys
from typing import Protocol

from tqdm import tqdm


class Job(Protocol):
    """What a bar can follow: `work` to do, how much of it is `done`, and its `bill` in words.

    A job may have a word for its work, `doing`, where that is not judging.
    """

    work: list
    done: int

    def bill(self) -> str: ...


def bar_wanted() -> bool:
    """A bar is for eyes: on a terminal, in JupyterLab, or where `cce run` passes it on to a terminal."""
    return sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ or "CCE_PROGRESS" in os.environ


class Progress:
    """A bar over a job, and its bill as the closing line, on standard error."""

    def __init__(self, job: Job):
        self.job = job
        doing = getattr(job, "doing", "judging")
        self.bar = tqdm(total=len(job.work), desc=doing, unit="case", disable=not bar_wanted(), dynamic_ncols=True)

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
