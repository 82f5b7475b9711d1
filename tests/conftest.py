"""Shared fixtures: a planted server, planted pairs, and an environment without the user's own settings."""

import pytest

from cce.benchmarks.pair import Pair
from tests.fake_server import FakeServer


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    """No key, store or setting of the user's shell reaches a test."""
    for name in ("CCE_REPLAY", "CCE_PLAN", "CCE_API_KEY", "CCE_PROGRESS", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    """A fake server with planted qualities."""
    with FakeServer() as running:
        yield running


def planted_pair(place: int, a: int, b: int, **fields) -> Pair:
    """A pair whose answers have the qualities a and b; the better one is labelled."""
    return Pair(
        id=f"pair-{place}",
        instruction=f"Question {place}?",
        answer_a=f"Answer one to {place}, quality={a}.",
        answer_b=f"Answer two to {place}, quality={b}.",
        label="A" if a > b else "B",
        benchmark="planted",
        **fields,
    )


# No quality equals one of the crowd's 1, 4 and 9.
QUALITIES = [(2, 7), (3, 6), (6, 5), (5, 3), (2, 8), (8, 3)]


@pytest.fixture
def pairs() -> list[Pair]:
    """Six pairs, A better in three of them."""
    return [planted_pair(place, a, b) for place, (a, b) in enumerate(QUALITIES)]
