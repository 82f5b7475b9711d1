"""What a machine refuses, and files of the user's that are not what they should be: one line each, with its remedy."""

import os
import resource
import subprocess
import sys

import pytest

from tests.conftest import planted_pair


def judged(server, folder, **given) -> subprocess.CompletedProcess:
    """`cce judge` of one pair in a process of its own."""
    (folder / "mine.jsonl").write_text(planted_pair(0, 2, 5).model_dump_json(exclude={"benchmark"}, exclude_none=True))
    command = [sys.executable, "-m", "cce", "judge", "mine.jsonl", "--judge", server.model("judge"), "--out", "o.jsonl"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, **given)


@pytest.mark.parametrize(("name", "said"), [("none.pem", "No such file"), ("text.pem", "no certificate")])
def test_a_file_of_certificates_that_is_none_is_named(server, tmp_path, name, said):
    (tmp_path / "text.pem").write_text("a text")
    done = judged(server, tmp_path, env=os.environ | {"SSL_CERT_FILE": name})
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"error: SSL_CERT_FILE={name}: cannot be read" in done.stderr and said in done.stderr
    assert not server.requests


def few_files(soft: int, hard: int) -> dict:
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))}


def test_too_few_open_files_are_said_before_anything_is_sent(server, tmp_path):
    done = judged(server, tmp_path, **few_files(60, 60))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "open files, and 60 may be; allow more by `ulimit -n " in done.stderr
    assert not server.requests


def test_the_number_of_open_files_is_raised_where_it_may_be(server, tmp_path):
    assert judged(server, tmp_path, **few_files(60, 1024)).returncode == 0


def test_a_file_that_nobody_foresaw_is_one_line(tmp_path):
    failing = "from cce import cli; cli.app = lambda: open('nowhere\\x1b/file'); cli.main()"
    done = subprocess.run([sys.executable, "-c", failing], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "error: nowhere\u241b/file: No such file or directory\n")
