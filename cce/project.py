"""Where the project lies: relative paths in notebooks and parameter files start at its root."""

import subprocess
from importlib.metadata import version
from pathlib import Path


def root() -> Path:
    """The folder that holds notebooks/ and params/: around the working folder or this package, else the first."""
    places = [Path.cwd(), *Path.cwd().parents, Path(__file__).parents[1]]
    return next((p for p in places if (p / "notebooks").is_dir() and (p / "params").is_dir()), Path.cwd())


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
