"""Rounds: a run whose completions are made elsewhere, by batch files that are written, answered and read.

A round takes every pair as far as the store allows, and writes down what it needs next; with the results read in, the
next one goes on from there. CCE has four.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx2

from cce.errors import BadInput, EndpointFailed, NotebookFailed
from cce.models.batch_files import asked_in
from cce.models.client import LLM
from cce.models.loop import run, together
from cce.models.replies import parsed
from cce.models.wire import Request
from cce.runner import NOTHING, checked, elsewhere, execute


class Taken(NamedTuple):
    """Of one model's requests: how many have their answers in the store, failed, were answered by another model, and
    are left without a result.
    """

    model: str
    kept: int
    failed: int
    foreign: int
    left: int


def write_round(
    profile: str, folder: Path, notebooks: Sequence[str] | None = None, by_hand: Mapping[str, object] = NOTHING
) -> Counter:
    """Write what a profile's notebooks, all or those named, need next into a new folder; by model, how many requests.

    Models of this machine answer at once; no other is asked. What the notebooks make of it is thrown away.
    Raises BadInput for a folder that holds anything, and what `cce.runner.run_profile` raises.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder}: it is there already; name a new folder for each round")
    with TemporaryDirectory(prefix="cce-round-") as aside:
        for stem, parameters in checked(profile, notebooks, by_hand):
            _pass(stem, parameters, folder.absolute(), Path(aside))
    return Counter(asked.model for asked in asked_in(folder))


def _pass(stem: str, parameters: dict, folder: Path, aside: Path) -> None:
    before = len(asked_in(folder))
    try:
        # Like `dry_run`, an option that notebooks do not declare.
        given = elsewhere(stem, parameters, aside) | {"batch_files": str(folder)}
        execute(stem, aside / f"{stem}.ipynb", given, quiet=True)
    except NotebookFailed:
        # Most can make nothing of judgments that are missing.
        if len(asked_in(folder)) == before:
            raise


def read_round(folder: Path) -> Iterator[Taken]:
    """Take the results that lie in a folder into the stores of the run that asked for them; by model, how that went.

    Raises BadInput for a folder that no round was written to.
    """
    wanted = defaultdict(list)
    for asked in asked_in(folder):
        wanted[asked.model, asked.store].append(asked)
    if not wanted:
        raise BadInput(f"{folder}: nothing is asked for there; `cce batch write RUN {folder}` writes what a run needs")
    for (model, store), rows in wanted.items():
        llm = LLM(model, store=store or None, batch_files=folder)
        became = Counter(run(together(_became(llm, asked.request) for asked in rows)))
        yield Taken(model, *(became[name] for name in Taken._fields[1:]))


async def _became(llm: LLM, request: Request) -> str:
    """What became of a request, by its field of Taken."""
    reply = llm.collector.results.get(request.key)
    if llm.store.get(request):
        return "kept"
    if reply is None:
        return "left"
    if not _is_of(request.body["model"], reply):
        return "foreign"
    try:
        await llm.caller.sent(request)
        return "kept"
    except EndpointFailed:
        return "failed"


def _is_of(model: str, reply: httpx2.Response) -> bool:
    # Providers answer as a dated version of what they were asked for; a refusal names no model.
    body = parsed(reply.content)
    told = body.get("model") if isinstance(body, dict) else None
    return not told or str(told).startswith(model)
