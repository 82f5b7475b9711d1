"""How judges phrase outcomes and name the two assistants: rules that cut the first from a text, and change the second.

The cut: every sentence in which one of the usual phrasings of an outcome stands. An observation on one point ("A is
better organised") stays; docs/outcomes.md says how well that works.

The names: the prompt asks for "Assistant A" and "Assistant B" throughout. Judges also write "Answer B", "A and B",
"B's" or plain "B", and the capital A is an English article as well. A bare letter is renamed where it can only be the
name, and left alone where it may be something else.
"""

import re
from pathlib import Path

import yaml

PHRASINGS: dict[str, str] = {}
for _name, _pattern in yaml.safe_load(Path(__file__).with_name("phrasings.yaml").read_text(encoding="utf-8")).items():
    PHRASINGS[_name] = _pattern.format(**PHRASINGS)
OUTCOME = re.compile(PHRASINGS["outcome"], re.MULTILINE | re.VERBOSE)
ALONE = re.compile(PHRASINGS["alone"], re.MULTILINE | re.VERBOSE)
NAMES = re.compile(PHRASINGS["names"], re.VERBOSE)
EMPHASIS = re.compile(r"[*_`\"“”]+")
# A new sentence or a new line, but not the rest of one that was wrapped, nor what follows "e.g.".
SENTENCE_END = re.compile(r"(?<=[.!?])(?=\s+[^\sa-z])|(?<=\n)(?![a-z])")


def states_outcome(text: str) -> bool:
    """Whether one of the usual phrasings of an outcome stands in the text, or it ends with a name alone."""
    plain = EMPHASIS.sub("", text)
    return (OUTCOME.search(plain) or ALONE.search(plain)) is not None


def cut_outcome(text: str) -> str:
    """The text without the sentences that state an outcome; what is left states none. Headings stay."""
    kept = [sentence for sentence in SENTENCE_END.split(text) if not OUTCOME.search(EMPHASIS.sub("", sentence))]
    while kept and (not kept[-1].strip() or ALONE.search(EMPHASIS.sub("", kept[-1]))):
        kept.pop()
    left = "".join(kept).strip()
    # A statement may run over what looks like the end of a sentence.
    return "" if states_outcome(left) else left


def rename(text: str, names: dict[str, str]) -> str:
    """Call the assistants A and B by the names given, in one pass, so that no new name is renamed again.

    A letter that has no name here stays, and so do "vitamin B", "option B" and an "A" that may be the article.
    """

    def renamed(found: re.Match) -> str:
        old = found["name"] or found["bare"]
        return (found["before"] or "") + names.get(old, old) if old else found["other"]

    return NAMES.sub(renamed, text)
