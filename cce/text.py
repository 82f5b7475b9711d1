"""Text that is safe to write and to show: whole characters, and none that a terminal would obey."""

from typing import TextIO


def whole_characters(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair that stands alone; no file can hold those."""
    # Nearly all texts are whole, and a copy of each would double what a large file takes.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


# Unicode has pictures of the first control characters; the others, which a terminal may obey as well, have none.
PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"}
PICTURES |= {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
# Nor have those that turn the order of what is read, that part lines, or that stand there unseen, so that two names
# look like one. The joiners and marks of direction that Persian, Hebrew or an emoji is written with stay.
TURNING, PARTING = (*range(0x202A, 0x202F), *range(0x2066, 0x206A)), (0x2028, 0x2029)
UNSEEN = (0xAD, 0x180E, 0x200B, *range(0x2060, 0x2065), 0xFEFF, *range(0xE0000, 0xE0080))
PICTURES |= dict.fromkeys((*TURNING, *PARTING, *UNSEEN), 0xFFFD)


def visible(text: str) -> str:
    """The text with pictures in place of characters that a terminal or a page would obey, or that nobody can see."""
    return text.translate(PICTURES)


def tell(*said: object, file: TextIO | None = None, flush: bool = False, end: str = "\n") -> None:
    """Print, as `visible`; all that the kit prints goes through here, since names and texts come from anywhere."""
    print(visible(" ".join(map(str, said))), file=file, flush=flush, end=end)
