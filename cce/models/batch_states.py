"""What a provider says of a batch: whether it has ended, how far it is, and why it has no answer."""

import time

from openai.types import Batch as State

ENDED = "completed", "failed", "expired", "cancelled"


def progress(state: State) -> str:
    """How far it is, and when the last of its requests will be done at this pace."""
    counts = state.request_counts
    if not (counts and counts.total):
        return f"a batch is {state.status}"
    done = counts.completed + counts.failed
    said = f"{done:,} of {counts.total:,} requests of a batch are done, {counts.failed:,} of them failed"
    if not (0 < done < counts.total and state.in_progress_at):
        return said
    left = (time.time() - state.in_progress_at) * (counts.total - done) / done
    return f"{said}; the last at about {time.strftime('%H:%M', time.localtime(time.time() + left))}"


def _errors(ended: State) -> list:
    return (ended.errors and ended.errors.data) or []


def why(ended: State) -> str:
    """Why a request has no answer in a batch that ended."""
    told = "; ".join(str(error.message or error.code) for error in _errors(ended))
    return f"batch {ended.id} {ended.status} without an answer to this" + (f": {told}" if told else "")


def beyond_limit(ended: State | None) -> bool:
    """Whether it failed as a whole, since the provider bounds the tokens that wait in all batches of a model."""
    return bool(ended) and any(error.code == "token_limit_exceeded" for error in _errors(ended))
