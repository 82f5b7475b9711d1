"""How a model wants to be asked, which its endpoint shows, and which model answered to a name."""

import pytest
from aiohttp import web

from cce import LLM, evaluate
from cce.errors import CallFailed
from tests.conftest import planted_pair
from tests.fake_server import FakeServer

# What servers answer to a system message, by what serves the model: the status and the body.
REFUSALS = {
    "vLLM with Gemma": (400, {"object": "error", "message": "System role not supported", "code": 400}),
    "vLLM with Mistral": (400, {"message": "Conversation roles must alternate user/assistant/user/assistant/..."}),
    "OpenAI's o1-mini": (
        400,
        {"error": {"message": "Unsupported value: 'messages[0].role' does not support 'system' with this model."}},
    ),
    "Google's Gemma": (400, [{"error": {"message": "Developer instruction is not enabled for models/gemma-3-27b-it"}}]),
    "llama.cpp": (500, {"error": {"code": 500, "message": "Jinja Exception: System role not supported"}}),
    "TGI": (422, {"error": "Template error: Conversation roles must alternate user/assistant/user/assistant/"}),
    "LM Studio": (400, {"error": "Only user, assistant and tool roles are supported, got system."}),
    "Bedrock": (400, {"message": "This model doesn't support system messages. Try again without a system message."}),
}


class WithoutSystem(FakeServer):
    """Refuses a system message in the words of some server."""

    refusal = REFUSALS["vLLM with Gemma"]

    async def _complete(self, request: web.Request) -> web.Response:
        if (await request.json())["messages"][0]["role"] == "system":
            self.refused_systems = getattr(self, "refused_systems", 0) + 1
            return web.json_response(self.refusal[1], status=self.refusal[0])
        return await super()._complete(request)


@pytest.mark.parametrize("words", REFUSALS)
def test_a_model_that_takes_no_system_message_gets_it_before_the_users_text(words, capsys):
    pairs = [planted_pair(place, 2, 5) for place in range(12)]
    with WithoutSystem(latency=0.01) as server:
        server.refusal = REFUSALS[words]
        frame = evaluate(pairs, ["vanilla"], [server.model("judge")], prompts="paper")
        assert frame.correct.all()
        # Once for the model, however many are asked at once, and in another evaluation as well.
        assert evaluate([planted_pair(99, 2, 5)], ["vanilla"], [server.model("judge")], prompts="paper").correct.all()
        assert server.refused_systems == 1
        for request in server.requests:
            (message,) = request["messages"]
            assert message["content"].startswith("Act as an impartial judge") or "impartial judge" in message["content"]
            assert "The user's question" in message["content"]
        assert capsys.readouterr().err.count("takes no system message") == 1


def test_a_refusal_that_only_mentions_a_system_is_none_of_a_system_message():
    with WithoutSystem() as server:
        server.refusal = (400, {"error": {"message": "Your prompt was flagged by our safety system."}})
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who are you?"}]
        with pytest.raises(CallFailed, match="flagged by our safety system"):
            LLM(server.model("crowd-5")).complete(messages)
        assert server.refused_systems == 1
        assert not server.requests


def test_what_is_asked_is_known_by_one_key_however_it_is_sent(tmp_path):
    pair, options = planted_pair(0, 2, 5), {"prompts": "paper", "store": tmp_path / "s.sqlite"}
    with FakeServer() as taking, WithoutSystem() as refusing:
        evaluate([pair], ["vanilla"], [refusing.model("judge")], **options)
        evaluate([pair], ["vanilla"], [taking.model("judge")], **options)
        assert not taking.requests


def as_model(name: str):
    """A planted reply by another model than the one that was asked for."""

    async def reply(request: web.Request, body: dict) -> web.Response:
        return web.json_response(body | {"model": name, "system_fingerprint": f"fp-{name}"})

    return reply


def test_a_run_in_which_one_name_was_answered_by_two_models_says_so(server, pairs, tmp_path):
    server.failures += [as_model("judge-may"), as_model("judge-august"), as_model("judge-may")]
    asked = {"pairs": pairs[:3], "methods": ["vanilla"], "judges": [server.model("judge")], "store": tmp_path / "s"}
    said = "was answered by 2 models: judge-august, judge-may; these results mix them"
    with pytest.warns(UserWarning, match=said):
        evaluate(**asked)
    # So does one that finds all in the store.
    with pytest.warns(UserWarning, match=said):
        evaluate(**asked)
    assert len(server.requests) == 3


def test_what_answered_is_kept_beside_each_completion(server, tmp_path):
    server.failures.append(as_model("crowd-5-august"))
    answer = LLM(server.model("crowd-5"), store=tmp_path / "s").complete("Who are you?")
    assert (answer.model, answer.fingerprint) == ("crowd-5-august", "fp-crowd-5-august")
    assert LLM(server.model("crowd-5"), store=tmp_path / "s").complete("Who are you?") == answer


def test_one_model_that_answers_under_one_name_is_not_worth_a_word(server, pairs, recwarn):
    evaluate(pairs, ["vanilla"], [server.model("judge")])
    assert not [warning for warning in recwarn if "answered by" in str(warning.message)]


def cut(request: web.Request, body: dict) -> web.Response:
    """The reply, cut off by max_tokens."""
    body["choices"][0]["finish_reason"] = "length"
    return web.json_response(body)


class Cutting(FakeServer):
    """Cuts off the answers of `crowd-1`, and judgments of Question 0 and their rewritings."""

    async def _complete(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if (
            asked["model"] == "crowd-1"
            or any("Question 0?" in m["content"] for m in asked["messages"])
            and asked["model"] == "judge"
        ):

            async def shortened(request: web.Request, body: dict) -> web.Response:
                return cut(request, body)

            self.failures.insert(0, shortened)
        return await super()._complete(request)


def test_how_many_judgments_and_crowd_answers_max_tokens_cut_off_is_told():
    from cce.analysis import accuracy_table, scored

    with Cutting() as server:
        crowd = [server.model("crowd-1"), server.model("crowd-9")]
        pairs = [planted_pair(place, 2, 5) for place in range(4)]
        frame = evaluate(pairs, ["vanilla", "cce@2"], [server.model("judge")], crowd, concurrency=1)
    table = accuracy_table(scored(frame)).set_index("method")
    assert table.judgments_cut_off["vanilla"] == 25
    assert 0 < table.judgments_cut_off["cce@2"] <= 25
    assert table.answers_cut_off["cce@2"] == 50
    assert table.answers_cut_off.isna()["vanilla"]
