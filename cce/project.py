"""Where the project lies: relative paths in notebooks and parameter files start at its root."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

from cce import spending
from cce.options import Options


def root() -> Path:
    """The folder that holds notebooks/ and params/: around the working folder, or around this package.

    Falls back to the working folder where the package was installed without the project around it.
    """
    places = [Path.cwd(), *Path.cwd().parents, Path(__file__).parents[1]]
    return next((p for p in places if (p / "notebooks").is_dir() and (p / "params").is_dir()), Path.cwd())


def enter() -> Path:
    """Make the root the working folder, wherever a notebook was started, and return it."""
    os.chdir(root())
    return Path.cwd()


def begin(given: Mapping[str, object]) -> Options:
    """Begin a notebook, which gives its `globals()`: enter the root, check its parameters, set bounds on spending.

    Returns the options that the parameters name. Raises BadInput naming every parameter that is not what the notebook
    takes.
    """
    from cce import parameters

    enter()
    parameters.check(given, "parameters")
    spending.limit(**{name: given.get(name) for name in ("max_calls", "max_total_tokens", "max_cost")})
    return Options(**{field.name: given[field.name] for field in fields(Options) if field.name in given})


def made_with(*packages: str) -> str:
    """What makes a notebook's results, in a line: the commit, and the versions of these packages."""
    return " · ".join([f"commit {commit()}", *(f"{name} {version(name)}" for name in packages)])


def commit() -> str:
    """The checked-out commit, with a plus sign where code or parameters differ from it; "unknown" without git."""
    git = ["git", "-C", str(root())]
    try:
        short = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    same = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "cce", "notebooks", "params"]).returncode == 0
    return short.stdout.strip() + ("" if same else "+")
