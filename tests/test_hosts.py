"""Which key goes to which host, and how a host is reached."""

import json
import os
import subprocess
import sys

import pytest
from aiohttp import web

from cce import LLM, evaluate
from cce.errors import BadInput, CallFailed, EndpointFailed
from cce.models import keys
from tests.conftest import planted_pair
from tests.fake_server import FakeServer


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch):
    """No key has gone anywhere yet in this process."""
    monkeypatch.setattr(keys, "_given", {})


def at_localhost(server: FakeServer, model: str) -> str:
    """The model at the other name of this machine."""
    return server.model(model).replace("127.0.0.1", "localhost")


def test_two_providers_in_one_run_get_each_their_own_key(pairs, monkeypatch):
    monkeypatch.setenv("CCE_API_KEY_LOCALHOST", "key-of-the-judge")
    monkeypatch.setenv("CCE_API_KEY_127_0_0_1", " key-of-the-crowd\n")
    with FakeServer() as one, FakeServer() as other:
        crowd = [other.model("crowd-1"), other.model("crowd-9")]
        assert evaluate(pairs, ["cce@2"], [at_localhost(one, "judge")], crowd).correct.all()
        assert {asked["key"] for asked in one.requests} == {"Bearer key-of-the-judge"}
        assert {asked["key"] for asked in other.requests} == {"Bearer key-of-the-crowd"}


def test_one_key_for_two_hosts_is_refused_before_anything_is_sent(pairs, monkeypatch):
    monkeypatch.setenv("CCE_API_KEY", "key-of-one")
    with FakeServer() as one, FakeServer() as other:
        said = "CCE_API_KEY would go to localhost and to 127.0.0.1: set CCE_API_KEY_LOCALHOST and CCE_API_KEY_127_0_0_1"
        with pytest.raises(BadInput, match=said):
            evaluate(pairs, ["cce@2"], [at_localhost(one, "judge")], [other.model("crowd-1")])
        assert not one.requests + other.requests


@pytest.mark.parametrize("key", ["two words", "sm\u00f6rg\u00e5s", "line\nbreak", "\x1b[31m"])
def test_a_key_that_cannot_be_sent_is_one_clear_error(key, server, monkeypatch):
    monkeypatch.setenv("CCE_API_KEY", key)
    with pytest.raises(BadInput, match="^CCE_API_KEY: this key holds a space or a sign that no key has") as error:
        LLM(server.model("judge"))
    assert key not in str(error.value)


@pytest.mark.parametrize("key", ["abcd", "a-longer-key"])
def test_a_key_is_masked_whatever_its_length_above_three(key, server, monkeypatch):
    monkeypatch.setenv("CCE_API_KEY", key)
    server.failures += [{"status": 400, "body": {"error": {"message": f"<{key}> may not"}}}]
    with pytest.raises(CallFailed, match=r"<\*\*\*> may not"):
        LLM(server.model("judge")).complete("Why?")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            "m@https://sk-secret@models.example/v1",
            "a key or name stands in its address; set CCE_API_KEY_MODELS_EXAMPLE",
        ),
        ("m@https://me:sk-secret@models.example/v1", "a key or name stands in its address"),
        ("m@https://models.example/v1/chat/completions", "leave out /chat/completions"),
        ("gpt-4o@http://api.openai.com/v1", "over https alone"),
    ],
)
def test_an_address_that_would_leak_or_miss_is_refused(model, said, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    with pytest.raises(BadInput, match=said) as error:
        LLM(model)
    assert "sk-secret" not in str(error.value)


def test_the_base_url_of_other_programs_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://models.example/v1/")
    with pytest.raises(BadInput, match="OPENAI_BASE_URL is set.*write gpt-4o@https://models.example/v1, or unset it"):
        LLM("gpt-4o")


class Listening(FakeServer):
    """Notes each request's headers and query, and may redirect."""

    to = None

    async def _complete(self, request: web.Request) -> web.Response:
        self.heard = getattr(self, "heard", []) + [(dict(request.headers), request.query_string)]
        if self.to:
            raise web.HTTPTemporaryRedirect(self.to)
        return await super()._complete(request)


def test_a_query_in_the_address_stays_behind_the_path():
    with Listening() as server:
        assert "quality=5" in LLM(server.model("crowd-5") + "?api-version=2024-10-21").complete("Who?").text
        assert [query for _, query in server.heard] == ["api-version=2024-10-21"]


def test_an_account_at_openai_is_told_to_no_other_host(monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-ours")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-of-ours")
    with Listening() as server:
        LLM(server.model("crowd-5")).complete("Who?")
        assert "of-ours" not in json.dumps(server.heard)


def test_no_redirect_is_followed():
    with Listening() as elsewhere, Listening() as server:
        server.to = f"{elsewhere.url}/chat/completions"
        with pytest.raises(EndpointFailed, match="HTTP 307"):
            LLM(server.model("crowd-5")).complete("Who?")
        assert not elsewhere.requests


def test_this_machine_is_never_reached_through_a_proxy(server):
    asked = f"from cce import LLM; print(LLM({server.model('crowd-5')!r}).complete('Who?').text)"
    dead = {name: "http://127.0.0.1:9" for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY")}
    done = subprocess.run([sys.executable, "-c", asked], env=os.environ | dead, capture_output=True, text=True)
    assert "quality=5" in done.stdout, done.stderr


def test_the_embedded_model_is_never_reached_through_a_proxy():
    asked = "from cce import LLM; print(LLM('embedded').complete('Say hello.', max_tokens=2).completion_tokens)"
    dead = {name: "http://127.0.0.1:9" for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY")}
    done = subprocess.run([sys.executable, "-c", asked], env=os.environ | dead, capture_output=True, text=True)
    assert done.stdout.strip() == "2", done.stderr


def test_pairs_are_judged_with_an_own_key_of_the_host(monkeypatch, server):
    monkeypatch.setenv("CCE_API_KEY", "of-no-one")
    monkeypatch.setenv("CCE_API_KEY_127_0_0_1", "its-own")
    evaluate([planted_pair(0, 2, 5)], ["vanilla"], [server.model("judge")])
    assert {asked["key"] for asked in server.requests} == {"Bearer its-own"}
