"""The documentation: its links, paths and commands are those of the project."""

import ast
import re
import shlex
from pathlib import Path

import pytest
import typer

from cce.benchmarks import SHIPPED
from cce.benchmarks.published import BENCHMARKS
from cce.cli import app
from tests.test_project import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
LINK = re.compile(r"\]\(([^)#]*)(?:#([^)]*))?\)")
CODE = re.compile(r"\bcce/[\w/]+\.(?:py|csv|md)\b")
# At the beginning of a line, with the lines that it goes on in.
COMMAND = re.compile(r"^\.venv/bin/cce ((?:.*\\\n)*.*)$", re.MULTILINE)
MAKE = re.compile(r"(?:^|`|--name cce )make ([a-z-]+)", re.MULTILINE)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def unknown_in(line: str) -> list[str]:
    """What a command line names that `cce` does not have: a command, or options."""
    words = shlex.split(line, comments=True)
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        name = words.pop(0) if words else ""
        if name not in command.commands:
            return [name]
        command = command.commands[name]
    options = {name for parameter in command.params for name in parameter.opts}
    return [word for word in words if word.startswith("--") and word not in options]


@each_page
def test_every_link_leads_somewhere(page):
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link[0]]
    targets = [((page.parent / path).resolve() if path else page, anchor) for path, anchor in links]
    assert [str(target) for target, _ in targets if not target.exists()] == []
    assert [anchor for target, anchor in targets if anchor and anchor not in anchors(target)] == []


@each_page
def test_every_file_that_is_named_exists(page):
    assert [name for name in CODE.findall(page.read_text()) if not (ROOT / name).exists()] == []


@each_page
def test_every_command_is_one(page):
    lines = [line.replace("\\\n", " ") for line in COMMAND.findall(page.read_text())]
    assert [unknown_in(line) for line in lines if unknown_in(line)] == []


@each_page
def test_every_target_of_make_is_one(page):
    (targets,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(MAKE.findall(page.read_text())) - set(targets.split()) == set()


def test_an_unknown_command_or_option_would_be_found():
    assert unknown_in("judge pairs.jsonl --out out.jsonl") == []
    assert unknown_in("store merge a b  # into a") == []
    assert unknown_in("store copy a b") == ["copy"]
    assert unknown_in("jugde pairs.jsonl") == ["jugde"]
    assert unknown_in("judge pairs.jsonl --ouput out.jsonl") == ["--ouput"]


def test_the_readme_leads_to_every_page_and_is_short():
    readme = (ROOT / "README.md").read_text()
    assert [page.name for page in ROOT.glob("docs/*.md") if f"docs/{page.name}" not in readme] == []
    assert len(readme.splitlines()) <= 110


def test_every_set_of_pairs_has_a_whole_row_in_one_table():
    lines = (ROOT / "docs/benchmarks.md").read_text().splitlines()
    start = lines.index("| name | source | licence | size | a tie | left out |")
    rows = [line.strip("|").split(" | ") for line in lines[start + 2 : lines.index("", start)]]
    assert {len(row) for row in rows} == {6}
    assert set(re.findall(r"`(\w+)`", " ".join(row[0] for row in rows))) == {*BENCHMARKS, *SHIPPED}


PROMISES = ROOT / "docs/promises.md"
PROMISE = re.compile(r"^\| (?!promise \||---)(.+?) \| (`tests/.+?`) \|(.*)\|$", re.MULTILINE)


def names_in(file: str) -> set[str]:
    """The tests of a file by the names that pytest has for them; none where there is no such file."""
    path, found = ROOT / file, set()
    for node in ast.parse(path.read_text()).body if path.is_file() else ():
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        of = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        functions = [one.name for one in inner if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
        found |= {f"{file}::{of}{name}" for name in functions if name.startswith("test_")}
    return found


def plain(text: str) -> str:
    """The words of a page, without the marks of Markdown, on one line."""
    return " ".join(re.sub(r"\]\([^)]*\)|[*`\[\]]", "", text).split())


def promises() -> list[tuple[str, list[str]]]:
    """Each promise with the tests that hold it."""
    return [(promise, re.findall(r"`([^`]+)`", tests)) for promise, tests, _ in PROMISE.findall(PROMISES.read_text())]


def test_every_row_of_promises_is_one():
    lines = [line for line in PROMISES.read_text().splitlines() if line.startswith("|")]
    heads = [line for line in lines if line in ("| promise | test | figure |", "| --- | --- | --- |")]
    assert len(promises()) == len(lines) - len(heads) > 30


@pytest.mark.parametrize(("promise", "tests"), promises(), ids=lambda part: str(part)[:50])
def test_every_promise_stands_in_the_documentation_and_is_held_by_tests_that_there_are(promise, tests):
    told = [plain(page.read_text()) for page in PAGES if page not in (PROMISES, ROOT / "CONTRIBUTING.md")]
    assert [text for text in told if plain(promise) in text]
    assert [test for test in tests if test not in names_in(test.partition("::")[0])] == []


def test_a_test_that_is_none_would_be_found():
    assert "tests/test_faults.py::TestBounds::test_calls" in names_in("tests/test_faults.py")
    assert "tests/test_faults.py::test_calls" not in names_in("tests/test_faults.py")
    assert names_in("tests/test_nothing.py") == set()
