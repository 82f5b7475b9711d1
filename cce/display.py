"""How results show themselves: as HTML where a notebook asks for it, as plain text in a terminal.

A class says its `section`; JupyterLab, IPython and `print` do the rest. The texts come from models and data sets, which
may hold anything: in HTML they are escaped, and there as in a terminal control characters stand as their pictures.
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Literal, NamedTuple

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cce.text import visible


def _seen(value: object) -> object:
    return visible(value) if isinstance(value, str) else value


TEMPLATES = ImmutableSandboxedEnvironment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, finalize=_seen
)


class Piece(NamedTuple):
    """A stretch of text, and what a difference says of it."""

    text: str
    change: Literal["", "cut", "new"] = ""


class Shown:
    """Something that shows itself as its `section()`; `repr` stays what it is."""

    def _repr_html_(self) -> str:
        return TEMPLATES.get_template("display.jinja").render(section=self.section())

    def __str__(self) -> str:
        return visible("\n".join(_lines(self.section())))

    def _repr_pretty_(self, printer, cycle: bool) -> None:
        # Within a list one line a thing is enough.
        printer.text(str(self) if len(printer.stack) == 1 else repr(self))


@dataclass(frozen=True)
class Section(Shown):
    """A title with a text, whole or as pieces of a difference, and sections of its own below it.

    These stand `beside` each other where there is room. A `folded` one shows its title alone; HTML can open it.
    """

    title: str
    text: str | tuple[Piece, ...] = ""
    parts: tuple["Section", ...] = ()
    beside: bool = False
    folded: bool = False
    # IPython would take a dataclass's own repr.
    _repr_pretty_ = Shown._repr_pretty_

    def section(self) -> "Section":
        """Itself."""
        return self

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The text as pieces."""
        return (Piece(self.text),) if isinstance(self.text, str) else self.text


def difference(before: str, after: str) -> tuple[Piece, ...]:
    """What became of a text, word by word: the words that stayed, those that were cut, and new ones."""
    old, new = re.findall(r"\s*\S+", before), re.findall(r"\s*\S+", after)
    matcher = SequenceMatcher(None, [word.strip() for word in old], [word.strip() for word in new], autojunk=False)
    pieces = []
    for change, i, j, k, m in matcher.get_opcodes():
        kept = change == "equal"
        pieces += [Piece("".join(old[i:j]), "" if kept else "cut"), Piece("" if kept else "".join(new[k:m]), "new")]
    return tuple(piece for piece in pieces if piece.text)


def _lines(section: Section) -> list[str]:
    if section.folded:
        return [section.title]
    # A difference stands in the marks of wdiff.
    marks = {"": "{}", "cut": "[-{}-]", "new": "{{+{}+}}"}
    text = "".join(marks[piece.change].format(piece.text) for piece in section.pieces)
    below = [*text.splitlines(), *(line for part in section.parts for line in _lines(part))]
    return [section.title, *(f"  {line}" for line in below)]
