"""Where the project lies: relative paths in notebooks and parameter files start at its root."""

import os
import subprocess
from importlib.metadata import version
from pathlib import Path

from cce.errors import BadInput

PACKAGE = Path(__file__).parent


def root() -> Path:
    """The folder that holds notebooks/ and params/: around the working folder or this package, else the first."""
    places = [Path.cwd(), *Path.cwd().parents, PACKAGE.parent]
    return next((p for p in places if (p / "notebooks").is_dir() and (p / "params").is_dir()), Path.cwd())


def own_files() -> list[Path]:
    """What the project is made of: its notebooks, its parameter files, and this package."""
    here = root()
    return [*here.glob("notebooks/*.ipynb"), *here.glob("params/**/*.yaml"), *PACKAGE.rglob("*")]


def check_results(folder: str | Path) -> None:
    """Raise BadInput for a folder that is no place for results: a file, or what holds the project's own files."""
    here, place = Path(os.path.realpath(root())), Path(os.path.realpath(root() / folder))
    there = next(one for one in (place, *place.parents) if os.path.exists(one))
    if not there.is_dir():
        raise BadInput(f"{folder}: {there} is no folder; name one, such as runs/mine")
    own = [one for one in (here / "notebooks", here / "params", PACKAGE.resolve()) if one.is_dir()]
    if any(place == one.parent or place.is_relative_to(one) for one in own):
        raise BadInput(f"{folder}: the project's own files are there; name a folder of its own, such as runs/mine")


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
