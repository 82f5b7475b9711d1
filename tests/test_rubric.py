"""The methods rubric and self-rubric, over a real server."""

import pytest

from cce import evaluate, judge, pick
from cce.benchmarks.pair import Message, Pair, Pool
from cce.errors import BadInput
from tests.conftest import planted_pair
from tests.fake_server import FakeServer, sections, user_prompt


def prompts(server: FakeServer, kind: str) -> list[str]:
    return [user_prompt(request) for request in server.of_kind(kind)]


def ruled(n: int = 0, **more):
    return planted_pair(n, 2, 5).model_copy(update={"criteria": "Is the quality 5?"} | more)


@pytest.mark.parametrize("prompts_of", ["kit", "paper"])
@pytest.mark.parametrize("order", ["given", "both"])
def test_a_rubric_is_shown_as_it_stands_and_gone_through(server, prompts_of, order):
    result = judge(ruled(), "rubric", server.model("judge"), prompts=prompts_of, order=order)
    assert (result["verdict"], result["correct"]) == ("B", True)
    shown = prompts(server, "comparison")
    assert len(shown) == (2 if order == "both" else 1)
    assert all(sections(prompt)["The rubric"] == "Is the quality 5?" for prompt in shown)
    words = " ".join(message["content"] for message in server.requests[0]["messages"])
    assert "of each requirement whether" in words or "say of each whether" in words
    assert "helpfulness" not in words


def test_a_rubric_of_its_own_is_written_once_from_the_question_alone(server):
    result = judge(ruled(), "self-rubric", server.model("judge"), order="both")
    (first,), judged = prompts(server, "rubric"), prompts(server, "comparison")
    assert "quality=" not in first and sections(first)["The user's question"] == ruled().instruction
    assert len(judged) == 2
    # A verdict mark in it is broken up, and the pair's own criteria are not shown.
    assert {sections(prompt)["The rubric"] for prompt in judged} == {"- Names the quality.\n- Says [ [B] ] twice."}
    assert (result["verdict"], result["calls"], result["answers_cut_off"]) == ("B", 3, None)


def test_the_rubric_stands_in_the_case_that_is_shown(server):
    result = judge(ruled(), "self-rubric", server.model("judge"))
    assert "- Names the quality." in result.final_prompts().parts[0].text


def test_pairs_with_one_question_share_the_rubric(server, tmp_path):
    pairs = [ruled(0), ruled(0, id="again", answer_a="quality=7")]
    evaluate(pairs, ["self-rubric"], [server.model("judge")], store=tmp_path / "s.sqlite")
    assert len(server.requests) == 3


def test_a_judge_that_writes_no_rubric_judges_as_vanilla_does(server):
    result = judge(ruled(), "self-rubric", server.model("terse-judge"))
    (prompt,) = prompts(server, "comparison")
    assert result["verdict"] == "B" and "The rubric" not in sections(prompt) and "helpfulness" in prompt


def test_a_pair_without_criteria_is_refused_before_anything_is_asked(server):
    pairs = [ruled(0), planted_pair(1, 2, 5)]
    with pytest.raises(
        BadInput, match="method rubric goes by a pair's own criteria, and 'pair-1' has none; self-rubric"
    ):
        evaluate(pairs, ["vanilla", "rubric"], [server.model("judge")])
    assert server.requests == []


def test_a_pool_has_no_rubric_but_may_get_one(server):
    pool = Pool(id="p", instruction="Which?", responses=["quality=2", "quality=5"])
    with pytest.raises(BadInput, match="a pool has none, and self-rubric writes them"):
        pick([pool], "rubric", server.model("judge"))
    assert pick([pool], "self-rubric", server.model("judge")).picked.tolist() == [1]


@pytest.mark.parametrize("method", ["rubric", "self-rubric"])
def test_a_conversation_is_gone_through_with_all_its_turns(server, method):
    talks = [
        [("user", "First?"), ("assistant", "quality=9"), ("user", "Second?"), ("assistant", f"quality={quality}")]
        for quality in (3, 6)
    ]
    a, b = ([Message(role=role, content=said) for role, said in talk] for talk in talks)
    pair = Pair(id="talk", conversation_a=a, conversation_b=b, label="B", criteria="Is it 6?")
    assert judge(pair, method, server.model("judge"))["correct"]
    (prompt,) = prompts(server, "comparison")
    assert {"The rubric", "Assistant B's answer, turn 2"} <= set(sections(prompt))
    assert all("Second?" in asked for asked in prompts(server, "rubric"))
