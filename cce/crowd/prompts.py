"""Prompts are files, in our own words: prompts/*.jinja, the kit's, and prompts/paper, with the elements of the paper's.

NAME.jinja is the user's message, NAME.system.jinja the system message before it, where a set has one.

Texts of users, data sets and models enter them as values only. They are never rendered as templates, and
they cannot pose as part of the kit's own prompts: verdict marks in them are broken up, and the lines that separate
the sections have a length that no like run in the texts has. The layouts of published judges have no such defence.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from itertools import count
from pathlib import Path

from cce.crowd.marks import own_form, without_marks
from cce.crowd.templates import FOLDER, Apart, environment, filled
from cce.errors import BadInput
from cce.models.wire import Messages
from cce.options import PROMPTS

# What a prompt is filled with: texts, or lists of texts, by the names that prompts have for them.
Texts = dict[str, str | Sequence[str]]
# So many texts are kept as prompts show them.
TEXTS = 4096
SETS = dict(zip(PROMPTS, (FOLDER, FOLDER / "paper"), strict=True))


def messages_of(name: str, prompts: str | None = None, **texts) -> Messages:
    """The prompt of this name as messages: a system message where there is one, then the user's."""
    roles = {"system": f"{name}.system" if _exists(f"{name}.system", prompts) else None, "user": name}
    return [{"role": role, "content": render(file, prompts, **texts)} for role, file in roles.items() if file]


def render(name: str, prompts: str | None = None, **texts) -> str:
    """Fill the prompt of the file NAME.jinja with texts, as `Texts` has them.

    `prompts` is one of PROMPTS, or the user's own folder; a file missing there is taken from the kit's.
    Raises BadInput where a user's prompt is not a valid template, or takes too long to fill.
    """
    own = own_form(prompts)
    shown = {key: _shown(value, own) for key, value in texts.items()}
    # As in Markdown, the text chooses: a mark is a run of exactly so many signs, as no run in the text has.
    taken = set().union(*map(_runs, flat(shown)))
    fence = "=" * next(length for length in count(3) if length not in taken)
    try:
        return _filler(prompts)(name, shown | {"fence": fence})
    except BadInput as error:
        # Of a folder all templates are read at first: it may be another one that is broken.
        other = re.fullmatch(r"(\S+\.jinja), (.*)", str(error), re.S)
        file, problem = other.groups() if other else (f"{name}.jinja", error)
        raise BadInput(f"prompt {file} in {prompts or FOLDER}: {problem}") from None


def flat(texts: Texts) -> list[str]:
    """All the texts in one list."""
    return [text for value in texts.values() for text in ([value] if isinstance(value, str) else value)]


@cache
def _filler(prompts: str | None) -> Callable[[str, dict], str]:
    folders = _folders(prompts)
    if folders[0] in SETS.values():
        return partial(filled, environment(folders))
    if not folders[0].is_dir():
        raise BadInput(f"there is no folder {folders[0].absolute()}")
    return Apart(folders[0]).filled


@cache
def _exists(name: str, prompts: str | None) -> bool:
    return any((folder / f"{name}.jinja").is_file() for folder in _folders(prompts))


def _folders(prompts: str | None) -> list[Path]:
    return [Path(SETS.get(prompts or "kit", prompts)), FOLDER]


def _shown(value, own: re.Pattern | None):
    return _cleaned(value, own) if isinstance(value, str) else [_shown(v, own) for v in value]


# A pair's answers stand in dozens of prompts, one soon after another.
_cleaned = lru_cache(TEXTS)(without_marks)


@lru_cache(TEXTS)
def _runs(text: str) -> frozenset[int]:
    return frozenset(map(len, re.findall("=+", text)))
