"""Renaming: in a crowd judgment the crowd answer gets a name of its own, so that only A and B keep theirs.

The judge wrote of "Assistant A" and "Assistant B"; one of them is the crowd member's answer. Judges also
write "Answer B", "A and B", "B's" or plain "B", and the capital A is an English article as well.
"""

import re

ROLE = r"assistants?|answers?|responses?|repl(?:y|ies)|candidates?|models?|outputs?|options?|AI"
# Where a single capital letter names something else.
OTHER_LETTERS = (
    r"vitamins?|plan|type|group|class|grade|part|section|figure|table|appendix|hepatitis|chapter|step|point|case"
)
VERB = (
    r"(?:is|was|has|had|does|did|can|could|would|also|only|gives?|provides?|offers?|lacks|misses|fails|explains|"
    r"mentions|includes|omits|covers|uses|makes|shows|states|answers|says)"
)


def rename(text: str, old: str, new: str) -> str:
    """Call the assistant `old` (A or B) by the name `new` throughout the text.

    A bare letter is renamed where it can only be the name: not in "vitamin B", not where "A" may be the
    article that begins a sentence.
    """
    text = re.sub(rf"\b((?:{ROLE})[\s*_\"'(-]+){old}\b", rf"\g<1>{new}", text, flags=re.IGNORECASE)
    bare = rf"(?<![\w.'’&-]){old}(?![\w&+-])(?!\.\w)"
    if old == "A":
        # The article: it begins a sentence, unless a verb or an apostrophe follows; or it begins a title.
        bare = rf"(?:(?<=[\w,;)] ){bare}(?!\s+[A-Z]\w)|{bare}(?=['’]s\b|\s+{VERB}\b|\s+(?:and|or|vs\.?)\s+[B-Z]\b))"
    return re.sub(rf"\b((?i:{OTHER_LETTERS})\s+{old}\b)|{bare}", lambda m: m[1] or new, text)
