"""Text from data sets and models, made safe to write anywhere."""


def whole_characters(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair that stands alone; no file can hold those."""
    return text.encode("utf-8", "replace").decode()
