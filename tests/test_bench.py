"""The benchmarks run, at a tiny size: the counts are right, and each figure is a number. No time is asserted."""

from math import isfinite

import pytest

import bench.__main__
from bench import chain, importing, many, puts, replay, vanilla
from bench.__main__ import QUESTIONS
from bench.figure import Figure, table
from bench.race import race


def test_the_floor_sends_the_kits_own_requests_once_more():
    kit, floor = race(1, 0.01, pairs=6, method="vanilla", crowd=0, in_flight=3)
    assert kit["requests"] == kit["calls"] == floor["requests"] == floor["calls"] == 6
    assert max(kit["most_at_once"], floor["most_at_once"]) <= 3


def test_a_chain_asks_crowd_judge_and_judge_again():
    kit, floor = race(1, 0.0, pairs=2, method="cce@4", crowd=2, in_flight=4)
    # Two answers, four comparisons, a final judgment a pair, and a removal for each comparison that was lost.
    assert 2 * 7 <= kit["requests"] == floor["requests"] <= 2 * 11


@pytest.mark.slow
@pytest.mark.parametrize(
    "figures",
    [
        lambda: vanilla.figures(rounds=1, pairs=4, latency=0.01),
        lambda: many.figures(rounds=1, pairs=8, in_flight=8, latency=0.0),
        lambda: chain.figures(rounds=1, pairs=2, crowd=2, latency=0.01),
        lambda: replay.figures(pairs=20, large=True),
        lambda: puts.figures(rows=40),
        lambda: importing.figures(rounds=1),
    ],
    ids=["vanilla", "many", "chain", "replay", "puts", "importing"],
)
def test_each_question_is_answered_in_numbers(figures):
    for figure in figures():
        assert isfinite(figure.measured) and figure.measured > 0
        assert figure.floor is None or isfinite(figure.ratio)


def test_a_bound_that_is_passed_is_said():
    slow = Figure("slow", 2.0, "s", floor=1.0, most=1.5)
    assert not slow.held
    assert Figure("fast", 2.0, "s", floor=1.0, most=2.5).held
    assert not Figure("large", 2.0, "MB", floor=9.0, most=1.0, relative=False).held
    assert "| slow | 2 s | 1 s | 2.00 | 1.5 x floor | **no** |" in table([slow])


@pytest.mark.parametrize(("named", "answered"), [([], QUESTIONS), (["many", "peers"], ("many", "peers"))])
def test_all_questions_but_the_peers_are_answered_where_none_is_named(monkeypatch, tmp_path, named, answered):
    asked = []
    monkeypatch.setattr(bench.__main__, "asked", lambda question, large: asked.append(question) or [])
    monkeypatch.setattr(bench.__main__, "write_table", lambda figures: None)
    monkeypatch.setattr(bench.__main__, "KEPT", tmp_path)
    monkeypatch.setattr("sys.argv", ["bench", *named])
    assert bench.__main__.main() == 0
    assert tuple(asked) == answered
