"""YAML that a user has written: read safely, and what is wrong with it is one line that says where."""

from math import inf
from pathlib import Path

import yaml

from cce.errors import BadInput

# Far more values than any file of parameters has: one that names a part of itself over and over has more.
MOST_VALUES = 100_000


class _Loader(yaml.SafeLoader):
    """Counts values as they stand where every alias is written out, and refuses too many."""

    def __init__(self, text: str | bytes):
        super().__init__(text)
        self.values, self.sizes = 0, {}

    def compose_node(self, parent, index) -> yaml.Node:
        alias, before = self.check_event(yaml.AliasEvent), self.values
        node = super().compose_node(parent, index)
        # A part that is not yet whole holds itself.
        self.values += self.sizes.get(node, inf) if alias else 1
        if self.values > MOST_VALUES:
            problem = f"more than {MOST_VALUES:,} values once its aliases are written out"
            raise yaml.composer.ComposerError(None, None, problem, node.start_mark)
        if not alias:
            self.sizes[node] = self.values - before
        return node


def read_yaml(file: Path) -> dict:
    """The mapping that the file holds, empty for an empty file. Raises BadInput naming file and line."""
    try:
        text = file.read_bytes()
    except OSError as problem:
        raise BadInput(f"{file}: {problem.strerror}") from None
    found = parse_yaml(text, str(file))
    if not isinstance(found, dict | None):
        raise BadInput(f"{file}: a mapping from names to values is wanted, not {found!r:.60}")
    return {str(name): value for name, value in (found or {}).items()}


def parse_yaml(text: str | bytes, source: str) -> object:
    """What the text says. Raises BadInput naming the source and, where known, the line."""
    try:
        return _Loader(text).get_single_data()
    # Such as a date that is none, or brackets nested thousands deep.
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as problem:
        raise BadInput(f"{source}{_line(problem, text)}: not YAML that can be read: {_said(problem)}") from None


def _line(problem: Exception, text: str | bytes) -> str:
    mark = getattr(problem, "problem_mark", None)
    if mark:
        return f", line {mark.line + 1}"
    if isinstance(problem, yaml.reader.ReaderError) and isinstance(text, bytes):
        return f", line {1 + text[: problem.position].count(10)}"
    return ""


def _said(problem: Exception) -> str:
    if isinstance(problem, yaml.reader.ReaderError):
        return f"{problem.reason}; save it as UTF-8"
    return " ".join(str(getattr(problem, "problem", None) or problem).split())
