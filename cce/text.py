"""Text that is safe to write and to show: whole characters, and none that a terminal would obey."""


def whole_characters(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair that stands alone; no file can hold those."""
    # Nearly all texts are whole, and a copy of each would double what a large file takes.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


# Unicode has pictures of the first control characters; the others, which a terminal may obey as well, have none.
PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"}
PICTURES |= {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)


def visible(text: str) -> str:
    """The text with pictures in place of control characters, which a terminal would obey."""
    return text.translate(PICTURES)
