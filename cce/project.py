"""Where the project lies: relative paths in notebooks and parameter files start at its root."""

import os
import subprocess
from pathlib import Path


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


def commit() -> str:
    """The checked-out commit, with a plus sign where files differ from it; "unknown" without git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root()), "describe", "--always", "--dirty=+", "--abbrev=7", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
