"""Outcome removal: a model rewrites a crowd judgment without its verdict, and a rule checks the rewriting.

The paper gives neither the prompt nor a check. A model may leave the verdict in, so every sentence in which
an outcome can still be read is cut afterwards. Observations on one point ("A is better organised") stay.
"""

import re

NOUN = r"(?:answer|response|assistant|choice|option|one)"
WHO = rf"(?:the\s+)?(?:{NOUN}|candidate|model)s?(?:\s+[A-Z]\d?)?\b(?:['’]s\s+(?:answer|response|reply))?"
BETTER = r"(?:better|best|superior|stronger|preferable|preferred|worse|worst|inferior|weaker|winner)"
# What may follow such a word where it sums up; anything else ("better organised") is an observation.
SUMS_UP = rf"(?=\s*(?:$|[.,;:!?)\]*]|\b(?:than|overall|because|since|as|for|here|in\s+this|of\s+the|at|to|{NOUN})\b))"
OUTCOME = re.compile(
    "|".join(
        [
            r"\[\[\s*\w+\s*\]\]",
            r"\bverdict\b|\bwinner\s*(?:is\b|:)|\b(?:is|as)\s+the\s+winner\b",
            rf"\b(?:{WHO}|[A-Z]\d?)\s+(?:is|was|are|seems|appears\s+to\s+be)\s+(?:\w+\s+){{0,3}}?{BETTER}\b{SUMS_UP}",
            rf"\b(?:{WHO}|[A-Z]\d?)\s+(?:wins|won|loses|lost|outperforms|outperformed|prevails|comes\s+out\s+ahead)\b",
            rf"\b(?:prefer|choose|favou?r|pick|select|go\s+with)\s+(?:{WHO}|[A-Z]\b)",
            rf"\b{BETTER}\s+(?:overall\s+)?{NOUN}\b(?!\s+to\s+the)",
        ]
    ),
    re.IGNORECASE | re.MULTILINE,
)


def states_outcome(text: str) -> bool:
    """Whether a verdict can be read in the text."""
    return OUTCOME.search(text) is not None


def cut_outcome(text: str) -> str:
    """The text without the sentences that state an outcome; what is left states none."""
    sentences = re.split(r"(?<=[.!?])(?=\s)|(?<=\n)", text)
    kept = "".join(sentence for sentence in sentences if not states_outcome(sentence)).strip()
    # A statement may run over what looks like the end of a sentence.
    return "" if states_outcome(kept) else kept
