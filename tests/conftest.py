"""Shared fixtures: a planted server, planted pairs, and an environment without the user's own settings."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from cce import runner
from cce.benchmarks.pair import Pair
from tests.fake_server import FakeServer


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """All tests take three processes, of which one often waits for a server; a file that is named takes none."""
    return 3 if config.args == ["tests"] else 0


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    """No key, store or setting of the user's shell reaches a test."""
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    for name in (
        "CCE_REPLAY",
        "CCE_API_KEY",
        "CCE_MODELS",
        "CCE_PROGRESS",
        "CCE_RUN",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in (*proxies, *map(str.lower, proxies)):
        monkeypatch.delenv(name, raising=False)


# Nothing but the pages of the tests is asked for.
QUIET = ["disable-background-networking", "disable-component-update", "disable-sync", "no-first-run", "disable-quic"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of this machine's, without a window; a test that needs one is left out where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("no Chromium on this machine: on Debian, apt-get install chromium")
    with sync_playwright() as driver:
        # Without its sandbox, since root may not have one; it opens the tests' own pages alone.
        flags = [f"--{flag}" for flag in (*QUIET, "no-sandbox", "disable-gpu")]
        running = driver.chromium.launch(executable_path=found, args=flags)
        yield running
        running.close()


@pytest.fixture
def server():
    """A fake server with planted qualities."""
    with FakeServer() as running:
        yield running


def given_by(file: Path) -> dict:
    """What a notebook is given by its parameter file, with what its profile's notebooks share."""
    return dict(runner.checked(file.parent.name, [file.stem]))[file.stem]


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
