"""Letters: each text of a figure in an installed font that has them, and as escapes where there is none.

Names of models and benchmarks come from anywhere. What a terminal would obey stands as its picture here, too.
"""

import warnings
from contextlib import suppress
from functools import cache

from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from cce.text import visible

# Has a sign for every letter, which says what it is of and not which.
LAST_RESORT = "Last Resort"


def make_legible(figure: Figure) -> None:
    """Give the figure's texts fonts that have their letters; warn once of letters that none has, written as escapes."""
    ticks = {axis: axis.get_ticklabels() for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)}
    texts = [text for text in figure.findobj(Text) if not text.get_text().isascii()]
    unknown = sorted({letter for text in texts for letter in text.get_text() if not _fonts(visible(letter))})
    for text in texts:
        fonts = [font for letter in text.get_text() for font in _fonts(visible(letter))]
        text.set_fontfamily(list(dict.fromkeys([*text.get_fontfamily(), *fonts])))
    for axis, labels in ticks.items():
        if any(_written(label.get_text()) != label.get_text() for label in labels):
            # Ticks take their texts from this whenever they are drawn.
            own = axis.get_major_formatter()
            axis.set_major_formatter(lambda value, place, own=own: _written(own(value, place)))
    for text in figure.findobj(Text):
        text.set_text(_written(text.get_text()))
    if unknown:
        said = f"no font here has {' '.join(unknown)}, which the figure writes as escapes"
        warnings.warn(visible(f"{said}; install a font that has them, such as Noto Sans"), stacklevel=3)


def _written(text: str) -> str:
    shown = ((letter, visible(letter)) for letter in text)
    return "".join(seen if _fonts(seen) else letter.encode("unicode_escape").decode() for letter, seen in shown)


@cache
def _fonts(letter: str) -> tuple[str, ...]:
    """The family of the first font that has the letter, those of the figures' own first; nothing where none has it."""
    if letter.isspace() or ord(letter) in _letters_of(findfont("DejaVu Sans")):
        return ("DejaVu Sans",)
    plain = [font for font in fontManager.ttflist if (font.style, font.variant) == ("normal", "normal")]
    named = [font for font in plain if LAST_RESORT not in font.name]
    return next(((font.name,) for font in named if ord(letter) in _letters_of(font.fname)), ())


@cache
def _letters_of(file: str) -> frozenset[int]:
    # A font of pictures, such as of emoji, cannot be drawn with.
    with suppress(RuntimeError, OSError):
        return frozenset(FT2Font(file).get_charmap())
    return frozenset()
