"""A figure: what was measured, beside its floor and the bound that it is to hold; and the table of all figures."""

import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).with_name("README.md")
TABLE = re.compile(r"(?<=<!-- table -->\n).*(?=<!-- end of table -->)", re.S)


@dataclass(frozen=True)
class Figure:
    """One measured number.

    `floor` is the same work done barely, in the same unit, `most` the bound: a ratio to the floor where `relative`,
    else in the unit itself. Either is None where there is none.
    """

    what: str
    measured: float
    unit: str
    floor: float | None = None
    most: float | None = None
    relative: bool = True
    note: str = ""
    commit: str = ""
    date: str = ""

    @property
    def ratio(self) -> float | None:
        """Measured over floor."""
        return self.measured / self.floor if self.floor else None

    @property
    def held(self) -> bool:
        """Whether the bound, where there is one, was held."""
        return self.most is None or (self.ratio if self.relative else self.measured) <= self.most

    def row(self) -> str:
        """The figure as a row of the table."""
        floor = f"{self.floor:.3g} {self.unit}" if self.floor else ""
        ratio = f"{self.ratio:.2f}" if self.floor else ""
        bound = "" if self.most is None else f"{self.most:g} {'x floor' if self.relative else self.unit}"
        held = "" if self.most is None else "yes" if self.held else "**no**"
        cells = [self.what, f"{self.measured:.3g} {self.unit}", floor, ratio, bound, held, self.note]
        return "| " + " | ".join([*cells, f"{self.date}, {self.commit}"]) + " |"


def machine() -> str:
    """Processor, cores, memory and Python of this machine in one line."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.+)", info.read_text()) if info.exists() else []
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = names[0] if names else platform.processor()
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def table(figures: Iterable[Figure]) -> str:
    """The Markdown table of all figures, the machine above it."""
    head = ["what", "measured", "floor", "ratio", "bound", "held", "note", "date, commit"]
    lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|", *(figure.row() for figure in figures)]
    return f"*{machine()}*\n\n" + "\n".join(lines) + "\n"


def write_table(figures: Iterable[Figure]) -> None:
    """Put the table into the README of this folder."""
    text = table(figures)
    README.write_text(TABLE.sub(lambda _: text, README.read_text()))
