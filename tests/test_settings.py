"""models.yaml: how a model is reached and asked by the user's word, and what it costs."""

import json
import re

import pytest
import yaml
from aiohttp import web

from cce import LLM, cli, evaluate, spending
from cce.chat.key_points import POINTS
from cce.errors import BadInput, EndpointFailed, SchemaRefused
from cce.models import keys
from cce.models.manners import manners_of
from cce.models.settings import ENTRIES, Settings
from cce.spending import Price, price_of
from tests.conftest import planted_pair
from tests.fake_server import FakeServer
from tests.test_hosts import Listening
from tests.test_project import ROOT


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch):
    """No key has gone anywhere yet in this process."""
    monkeypatch.setattr(keys, "_given", {})


@pytest.fixture
def entries(tmp_path, monkeypatch):
    """Writes a file of settings and makes it the one that is read."""

    def write(**models: dict) -> None:
        file = tmp_path / "models.yaml"
        file.write_text(json.dumps(models))
        monkeypatch.setenv("CCE_MODELS", str(file))

    return write


def test_a_name_is_enough_where_an_entry_says_the_rest(entries, monkeypatch):
    monkeypatch.setenv("MY_OWN_KEY", "own-key")
    with Listening() as server:
        entry = {"model": "judge", "url": f"{server.url}?api-version=1", "key": "MY_OWN_KEY", "key_header": "api-key"}
        entries(mine=entry | {"headers": {"X-Title": "my run"}, "temperature": 1, "extra_body": {"effort": "low"}})
        with pytest.warns(UserWarning, match="mine is asked at temperature 1.0, as its settings say"):
            frame = evaluate([planted_pair(0, 2, 5)], ["vanilla"], ["mine"])
        assert frame.correct.all() and frame.judge.tolist() == ["mine"]
        ((headers, query),), (asked,) = server.heard, server.requests
        headers = {name.lower(): text for name, text in headers.items()}
        assert (headers["api-key"], headers["x-title"], query) == ("own-key", "my run", "api-version=1")
        assert "authorization" not in headers
        assert (asked["model"], asked["temperature"], asked["effort"]) == ("judge", 1, "low")


def test_an_entry_for_one_address_is_for_no_other(entries, monkeypatch, server):
    monkeypatch.setenv("MY_OWN_KEY", "own-key")
    entries(judge={"url": "https://models.example/v1", "key": "MY_OWN_KEY"})
    LLM(server.model("judge")).complete("Who?")
    assert "own-key" not in server.requests[0]["key"]


def test_an_entry_without_an_address_is_for_the_name_at_any(entries, server):
    entries(judge={"refuses": ["seed"]})
    LLM(server.model("judge")).complete("Who?")
    assert "seed" not in server.requests[0]


def test_a_missing_key_is_said_by_its_variable_before_anything_is_sent(entries, server):
    entries(mine={"model": "judge", "url": server.url, "key": "MY_OWN_KEY"})
    with pytest.raises(BadInput, match="set MY_OWN_KEY, which the settings of this model name"):
        LLM("mine")


def test_what_a_model_takes_is_heeded_without_asking(entries, server):
    entries(judge={"refuses": ["logprobs", "schema", "temperature", "seed"], "context": 4096})
    llm = LLM(server.model("judge"))
    with pytest.raises(EndpointFailed, match="by its settings it tells no log-probabilities"):
        llm.complete("Who?", top_logprobs=2)
    with pytest.raises(SchemaRefused):
        llm.complete("Who?", schema=POINTS)
    assert not server.requests
    llm.complete("Who?")
    assert not {"temperature", "seed"} & set(server.requests[0])
    assert llm.endpoint.context == 4096


def test_a_schema_is_refused_once_for_the_model_and_not_for_each_request(capsys):
    class NoSchema(FakeServer):
        async def _complete(self, request: web.Request) -> web.Response:
            if "response_format" in await request.json():
                self.refused_schemas = getattr(self, "refused_schemas", 0) + 1
                said = "'response_format' is not supported with this model."
                return web.json_response({"error": {"message": said}}, status=400)
            return await super()._complete(request)

    with NoSchema() as server:
        llm = LLM(server.model("crowd-5"))
        for question in ("One?", "Two?", "Three?"):
            with pytest.raises(SchemaRefused):
                llm.complete(question, schema=POINTS)
        assert server.refused_schemas == 1
        assert manners_of(server.url, "crowd-5").changes == {"schema": True}
        assert capsys.readouterr().err.count("takes no JSON schema") == 1


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            {"mine": {"headers": {"Authorization": "Bearer sk-1"}, "url": "https://x.example/v1"}},
            "mine: headers: a key",
        ),
        ({"mine": {"headers": {"X-Api-Key": "sk-1"}, "url": "https://x.example/v1"}}, "mine: headers: a key stands"),
        ({"mine": {"key": "sk-1 2"}}, "mine.key: String should match"),
        ({"mine": {"key": "A_KEY"}}, "mine: url: key, key_header and headers are for one address"),
        ({"mine": {"extra_body": {"temperature": 1}}}, "mine: extra_body: temperature is the kit's own"),
        ({"mine": {"extra_body": {"stream": True}}}, "mine: extra_body: stream is the kit's own"),
        ({"mine": {"temperature": 3}}, "mine.temperature: Input should be less than or equal to 2"),
        ({"mine": {"price": {"prompt": -1, "completion": 0}}}, "mine.price.prompt: Input should be greater"),
        ({"mine": {"requests_a_minute": 0}}, "mine.requests_a_minute: Input should be greater than 0"),
        ({"mine": {"url": "models.example"}}, "write NAME or NAME@BASE_URL"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_one_clear_error(entries, written, said):
    entries(**written)
    with pytest.raises(BadInput, match=said) as error:
        LLM("mine")
    assert "sk-1" not in str(error.value)


def test_the_command_takes_a_file_of_models(tmp_path, monkeypatch, server):
    (tmp_path / "mine.jsonl").write_text(
        json.dumps({"id": 1, "instruction": "Why?", "answer_a": "quality=2", "answer_b": "quality=5"})
    )
    (tmp_path / "all.yaml").write_text(json.dumps({"mine": {"model": "judge", "url": server.url}}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CCE_MODELS", "")
    given = ["judge", "mine.jsonl", "--judge", "mine", "--models", "all.yaml", "--out", "out.jsonl"]
    monkeypatch.setattr("sys.argv", ["cce", *given])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    row = json.loads((tmp_path / "out.jsonl").read_text())
    assert (row["judge"], row["verdict"]) == ("mine", "B")


class TestPrices:
    """The user's own word first, then a list that is kept by others, then nothing."""

    OPENAI = "https://api.openai.com/v1"

    def test_of_providers_whose_addresses_are_known(self):
        assert price_of("gpt-4o", self.OPENAI) == Price(2.5e-6, 10e-6)
        for model, url in [
            ("mistral-large-latest", "https://api.mistral.ai/v1"),
            ("deepseek-chat", "https://api.deepseek.com/v1"),
            ("gemini-2.5-flash", "https://generativelanguage.googleapis.com/v1beta/openai"),
            ("claude-sonnet-4-5", "https://api.anthropic.com/v1"),
            ("openai/gpt-4o", "https://openrouter.ai/api/v1"),
        ]:
            price = price_of(model, url)
            assert 0 < price.prompt < price.completion

    @pytest.mark.parametrize("place", [("gpt-4o", "https://models.example/v1"), ("no-such-model", OPENAI)])
    def test_of_nobody_else(self, place):
        assert price_of(*place) is None

    @pytest.mark.parametrize("place", [("gpt-4o", "http://localhost:8000/v1"), ("embedded", "")])
    def test_this_machine_is_free(self, place):
        assert price_of(*place) == Price()

    def test_the_users_own_word_goes_first(self, entries, tmp_path, monkeypatch):
        (tmp_path / "prices.csv").write_text("model,prompt,completion\ngpt-4o,7,8\no3,9,10\n")
        monkeypatch.setenv("CCE_PRICES", str(tmp_path / "prices.csv"))
        entries(mine={"model": "o3", "price": {"prompt": 1, "completion": 2}})
        assert price_of("gpt-4o", self.OPENAI) == Price(7e-6, 8e-6)
        assert price_of("o3", self.OPENAI) == Price(1e-6, 2e-6)

    def test_a_bound_holds_by_the_price_of_the_entry(self, entries, server):
        entries(judge={"price": {"prompt": 1000, "completion": 5000}})
        spending.limit(max_cost=1.0)
        try:
            llm = LLM(server.model("judge"))
            assert llm.price == Price(1e-3, 5e-3)
        finally:
            spending.limit()


def test_every_entry_in_the_docs_is_one():
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs/providers.md").read_text(), re.M | re.S)
    entries = [entry for block in blocks for entry in ENTRIES.validate_python(yaml.safe_load(block)).values()]
    assert len(entries) >= 15
    named = set(re.findall(r"`(\w+)`", (ROOT / "docs/providers.md").read_text().partition("\n## ")[0]))
    assert set(Settings.model_fields) <= named
