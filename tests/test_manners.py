"""How a model wants to be asked, which its endpoint shows, and which model answered to a name."""

import json
from types import SimpleNamespace

import pytest
from aiohttp import web

from cce import LLM, evaluate
from cce.analysis.report.run import asked_otherwise
from cce.errors import BadInput, CallFailed, EndpointFailed
from cce.models.manners import manners_of
from cce.models.store import Store
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


@pytest.mark.filterwarnings("ignore:.*takes no system message")
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


@pytest.mark.filterwarnings("ignore:.*takes no system message")
def test_what_is_asked_is_known_by_one_key_however_it_is_sent(tmp_path, monkeypatch):
    pair, options = planted_pair(0, 2, 5), {"prompts": "paper", "store": tmp_path / "s.sqlite"}
    with FakeServer() as taking, WithoutSystem() as refusing:
        # That both serve one model is for their user to say.
        (tmp_path / "models.yaml").write_text(json.dumps({"judge": {"same_as": refusing.url}}))
        monkeypatch.setenv("CCE_MODELS", str(tmp_path / "models.yaml"))
        evaluate([pair], ["vanilla"], [refusing.model("judge")], **options)
        evaluate([pair], ["vanilla"], [taking.model("judge")], **options)
        assert not taking.requests


# What endpoints refuse by name, in their words: when, with which status and body; and what is sent instead.
OPENAI = "Use 'max_completion_tokens' instead."
PARAMETERS = {
    "OpenAI's reasoning models, max_tokens": (
        lambda asked: "max_tokens" in asked,
        (
            400,
            {"error": {"message": f"Unsupported parameter: 'max_tokens' is not supported with this model. {OPENAI}"}},
        ),
        lambda asked: asked["max_completion_tokens"] == 1024 and "max_tokens" not in asked,
    ),
    "OpenAI's reasoning models, temperature": (
        lambda asked: asked.get("temperature", 1) != 1,
        (
            400,
            {
                "error": {
                    "message": "Unsupported value: 'temperature' does not support 0.1 with this model. Only the "
                    "default (1) value is supported.",
                    "param": "temperature",
                    "code": "unsupported_value",
                }
            },
        ),
        lambda asked: "temperature" not in asked,
    ),
    "o3-mini, temperature": (
        lambda asked: "temperature" in asked,
        (400, {"error": {"message": "Unsupported parameter: 'temperature' is not supported with this model."}}),
        lambda asked: "temperature" not in asked,
    ),
    "search models, temperature": (
        lambda asked: "temperature" in asked,
        (400, {"error": {"message": "Model incompatible request argument supplied: temperature"}}),
        lambda asked: "temperature" not in asked,
    ),
    "Mistral, seed, its detail in a list": (
        lambda asked: "seed" in asked,
        (
            422,
            {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]},
        ),
        lambda asked: "seed" not in asked,
    ),
    "Mistral, seed, its message an object": (
        lambda asked: "seed" in asked,
        (422, {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"]}]}}),
        lambda asked: "seed" not in asked,
    ),
    "Google, seed, a list": (
        lambda asked: "seed" in asked,
        (400, [{"error": {"message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'}}]),
        lambda asked: "seed" not in asked,
    ),
    "xAI, seed, its error a text": (
        lambda asked: "seed" in asked,
        (400, {"code": "Client specified an invalid argument", "error": "Argument not supported on this model: seed"}),
        lambda asked: "seed" not in asked,
    ),
    "DeepSeek, temperature": (
        lambda asked: "temperature" in asked,
        (400, {"error": {"message": "deepseek-reasoner does not support the parameter `temperature`", "param": None}}),
        lambda asked: "temperature" not in asked,
    ),
    "DeepSeek, too long an answer": (
        lambda asked: asked["max_tokens"] > 512,
        (400, {"error": {"message": "Invalid max_tokens value, the valid range of max_tokens is [1, 512]"}}),
        lambda asked: asked["max_tokens"] == 512,
    ),
    "OpenAI, too long an answer": (
        lambda asked: asked["max_tokens"] > 900,
        (
            400,
            {"error": {"message": "max_tokens is too large: 1024. This model supports at most 900 completion tokens."}},
        ),
        lambda asked: asked["max_tokens"] == 900,
    ),
}


class Refusing(FakeServer):
    """Refuses by the rules of some endpoints, and counts the refusals."""

    rules = ()
    refusals = 0

    async def _complete(self, request: web.Request) -> web.Response:
        asked = await request.json()
        for refused, (status, body) in self.rules:
            if refused(asked):
                self.refusals += 1
                return web.json_response(body, status=status)
        return await super()._complete(request)


def forget() -> None:
    """As a new process does."""
    manners_of.cache_clear()


@pytest.mark.filterwarnings("ignore:.*(takes no seed|own temperature)")
@pytest.mark.parametrize("symptom", PARAMETERS)
def test_a_parameter_that_is_refused_by_name_is_changed_once_for_the_model(symptom, tmp_path):
    refused, answer, wanted = PARAMETERS[symptom]
    with Refusing() as server:
        server.rules = [(refused, answer)]
        judge, store = LLM(server.model("crowd-5"), store=tmp_path / "s"), tmp_path / "s"
        assert all("quality=5" in judge.complete(f"{n}?", temperature=0.1, sample=7).text for n in range(3))
        assert server.refusals == 1
        assert all(map(wanted, server.requests))
        forget()
        # A later run knows it from the store.
        assert "quality=5" in LLM(server.model("crowd-5"), store=store).complete("Later?", temperature=0.1).text
        assert server.refusals == 1


class Reasoner(Refusing):
    """A reasoning model: another name for the longest answer, its own temperature, and sixteen tokens at least."""

    rules = [PARAMETERS[f"OpenAI's reasoning models, {name}"][:2] for name in ("max_tokens", "temperature")]


def test_a_reasoning_model_judges_and_its_results_say_how_it_was_asked(pairs, capsys):
    with Reasoner() as server:
        crowd = [server.model("crowd-1"), server.model("crowd-9")]
        with pytest.warns(UserWarning, match="asked at the endpoint's own temperature"):
            frame = evaluate(pairs, ["vanilla", "cce@2"], [server.model("judge")], crowd)
        assert frame.correct.all()
        # Each of three models is refused two parameters; what was under way meanwhile may be refused as well.
        assert server.refusals <= 2 * (len(pairs) * 2 + 2 * len(pairs))
        assert capsys.readouterr().err.count("judge@") <= 3
        before = server.refusals
        evaluate([planted_pair(50, 2, 5)], ["vanilla"], [server.model("judge")])
        assert server.refusals == before


def test_a_report_says_how_models_were_asked_otherwise(pairs, tmp_path):
    with Reasoner() as server, pytest.warns(UserWarning, match="own temperature"):
        evaluate(pairs[:1], ["vanilla"], [server.model("judge")], store=tmp_path / "s.sqlite")
    run = SimpleNamespace(store_file=tmp_path / "s.sqlite", store=Store(tmp_path / "s.sqlite", replay=True))
    told = asked_otherwise([run, run])
    assert "judge is asked at the endpoint's own temperature, since it takes no other" in told
    assert len(told) == len(set(told)) == 2


@pytest.mark.parametrize(
    "said",
    [
        "Your prompt about temperature, seed and max_tokens was filtered.",
        "The temperature of this conversation is not supported by our content policy.",
        "Seed investors are not allowed here.",
    ],
)
def test_a_refusal_that_only_mentions_a_parameter_changes_nothing(said):
    with Refusing() as server:
        server.rules = [(lambda asked: True, (400, {"error": {"message": said}}))]
        with pytest.raises(CallFailed, match=said[:20]):
            LLM(server.model("crowd-5")).complete("Who are you?")
        assert server.refusals == 1


def test_a_letter_is_asked_for_with_as_many_tokens_and_as_few_probabilities_as_are_taken(pairs):
    least = "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 1 instead."
    most = "Requested sample logprobs of 20, which is greater than max allowed: 5"
    with Refusing() as server:
        server.rules = [
            (lambda asked: asked["max_tokens"] < 16, (400, {"error": {"message": least}})),
            (lambda asked: asked.get("top_logprobs", 0) > 5, (400, {"error": {"message": most}})),
        ]
        frame = evaluate(pairs, ["vanilla"], [server.model("judge")], verdict="distribution")
        assert frame.correct.all()
        assert {(asked["max_tokens"], asked["top_logprobs"]) for asked in server.of_kind("letter")} == {(16, 5)}
        assert server.refusals == 2


@pytest.mark.parametrize(
    "refusal",
    [
        (403, {"error": {"message": "You are not allowed to request logprobs from this model"}}),
        (400, {"error": {"message": "`logprobs` is not supported with this model"}}),
        (400, {"error": {"message": "deepseek-reasoner does not support the parameter `logprobs`"}}),
        None,
    ],
)
def test_an_endpoint_without_log_probabilities_is_one_clear_error(pairs, refusal):
    class Silent(Refusing):
        async def _complete(self, request: web.Request) -> web.Response:
            if refusal:
                return await super()._complete(request)
            reply = json.loads((await super()._complete(request)).text)
            reply["choices"][0]["logprobs"] = None
            return web.json_response(reply)

    with Silent() as server:
        server.rules = [(lambda asked: "logprobs" in asked, refusal)] if refusal else []
        with pytest.raises(EndpointFailed, match='tells no log-probabilities: read verdicts .*verdict="text"'):
            evaluate(pairs, ["vanilla"], [server.model("judge")], verdict="distribution", concurrency=2)


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


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A file of models' settings, to be written."""
    file = tmp_path / "models.yaml"
    monkeypatch.setenv("CCE_MODELS", str(file))
    return file


def test_the_users_word_is_enough_and_nothing_is_refused(settings, pairs):
    settings.write_text(
        "judge:\n  refuses: [system, temperature]\n  max_tokens: max_completion_tokens\n"
        "  extra_body: {reasoning_effort: low}\n"
    )
    with Refusing() as server, pytest.warns(UserWarning, match="takes no system message"):
        server.rules = Reasoner.rules
        assert evaluate(pairs, ["vanilla"], [server.model("judge")], prompts="paper").correct.all()
        assert server.refusals == 0
        for asked in server.requests:
            assert asked["reasoning_effort"] == "low" and len(asked["messages"]) == 1


def test_what_is_added_to_each_request_makes_it_another_one(settings, tmp_path, server):
    settings.write_text("crowd-5: {extra_body: {reasoning_effort: low}}")
    store = tmp_path / "s"
    LLM(server.model("crowd-5"), store=store).complete("Who?")
    more = tmp_path / "more.yaml"
    more.write_text("crowd-5: {extra_body: {reasoning_effort: high}}")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CCE_MODELS", str(more))
        LLM(server.model("crowd-5"), store=store).complete("Who?")
    LLM(server.model("crowd-5"), store=store).complete("Who?")
    assert [asked["reasoning_effort"] for asked in server.requests] == ["low", "high"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("judge: {refuses: [sistem]}", "refuses.0: Input should be 'system'"),
        ("judge: {temprature: 1}", "temprature: Extra inputs"),
        ("judge", "a mapping from models to their settings"),
        ("judge: [", "a mapping from models to their settings"),
        (None, "No such file"),
    ],
)
def test_settings_that_cannot_be_read_are_one_clear_error(settings, server, written, said):
    if written is not None:
        settings.write_text(written)
    with pytest.raises(BadInput, match=f"models.yaml.*: .*{said}"):
        LLM(server.model("judge"))
