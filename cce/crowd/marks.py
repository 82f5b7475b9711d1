r"""Marks: how judges write a verdict in a text, how it is read, and how it is broken up in the texts that are judged.

A mark is [[A]], [[B]] or [[C]], a tie, in the usual typography: spaces, bold, small letters, brackets of full width or
escaped, a label inside such as Assistant A, a last bracket that is missing; [[A>B]] as Arena-Hard and JudgeBench write
it; a boxed letter; and Output (a), in LLMBar's words. Whatever can be read as a mark can also be broken up.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from cce.errors import BadInput
from cce.models.replies import TAGS

BOLD = r"[*_]*"
# Possessive, so that no text with many spaces takes long.
SPACE = r"[\s*_`'\"]*+"
LABEL = r"(?:(?:assistant|answer|response|option|output|model|candidate|choice|verdict|winner)[\s:#]*)?"
RELATION = r"\s*(?P<relation>[<>=\uff1c\uff1d\uff1e\u226a\u226b]{1,3})\s*"
LETTER = r"[ABC\uff21-\uff23]"
COMPARED = rf"[AB\uff21\uff22](?:{RELATION}{LABEL}[AB\uff21\uff22])"
INSIDE = rf"{SPACE}(?P<inside>{LABEL}{SPACE}\(?(?P<first>{COMPARED}|{LETTER}|tie|draw)\)?){SPACE}"
OPENING = rf"(?:\\?\[{BOLD}\\?\[|\uff3b{BOLD}\uff3b|\u3010+|\u27e6|\u301a)"
CLOSING = r"\\?[\]\uff3d\u3011\u27e7\u301b]"
BRACKETED = re.compile(rf"{OPENING}{INSIDE}{CLOSING}(?:{BOLD}{CLOSING})?", re.I)
# One of these begins each of them.
SIGNS = ("[[", "\\[", "[*", "[_", "\uff3b", "\u3010", "\u27e6", "\u301a")
# A text in LaTeX may have commands for its font inside. A boxed C is the solution of a task more often than a tie.
BOXED = re.compile(rf"\\(?:boxed|fbox)\{{(?:\s*\\[a-z]+\{{?){{0,3}}{INSIDE.replace(LETTER, '[AB]')}\}}+", re.I)
NAMED = re.compile(r"\boutput \([ab]\)", re.I)
# "Neither Output (a) nor Output (b)" names both. What is better than another is the one that is meant.
CHOSEN = re.compile(
    r"(?<!\bnor )(?<!\band )(?<!\bor )\boutput \((?P<first>[ab])\)"
    r"(?P<sum> is (?:\w+ly |the |a )*better\b(?: \w+)?(?: than output \([ab]\))?)?",
    re.I,
)
# A letter that stands for one of the two answers, within a mark.
ANSWER = re.compile(r"(?<![^\W_])[ab\uff21\uff22](?![^\W_])", re.I)
OPPOSITE = dict(zip(map(ord, "ABab\uff21\uff22"), "BAba\uff22\uff21", strict=True))
# What may stand on the line of a verdict that is alone there, before and after it.
WORDS = "my|the|final|overall|so|thus|therefore|verdict|decision|judge?ment|answer|choice|winner|is"
BEFORE = re.compile(rf"(?:[\W_]|\b(?:{WORDS})\b)*", re.I)
AFTER = re.compile(r"[\W_]*")
# Characters before and behind a mark; a longer line has more to say.
LINE = 100
WORTH = {"A": 1.0, "B": 0.0}
THINKING = re.compile(rf"<(/?(?:{TAGS}))>|\[(/?THINK)\]", re.I)
# The file of a set of prompts that says how its judge states a verdict.
OWN = "verdict.regex"


def read_text(text: str) -> float | None:
    """The verdict as the probability that the first answer is better: 1, 0, 0.5 for a tie, None where none is read.

    The last mark that stands alone on its line, else the last bracketed one. A box or an Output (a) is read only where
    there is no bracketed mark, and only alone on its line, at the end of the text, or where it says "is better".
    """
    if (alone := read_alone(text)) is not None:
        return alone
    marks = list(_bracketed(text)) or [mark for mark in CHOSEN.finditer(text) if mark["sum"]] or list(_at_the_end(text))
    return _worth(marks[-1]) if marks else None


def read_alone(text: str) -> float | None:
    """The verdict of the last mark that stands alone on its line, perhaps behind words such as "My verdict is"; all
    that can be trusted of a text that was cut off.
    """
    for marks in (_bracketed(text), BOXED.finditer(text), CHOSEN.finditer(text)):
        if alone := [mark for mark in marks if _is_alone(text, mark)]:
            return _worth(alone[-1])
    return None


def read_own(pattern: re.Pattern, text: str) -> float | None:
    """The verdict by a form of the user's own (see `own_form`): that of its last match."""
    found = [mark.lastgroup for mark in pattern.finditer(text)]
    return {"a": 1.0, "b": 0.0}.get(found[-1], 0.5) if found else None


@cache
def own_form(prompts: str | None) -> re.Pattern | None:
    """The regular expression that stands in the user's folder of prompts as OWN, where it does.

    Its groups a, b and tie say what was found: for example `Winner: (?:(?P<a>first)|(?P<b>second)|(?P<tie>none))`.
    Raises BadInput for a file that holds no such expression.
    """
    file = Path(prompts or "") / OWN
    if not file.is_file():
        return None
    try:
        pattern = re.compile(file.read_text(encoding="utf-8").strip(), re.M)
    except (re.error, ValueError) as problem:
        raise BadInput(f"{file}: not a regular expression: {problem}") from None
    if not {"a", "b"} <= set(pattern.groupindex) <= {"a", "b", "tie"} or pattern.search(""):
        raise BadInput(f"{file}: groups called a and b are wanted, and perhaps tie, such as (?P<a>first)|(?P<b>second)")
    return pattern


def without_marks(text: str, own: re.Pattern | None = None) -> str:
    """The text as prompts show it: what stands in an answer must never come back in a rationale as if it were the
    judge's verdict, such as [[A]], or as if the judge were thinking, such as </think>.
    """
    # Most texts have no sign of a mark, and a search for marks takes longer than one for these.
    small = text.lower()
    if any(sign in text for sign in SIGNS):
        text = BRACKETED.sub(r"[ [\g<inside>] ]", text)
    if "box" in small:
        text = BOXED.sub(lambda mark: mark[0].replace("{", " {"), text)
    if "output (" in small:
        text = NAMED.sub(lambda name: name[0].replace("(", "( "), text)
    if "think" in small or "thought" in small:
        text = THINKING.sub(_apart, text)
    return own.sub(lambda mark: " ".join(mark[0]), text) if own else text


def turned(text: str, between: Callable[[str], str]) -> str:
    """The text with A for B and B for A in its marks; what stands between marks is as `between` has it."""
    spans = sorted(mark.span() for form in (BRACKETED, BOXED, NAMED) for mark in form.finditer(text))
    done, place = [], 0
    for begin, end in spans:
        # Of two that overlap, such as [[Output (a)]], the one that begins first holds the other.
        if begin >= place:
            mark = ANSWER.sub(lambda letter: letter[0].translate(OPPOSITE), text[begin:end])
            done += [between(text[place:begin]), mark]
            place = end
    return "".join([*done, between(text[place:])])


def _apart(mark: re.Match) -> str:
    return f"{mark[0][0]} {mark[0][1:-1]} {mark[0][-1]}"


def _bracketed(text: str) -> Iterator[re.Match]:
    # In R, x[[a]] is a part of x, and no verdict.
    for mark in BRACKETED.finditer(text):
        part = mark["first"] in ("a", "b", "c") and re.match(r"[\w)\]]", text[: mark.start()][-1:])
        if not part:
            yield mark


def _is_alone(text: str, mark: re.Match) -> bool:
    before, after = text[max(0, mark.start() - LINE) : mark.start()], text[mark.end() : mark.end() + LINE]
    begins, ends = "\n" in before or mark.start() <= LINE, "\n" in after or mark.end() + LINE >= len(text)
    line = before.rpartition("\n")[2], after.partition("\n")[0]
    return begins and ends and bool(BEFORE.fullmatch(line[0]) and AFTER.fullmatch(line[1]))


def _at_the_end(text: str) -> Iterator[re.Match]:
    for form in (BOXED, CHOSEN):
        yield from (mark for mark in form.finditer(text) if AFTER.fullmatch(text, mark.end()))


def _worth(mark: re.Match) -> float:
    first, relation = unicodedata.normalize("NFKC", mark["first"]).upper(), mark.groupdict().get("relation")
    if relation and re.search("[<\uff1c\u226a]", relation):
        return WORTH.get(first[-1], 0.5)
    return 0.5 if relation and re.search("^[=\uff1d]+$", relation) else WORTH.get(first[0], 0.5)
