"""Outcome removal: a model rewrites a crowd judgment without its verdict, and a rule checks the rewriting.

The paper gives neither the prompt nor a check. A model may leave the verdict in, so every sentence in which
one of the usual phrasings of an outcome stands is cut afterwards. An observation on one point ("A is better
organised") stays. The rule reads judgments as they were written, with the names A and B.
"""

import re

NOUN = r"(?i:answer|response|assistant|choice|option|one)"
# One of the two by name or place. Without a role a letter must be a capital.
WHO = (
    rf"(?:(?i:the\s+)?(?:{NOUN}|(?i:candidate|model))\s+\(?[AB]\b\)?(?:['’]s\s+(?i:answer|response|reply|explanation))?"
    r"|\b[AB]\b(?:['’]s)?(?:\s+(?i:answer|response))?|(?i:the\s+(?:former|latter|first|second)(?:\s+(?:one|answer|response|assistant))?))"
)
BETTER = (
    r"(?i:better|best|superior|stronger|preferable|preferred|worse|worst|inferior|weaker|"
    r"(?:more|less)\s+(?:helpful|useful))"
)
# What may follow such a word where it sums up; anything else ("better organised") is an observation.
SUMS_UP = (
    r"(?=\W*$|\s*[.,;:!?)\]]|\s+(?:(?i:than|and|overall|because|since|as|for|here|to|in\s+(?:this|every|all)|of\s+the)"
    rf"|{NOUN})\b)"
)
NAMED = r"(?i:verdict|decision|judge?ment|choice|score|winner|preference|conclusion|pick)"
WINS = (
    r"(?:wins|won|loses(?=\W*$|\s*[.,;!]|\s+to\b)|outperform\w*|surpass\w*|beats|prevails|edges\s+out|falls\s+short\s+of|"
    r"comes?\s+out\s+(?:ahead|on\s+top)|is\s+not\s+as\s+good|does\s+a\s+better\s+job|better\s+serves|deserves\s+(?:the|to)\s+win|"
    r"should\s+(?:win|be\s+(?:chosen|preferred|selected)))"
)
OUTCOME = re.compile(
    "|".join(
        [
            r"\[\s*\[?\s*(?:(?i:assistant)\s+)?[AB]\s*(?:[<>=]+\s*[AB]\s*)?\]",  # [[A]], [A], [[A>B]]
            r"\\boxed\{|\b[AB]\s*[<>]{1,2}\s*[AB]\b",
            rf"(?i:\b(?:my|final|overall)\s+){NAMED}\b|\b{NAMED}\s*(?i:is\b|:)\s*{WHO}|\b(?i:is|as)\s+(?i:the\s+winner)\b",
            rf"^\W*(?i:(?:so|thus|therefore|hence)\W+)?(?:(?i:the|my|final)\s+)*(?:(?i:answer)(?:\s+(?i:is))?\s*:?\s*)?{WHO}\W*$",
            rf"{WHO},?\s+(?i:is|was|are|seems|appears\s+to\s+be)(?:[\s,]+\w+,?){{0,4}}?\s+{BETTER}\b{SUMS_UP}",
            rf"{WHO}\s+(?:\w+ly\s+)?(?i:{WINS})",
            rf"\b(?i:prefer|choose|favou?r|pick|select|go\s+with|lean\w*\s+towards?|preference\s+is\s+for|vote\s+for)\s+{WHO}",
            rf"\b(?i:makes?|find|consider|judge|deem|think|believe)\s+{WHO}(?:\s+\w+){{0,3}}?\s+{BETTER}\b",
            rf"\b(?i:the|a)\s+(?:\w+\s+)?{BETTER}(?:\s+(?i:and)(?:\s+\w+){{1,3}})?\s+(?i:overall\s+)?"
            rf"(?:(?i:of\s+the\s+two)|{NOUN})\b(?!\s+(?i:would|to\s+the))",
            rf"\b(?i:better)\s+(?i:than)\s+(?:{WHO}|(?i:the\s+other))",
            rf"{WHO}\s*:?\s*\(?\d+(?:\.\d+)?\s*/\s*\d+",  # a score
        ]
    ),
    re.MULTILINE,
)
EMPHASIS = re.compile(r"[*_`\"“”]+")
# A new sentence or a new line, but not the rest of one that was wrapped, nor what follows "e.g.".
SENTENCE_END = re.compile(r"(?<=[.!?])(?=\s+[^\sa-z])|(?<=\n)(?![a-z])")


def states_outcome(text: str) -> bool:
    """Whether one of the usual phrasings of an outcome stands in the text."""
    return OUTCOME.search(EMPHASIS.sub("", text)) is not None


def cut_outcome(text: str) -> str:
    """The text without the sentences that state an outcome; what is left states none."""
    kept = "".join(sentence for sentence in SENTENCE_END.split(text) if not states_outcome(sentence)).strip()
    # A statement may run over what looks like the end of a sentence.
    return "" if states_outcome(kept) else kept
