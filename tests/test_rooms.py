"""The rooms of the package: who may import whom, and what can be added from outside."""

import ast
from graphlib import TopologicalSorter

import pytest

from cce import evaluate
from cce.crowd.methods import METHODS, register, single
from cce.crowd.record import Judged
from tests.test_project import ROOT

# Each imports only from those before it, and from the modules that stand beside the rooms.
ROOMS = ["models", "benchmarks", "crowd", "chat", "analysis"]
FILES = {
    file.relative_to(ROOT).with_suffix("").as_posix().removesuffix("/__init__").replace("/", "."): file
    for file in ROOT.glob("cce/**/*.py")
}


def imported(name: str) -> set[str]:
    """The modules of the package that this one imports, wherever in its text it does."""
    found = set()
    for node in ast.walk(ast.parse(FILES[name].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names} & FILES.keys()
            found |= inside or {node.module}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {module for module in found if module in FILES} - {name}


def test_no_files_import_each_other_in_a_circle():
    # Raises CycleError, which names the circle.
    assert len(list(TopologicalSorter({name: imported(name) for name in FILES}).static_order())) >= len(FILES)


@pytest.mark.parametrize("name", [name for name in FILES if name.count(".") > 1])
def test_a_room_imports_only_from_those_before_it(name):
    room = name.split(".")[1]
    if room in ROOMS:
        later = {f"cce.{other}" for other in ROOMS[ROOMS.index(room) + 1 :]}
        assert not {module for module in imported(name) if ".".join(module.split(".")[:2]) in later}


def test_the_crowds_files_come_in_the_order_of_the_method():
    order = [
        "marks",
        "prompts",
        "verdict",
        "session",
        "compare",
        "members",
        "notes",
        "record",
        "methods",
        "rehearsal",
        "evaluate",
        "result",
    ]
    for place, name in enumerate(order[:-1]):
        later = {f"cce.crowd.{other}" for other in order[place + 1 :]}
        assert not imported(f"cce.crowd.{name}") & later


def test_a_method_is_added_from_outside_the_package(server, pairs, monkeypatch):
    async def twice(session, pair, budget) -> Judged:
        """Vanilla, whatever the budget; a stand-in for somebody's own idea."""
        return await single(session, pair, "vanilla")

    monkeypatch.setattr("cce.crowd.methods.METHODS", METHODS.copy())
    register("twice", twice, budgeted=True)
    frame = evaluate(pairs, ["twice@2", "vanilla"], [server.model("judge")])
    assert frame[frame.method == "twice@2"].correct.all()
    assert len(server.requests) == len(pairs)
