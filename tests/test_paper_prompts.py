"""The set of prompts with the paper's elements: what reaches the judge, in which message and under which heading."""

import pandas as pd
import pytest

from cce import evaluate
from cce.crowd.prompts import messages_of
from cce.students import taught_by
from tests.conftest import QUALITIES, planted_pair
from tests.fake_server import FakeServer, sections, user_prompt
from tests.finals import check_finals, notes_of, qualities_in

CROWD = ["crowd-1", "crowd-4", "crowd-9"]


def run(server: FakeServer, pairs: list, methods: list[str], crowd=CROWD, **options) -> pd.DataFrame:
    crowd = [server.model(name) for name in crowd]
    return evaluate(pairs, methods, [server.model("judge")], crowd, prompts="paper", **options)


def roles(request: dict) -> list[str]:
    return [message["role"] for message in request["messages"]]


@pytest.mark.filterwarnings("ignore:none of")
@pytest.mark.parametrize("method", ["vanilla", "longprompt", "evalplan", "16-criteria", "agg@2"])
@pytest.mark.parametrize("verdict", ["text", "distribution"])
def test_what_is_asked_for_goes_before_the_material_as_a_system_message(server, pairs, method, verdict):
    frame = run(server, pairs, [method], verdict=verdict)
    assert frame.correct.all()
    for request in server.requests:
        assert roles(request)[:2] == ["system", "user"]
        assert "impartial judge" in request["messages"][0]["content"]
        assert sections(user_prompt(request)).keys() >= {"The user's question", "Assistant A's answer"}


def test_the_methods_of_one_judgment_differ_in_their_system_message_alone(server):
    methods = ["vanilla", "longprompt", "evalplan", "16-criteria"]
    with pytest.warns(UserWarning, match="none of"):
        run(server, [planted_pair(0, 2, 5)], methods)
    assert len({user_prompt(request) for request in server.requests}) == 1
    assert len({request["messages"][0]["content"] for request in server.requests}) == len(methods)


@pytest.mark.parametrize("order", ["given", "both"])
def test_the_final_judgment_is_one_message_whose_notes_say_who_was_compared(server, pairs, order):
    run(server, pairs, ["cce@6"], order=order)
    check_finals(server)
    for request in server.of_kind("final"):
        assert roles(request) == ["user"]
        titles = [title for title in sections(user_prompt(request)) if title.startswith("Judgment ")]
        sides = []
        for title, note in zip(titles, notes_of(request), strict=True):
            (candidate,), (crowd,) = {*qualities_in(note)} & {*"AB"}, {*qualities_in(note)} - {*"AB"}
            first, second = (candidate, crowd) if candidate == "A" else (crowd, candidate)
            assert title.endswith(f": Assistant {first} and Assistant {second}")
            sides.append(candidate)
        assert sides == sorted(sides)


def test_a_pair_without_a_note_gets_the_same_prompt_with_an_empty_list(server):
    frame = run(server, [planted_pair(0, 8, 9)], ["vanilla", "cce@2"], crowd=["crowd-1"])
    assert frame.notes.tolist() == [0, 0]
    last = [
        request
        for request in server.requests
        if roles(request) == ["user"] and "related judgments" in user_prompt(request)
    ]
    assert len(last) == 1
    assert not notes_of(last[0])
    assert frame.correct.all()


def test_a_benchmarks_own_criteria_stand_in_place_of_the_usual_ones(server):
    run(server, [planted_pair(0, 2, 5, criteria="the five attributes")], ["vanilla", "cce@2"])
    for kind, usual in (("comparison", "relevance"), ("final", "completeness")):
        for request in server.of_kind(kind):
            said = request["messages"][0]["content"]
            assert "the five attributes" in said and usual not in said


def test_two_turns_are_shown_whole_with_the_eye_on_the_last(server):
    texts = {"questions": ["one?", "two?"], "answers_a": ["a1", "a2"], "answers_b": ["b1", "b2"], "criteria": ""}
    system, user = messages_of("vanilla", "paper", **texts)
    assert "last question" in system["content"]
    shown = sections(user["content"])
    assert [shown[f"Assistant {side}'s answer, turn {turn}"] for side in "AB" for turn in (1, 2)] == [
        "a1",
        "a2",
        "b1",
        "b2",
    ]


def test_a_student_learns_with_the_system_message_in_view(server):
    pairs = [planted_pair(place, *qualities) for place, qualities in enumerate(QUALITIES)]
    with pytest.warns(UserWarning, match="none of"):
        examples = taught_by(pairs, run(server, pairs, ["vanilla"]), prompts="paper")
    assert {tuple(message["role"] for message in one["prompt"]) for one in examples} == {("system", "user")}
