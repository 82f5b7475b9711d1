"""Which key goes to which host, and how a host is reached."""

import json
import os
import shutil
import ssl
import subprocess
import sys

import pytest
from aiohttp import web

from cce import LLM, evaluate
from cce.errors import BadInput, CallFailed, EndpointFailed
from cce.models import failures, keys
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


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("m@https://no-such-host.invalid/v1", "no-such-host.invalid.*is the name no-such-host.invalid right"),
        ("m@http://127.0.0.1:9/v1", "no connection to http://127.0.0.1:9/v1 .*is the server up"),
    ],
)
def test_an_error_of_a_connection_names_what_failed(model, said, monkeypatch):
    monkeypatch.setattr(failures, "ATTEMPTS", 1)
    with pytest.raises(EndpointFailed, match=said):
        LLM(model).complete("Who?")


def test_an_error_of_a_connection_names_the_proxy_without_its_password(monkeypatch):
    monkeypatch.setattr(failures, "ATTEMPTS", 1)
    monkeypatch.setenv("HTTPS_PROXY", "http://me:my-password@127.0.0.1:9")
    monkeypatch.delenv("https_proxy", raising=False)
    with pytest.raises(EndpointFailed, match="through the proxy 127.0.0.1:9 .*HTTPS_PROXY names it") as error:
        LLM("m@https://models.example/v1").complete("Who?")
    assert "my-password" not in str(error.value)


def test_a_certificate_that_nobody_knows_is_said_at_once_with_its_remedy(tmp_path, monkeypatch):
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    made += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "own.pem"]
    if shutil.which("openssl") is None or subprocess.run(made, cwd=tmp_path, capture_output=True).returncode:
        pytest.skip("no openssl on this machine")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "own.pem", tmp_path / "key.pem")
    with FakeServer(ssl_context=context) as server:
        model = server.model("crowd-5").replace("http://127.0.0.1", "https://localhost")
        with pytest.raises(EndpointFailed, match="certificate verify failed.*SSL_CERT_FILE names a file"):
            LLM(model).complete("Who?")
        asked = f"from cce import LLM; print(LLM({model!r}).complete('Who?').text)"
        own = os.environ | {"SSL_CERT_FILE": str(tmp_path / "own.pem")}
        done = subprocess.run([sys.executable, "-c", asked], env=own, capture_output=True, text=True)
        assert "quality=5" in done.stdout, done.stderr


def test_a_missing_version_in_the_address_is_named():
    with FakeServer() as server:
        url = server.url.removesuffix("/v1")
        with pytest.raises(EndpointFailed, match=f"HTTP 404.*is /v1 missing.*may be {url}/v1"):
            LLM(f"crowd-5@{url}").complete("Who?")
