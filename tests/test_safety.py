"""What the kit must never do with a text: run it, unpickle it, give it to a shell. Its servers are this machine's."""

import ast
import socket
import sys
from urllib.parse import urlsplit

import pytest

from cce.models import engines
from cce.models.endpoint import endpoint_of
from tests.test_project import ROOT

FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "runpy", "code", "pty"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "system", "popen", "load_extension", "unsafe_load"}
# Those that run a file or a text, and are told apart by what they are called on.
FORBIDDEN_OF = {"yaml.load", "yaml.load_all", "yaml.full_load", "torch.load", "pandas.read_pickle", "pd.read_pickle"}
# Reads the prompts of an installed package; importing that would load engines.
ALLOWED = {"cce/crowd/methods/published.py": {"runpy"}}

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


def test_a_student_is_served_to_this_machine_alone(tmp_path, elsewhere):
    (tmp_path / "engine.py").write_text(ENGINE)
    process, url = engines.started([sys.executable, "engine.py"], tmp_path)
    try:
        port = urlsplit(url).port
        assert [answers(address, port) for address in ("127.0.0.1", elsewhere)] == [True, False]
    finally:
        process.terminate()
        process.wait()
