"""The crowd as far as it is needed: a rule whose errors are bounded and computed, and a crowd for the unsure alone."""

import json
import re
from collections import Counter
from functools import cache

import numpy as np
import pandas as pd
import pytest
from aiohttp import web

from cce import Options, Records, evaluate
from cce.analysis import scored
from cce.analysis.escalation import escalation_table
from cce.benchmarks.pair import Pair
from cce.crowd.methods.adaptive import ERROR, expected_members, is_decided, lead_needed
from cce.errors import BadInput
from tests.conftest import planted_pair
from tests.fake_server import FakeServer, kind_of, sections, user_prompt

MEMBERS = 8


def path(members: int, to_a: int, to_b: int) -> tuple[float, float]:
    """The chance that a crowd of which so many lean to A and to B is taken for what it is not, and how many members are
    asked on average, over all orders in which they can be asked.
    """
    truth = np.sign(to_a - to_b)

    @cache
    def after(a: int, b: int, neither: int) -> np.ndarray:
        asked, lead = a + b + neither, a - b
        if asked and is_decided(lead, asked, members):
            return np.array([np.sign(lead) != truth, asked], float)
        if asked == members:
            return np.array([0.0, asked])
        left = np.array([to_a - a, to_b - b, members - to_a - to_b - neither])
        next_one = (after(a + (k == 0), b + (k == 1), neither + (k == 2)) * left[k] for k in range(3) if left[k])
        return sum(next_one) / left.sum()

    wrong, asked = after(0, 0, 0)
    return float(wrong), float(asked)


@pytest.mark.parametrize("members", range(1, 25))
def test_no_crowd_is_taken_for_what_it_is_not_more_often_than_is_stated(members):
    worst = max(path(members, a, b)[0] for a in range(members + 1) for b in range(members + 1 - a))
    assert worst <= ERROR
    # The bound is no looser than a whole lead: with one less it would not hold, or there would be nothing to gain.
    half = members // 2
    if lead_needed(members) <= half:
        assert worst > 0


@pytest.mark.parametrize("agreement", [0.5, 0.7, 0.9, 1.0])
@pytest.mark.parametrize("members", [1, 4, 8, 11])
def test_as_many_members_are_asked_as_is_computed(members, agreement):
    drawn = np.random.default_rng(0).random((20_000, members)) < agreement
    leads = np.where(drawn, 1, -1).cumsum(axis=1)
    asked = [next((at for at, lead in enumerate(row, 1) if is_decided(lead, at, members)), members) for row in leads]
    assert np.mean(asked) == pytest.approx(expected_members(members, agreement), abs=0.05)


class SwayedServer(FakeServer):
    """Its judge finds that a candidate loses to the crowd answers that beat it, and for whom fewer notes blame.

    The candidates' answers are "candidate A" and "candidate B", and a crowd answer says "beats A" or "beats B".
    """

    async def _complete(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.requests.append(asked | {"kind": kind_of(asked)})
        text = self._said(sections(user_prompt(asked)))
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        return web.json_response(
            {"id": "x", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}
        )

    def _said(self, titles: dict[str, str]) -> str:
        if "The comparison" in titles:
            return titles["The comparison"].partition("\n")[0]
        place = {title[10]: text for title, text in titles.items() if title.endswith("'s answer")}
        notes = " ".join(text for title, text in titles.items() if title.startswith("Note"))
        if notes:
            better = "A" if notes.count("candidate A") <= notes.count("candidate B") else "B"
            found = next(name for name, text in place.items() if text.endswith(better))
        else:
            crowd = next((name for name, text in place.items() if "beats" in text), "B")
            other = {"A": "B", "B": "A"}[crowd]
            found = crowd if place[crowd].endswith(f"beats {place[other][-1]}") else other
        return f"On {place['A']} and {place['B']}: more shine on Assistant {found}.\n[[{found}]]"


def crowded(place: int, leaning: list[int]) -> Pair:
    """A pair whose crowd leans so: 1 to A, so that B loses to it, -1 to B, 0 to neither."""
    crowd = [
        {1: "beats B", -1: "beats A", 0: "beats nobody"}[one] + f", says member {n}" for n, one in enumerate(leaning)
    ]
    crowd = [f"{text.partition(', ')[2]} {text.partition(', ')[0]}" for text in crowd]
    texts = {"answer_a": "candidate A", "answer_b": "candidate B", "label": "A", "crowd": crowd}
    return Pair(id=f"pair-{place}", instruction=f"Question {place}?", benchmark="planted", **texts)


def led(record: dict) -> int:
    """To whom the crowd leaned as far as it was asked: 1 to A, -1 to B, 0 to neither."""
    lost = Counter(one["candidate"] for one in record["trace"]["crowd"] if one["outcome"] == "lost")
    return int(np.sign(lost["B"] - lost["A"]))


def judged(server, pairs, method, tmp_path, **options) -> list[dict]:
    with Records(tmp_path / f"{method}.jsonl") as out:
        evaluate(pairs, [method], [server.model("judge")], out=out, **options)
    return [json.loads(line) for line in (tmp_path / f"{method}.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_of_two_thousand_crowds_so_many_are_mistaken_and_asked_as_is_computed(tmp_path):
    drawn = np.random.default_rng(7)
    hardest = [drawn.permutation([1, -1] * 4).tolist() for _ in range(1000)]
    plain = [np.where(drawn.random(MEMBERS) < 0.8, 1, -1).tolist() for _ in range(1000)]
    pairs = [crowded(place, leaning) for place, leaning in enumerate([*hardest, *plain])]
    with SwayedServer() as server:
        # A budget of two lets one note of each kind be shown, so that the crowd's own calls are most of all.
        records = judged(server, pairs, "cce-adaptive@2", tmp_path)
    asked = np.array([len(record["trace"]["crowd"]) / 2 for record in records])
    truth = np.sign([sum(leaning) for leaning in [*hardest, *plain]])
    mistaken = np.array([led(record) for record in records]) != truth
    wrong, expected = path(MEMBERS, 4, 4)
    assert mistaken[:1000].mean() == pytest.approx(wrong, abs=4 * np.sqrt(wrong * (1 - wrong) / 1000))
    assert mistaken.mean() <= ERROR
    assert asked[:1000].mean() == pytest.approx(expected, abs=0.1)
    assert asked[1000:].mean() == pytest.approx(expected_members(MEMBERS, 0.8), abs=0.2)


def test_a_crowd_that_agrees_is_asked_half_and_one_that_never_does_is_asked_whole_as_cce_asks_it(tmp_path):
    agreeing, divided = crowded(0, [-1] * MEMBERS), crowded(1, [1, -1] * 4)
    with SwayedServer() as server:
        records = judged(server, [agreeing, divided], "cce-adaptive@16", tmp_path)
        before = len(server.requests)
        whole = judged(server, [divided], "cce@16", tmp_path, store=None)
    assert [len(record["trace"]["crowd"]) for record in records] == [2 * lead_needed(MEMBERS), 2 * MEMBERS]
    assert [record["verdict"] for record in records] == ["B", whole[0]["verdict"]]
    assert records[1]["trace"]["final"] == whole[0]["trace"]["final"]
    assert records[1]["trace"]["crowd"] == whole[0]["trace"]["crowd"]
    assert len(server.requests) - before == records[1]["calls"]


def test_one_member_is_asked_after_another(tmp_path):
    with SwayedServer() as server:
        judged(server, [crowded(0, [1] * 3)], "cce-adaptive@6", tmp_path)
        beside = [text for one in server.of_kind("comparison") if (text := re.search(r"member \d", str(one)))]
    places = [text[0] for text in beside]
    assert places == sorted(places, key=places.index)
    assert len(places) == 4 and places[0] == places[1] and places[2] == places[3]


def test_only_the_unsure_are_put_before_the_crowd(server, tmp_path):
    # The planted letter has a probability of 1 / (1 + exp(-lead / 10)): 0.73 for a lead of ten, 0.52 for one of one.
    pairs = [planted_pair(0, 12, 2), planted_pair(1, 5, 6)]
    crowd = [server.model("crowd-9"), server.model("crowd-1")]
    with Records(tmp_path / "out.jsonl") as out:
        rows = evaluate(pairs, ["cce-escalated@4"], [server.model("judge")], crowd, out=out, sure=0.7)
    assert rows.correct.all()
    assert rows.selected.tolist() == [0, 2]
    # Vanilla's rationale and its letter alone; and with the crowd two answers, four comparisons, two rewritings, one
    # judgment more.
    assert rows.calls.tolist() == [2, 2 + 2 + 4 + 2 + 1]
    assert rows.p_a[0] == pytest.approx(1 / (1 + np.exp(-1)), abs=0.01)


def test_a_threshold_that_cannot_be_is_refused():
    with pytest.raises(BadInput, match="sure 0.4"):
        Options(sure=0.4)


def judgments(method: str, p_right: np.ndarray, calls: int) -> pd.DataFrame:
    """Judgments of pairs whose label is A, with this probability of A."""
    place = np.arange(len(p_right))
    frame = pd.DataFrame({"benchmark": "planted", "judge": "j", "method": method, "id": [f"p{n}" for n in place]})
    told = {"label": "A", "p_a": p_right, "calls": calls, "failed": None, "cluster": [f"{n:012x}" for n in place]}
    told |= {"verdict": np.where(p_right > 0.5, "A", "B"), "correct": p_right > 0.5}
    return frame.assign(subset=None, p_given=p_right, p_swapped=None, **told)


def test_a_threshold_is_set_on_one_half_and_shown_on_the_other():
    # Vanilla is right wherever it is surer than 0.9, and on half of the others; the crowd is always right.
    p_right = np.random.default_rng(0).permutation(np.repeat([0.95, 0.95, 0.7, 0.3], 100))
    cheap, dear = judgments("vanilla", p_right, 2), judgments("cce@8", np.ones(400), 20)
    (row,) = escalation_table(scored(cheap), scored(dear)).itertuples()
    assert row.sure == pytest.approx(0.75)
    assert (row.pairs, row.accuracy, row.less_than_all) == (200, 100, 0)
    assert row.escalated == pytest.approx(50, abs=5)
    assert row.calls == pytest.approx(2 + 0.2 * row.escalated)
    assert row.more_than_cheap > 0


def test_an_unreadable_verdict_is_not_sure():
    cheap, dear = judgments("vanilla", np.ones(40), 2), judgments("cce@8", np.ones(40), 20)
    unread = cheap.assign(p_a=None, verdict=None, correct=False)
    (row,) = escalation_table(scored(unread), scored(dear)).itertuples()
    assert (row.escalated, row.accuracy, row.less_than_all) == (100, 100, 0)


def test_a_threshold_wants_pairs_that_were_judged_in_both_ways():
    cheap, dear = judgments("vanilla", np.ones(4), 2), judgments("cce@8", np.ones(4), 20).assign(judge="another")
    with pytest.raises(BadInput, match="no pair"):
        escalation_table(scored(cheap), scored(dear))
