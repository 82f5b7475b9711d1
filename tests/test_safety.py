"""What the kit must never do with a text: run it, unpickle it, give it to a shell. Its servers are this machine's."""

import ast
import json
import shutil
import socket
import subprocess
import sys
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from cce.models import engines
from cce.models.endpoint import endpoint_of
from tests.test_project import ROOT

FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "runpy", "code", "pty"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "system", "popen", "load_extension", "unsafe_load"}
# What prints by itself shows a terminal what it would obey; the worker's goes to a log.
PRINTING = {"cce/text.py", "cce/models/train_worker.py"}
# Those that run a file or a text, and are told apart by what they are called on.
FORBIDDEN_OF = {"yaml.load", "yaml.load_all", "yaml.full_load", "torch.load", "pandas.read_pickle", "pd.read_pickle"}
# Reads the prompts of an installed package; importing that would load engines. And plans the project's own notebooks,
# whose cells `cce run` runs as well.
ALLOWED = {"cce/crowd/methods/published.py": {"runpy"}, "cce/planning.py": {"exec", "compile"}}

OTHER_ADDRESS = "127.0.0.2"
# Listens on all interfaces unless it is told otherwise, as the real ones do.
ENGINE = """
import argparse, http.server
options = argparse.ArgumentParser()
options.add_argument("--host", default="0.0.0.0")
options.add_argument("--port", type=int)
given = options.parse_args()
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer((given.host, given.port), Health).serve_forever()
"""


def unsafe_in(source: str) -> set[str]:
    """What a program does that could run a text, by name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names} & FORBIDDEN_MODULES
        if isinstance(node, ast.ImportFrom):
            found |= {(node.module or "").partition(".")[0]} & FORBIDDEN_MODULES
        if isinstance(node, ast.Call):
            found |= _unsafe_call(node)
    return found


def _unsafe_call(call: ast.Call) -> set[str]:
    name = ast.unparse(call.func)
    by_shell = {
        f"{name}(shell)" for word in call.keywords if word.arg == "shell" and ast.unparse(word.value) != "False"
    }
    forbidden = name in FORBIDDEN_OF or (name.rpartition(".")[2] in FORBIDDEN_CALLS and name != "re.compile")
    return by_shell | ({name} if forbidden else set())


@pytest.mark.parametrize("file", sorted(ROOT.glob("cce/**/*.py")), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_text_is_run_unpickled_or_handed_to_a_shell(file):
    name = str(file.relative_to(ROOT))
    assert unsafe_in(file.read_text()) == ALLOWED.get(name, set())


@pytest.mark.parametrize("file", sorted(ROOT.glob("cce/**/*.py")), ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_is_printed_but_by_tell_and_no_template_is_without_its_sandbox(file):
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)}
    assert "print" not in calls or str(file.relative_to(ROOT)) in PRINTING
    assert not calls & {"Environment", "Template", "jinja2.Environment", "jinja2.Template"}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "from shelve import open",
        "import marshal as m",
        "eval(text)",
        "exec(text)",
        "compile(text, '', 'exec')",
        "import os; os.system(text)",
        "os.popen(text)",
        "subprocess.run(text, shell=True)",
        "subprocess.Popen(text, shell=wanted)",
        "yaml.load(text)",
        "yaml.unsafe_load(text)",
        "torch.load(file)",
        "pd.read_pickle(file)",
        "from runpy import run_path",
    ],
)
def test_each_of_these_would_be_found(source):
    assert unsafe_in(source)


@pytest.fixture
def elsewhere():
    """Another address of this machine, which a server on all interfaces answers at."""
    with socket.create_server(("0.0.0.0", 0)) as everywhere:
        if not answers(OTHER_ADDRESS, everywhere.getsockname()[1]):
            pytest.skip(f"{OTHER_ADDRESS} is no address of this machine")
    return OTHER_ADDRESS


def answers(address: str, port: int) -> bool:
    """Whether anybody listens there."""
    try:
        socket.create_connection((address, port), timeout=5).close()
    except OSError:
        return False
    return True


def test_the_embedded_model_is_served_to_this_machine_alone(elsewhere):
    port = urlsplit(endpoint_of("embedded").address()).port
    assert [answers(address, port) for address in ("127.0.0.1", elsewhere)] == [True, False]


def answer_of(url: str, path: str, data: bytes | None = None, **headers: str) -> tuple[int, str]:
    """The status of a server's answer, and which origin it lets read it."""
    asked = Request(url.removesuffix("/v1") + path, data, {"Content-Type": "application/json"} | headers)
    try:
        with urlopen(asked) as answer:
            return answer.status, answer.headers.get("Access-Control-Allow-Origin", "")
    except HTTPError as error:
        return error.code, error.headers.get("Access-Control-Allow-Origin", "")


CHAT = json.dumps({"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}).encode()
CHANGES = [("/lora-adapters", b'[{"id": 0, "scale": 0}]'), ("/props", b"{}"), ("/slots/0?action=erase", b"{}")]
ROUTES = [("/v1/chat/completions", CHAT), ("/completion", b'{"prompt": "x"}'), ("/v1/models", None), *CHANGES]


def test_an_engine_answers_nobody_without_its_key_and_no_page_may_read_it():
    url = endpoint_of("embedded").address()
    for path, data in ROUTES:
        assert answer_of(url, path, data) == (401, "none")
        assert answer_of(url, path, data, Authorization="Bearer no-key") == (401, "none")
    own = {"Authorization": f"Bearer {engines.KEY}", "Origin": "http://page.example"}
    assert answer_of(url, "/v1/chat/completions", CHAT, **own) == (200, "none")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A student behind `cce serve`: its base URL and key."""
    folder = tmp_path_factory.mktemp("student")
    shutil.copy(engines.JUDGE, folder / "adapter.gguf")
    (folder / "finished.json").write_text('{"name": "student-a"}')
    command = [sys.executable, "-m", "cce", "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        _, model, export = (process.stdout.readline().strip() for _ in range(3))
        assert model.startswith("student-a@http://127.0.0.1:")
        yield model.partition("@")[2], export.removeprefix("export CCE_API_KEY_127_0_0_1=")
        process.terminate()


def test_a_student_is_served_to_whoever_has_the_key(served):
    url, key = served
    assert answer_of(url, "/v1/chat/completions", CHAT, Authorization=f"Bearer {key}") == (200, "")
    for path, data in ROUTES:
        assert answer_of(url, path, data)[0] == answer_of(url, path, data, Authorization="Bearer no-key")[0] == 401


def test_no_page_of_another_origin_is_answered(served):
    url, key = served
    for path, data in ROUTES:
        page = {"Authorization": f"Bearer {key}", "Origin": "http://page.example"}
        assert answer_of(url, path, data, **page) == (403, "")


def test_nobody_changes_the_adapter_of_a_student_that_is_served(served):
    url, key = served
    for path, data in [*CHANGES, ("/completion", b'{"prompt": "x"}'), ("/v1/../lora-adapters", None)]:
        assert answer_of(url, path, data, Authorization=f"Bearer {key}")[0] == 404
    # Without its adapter it would say something else.
    said = [said_by(url, key, **more) for more in ({}, {"lora": [{"id": 0, "scale": 0.0}]})]
    assert said[0] == said[1]


def said_by(url: str, key: str, **more) -> str:
    """What the student says, and with what likelihood."""
    chat = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4, "temperature": 0, "logprobs": True}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    with urlopen(Request(f"{url}/chat/completions", json.dumps(chat | more).encode(), headers)) as answer:
        tokens = json.load(answer)["choices"][0]["logprobs"]["content"]
    return [(token["token"], round(token["logprob"], 3)) for token in tokens]


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"3", b"[" * 100_000])
def test_a_request_that_is_no_json_is_refused(served, body):
    url, key = served
    assert answer_of(url, "/v1/chat/completions", body, Authorization=f"Bearer {key}")[0] == 400


def test_a_student_is_served_to_this_machine_alone(tmp_path, elsewhere):
    (tmp_path / "engine.py").write_text(ENGINE)
    process, url = engines.started([sys.executable, "engine.py"], tmp_path)
    try:
        port = urlsplit(url).port
        assert [answers(address, port) for address in ("127.0.0.1", elsewhere)] == [True, False]
    finally:
        process.terminate()
        process.wait()
