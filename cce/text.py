"""Text from data sets and models, made safe to write anywhere, and names made short to read."""

import re


def whole_characters(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair that stands alone; no file can hold those."""
    # Nearly all texts are whole, and a copy of each would double what a large file takes.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def judge_name(judge: str) -> str:
    """A judge, or another model, without its address; a student's folder may have an @ of its own."""
    return re.sub("@https?://.*", "", judge)
