"""Notes: selected crowd judgments on their way into the prompt, without their outcome and with names of their own.

Outcome removal: a model rewrites a crowd judgment without its verdict, and a rule checks the rewriting. The paper gives
neither the prompt nor a check. A model may leave the verdict in, so every sentence in which one of the usual phrasings
of an outcome stands is cut afterwards. An observation on one point ("A is better organised") stays. The rule reads
judgments as they were written, with the names A and B.

Renaming: the crowd answer gets a name of its own, so that only A and B keep theirs. The prompt asks for "Assistant A"
and "Assistant B" throughout; one of them is the crowd member's answer. Judges also write "Answer B", "A and B", "B's"
or plain "B", and the capital A is an English article as well. A bare letter is renamed where it can only be the name,
and left alone where it may be something else.
"""

import re
from dataclasses import dataclass

from cce.crowd.compare import TEMPERATURE
from cce.crowd.members import CrowdJudgment, Selected
from cce.crowd.prompts import render
from cce.crowd.session import Session, Texts
from cce.models.loop import together
from cce.models.wire import Expects

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


ROLE = r"(?i:assistants?|answers?|responses?|repl(?:y|ies)|candidates?|models?|outputs?|AI)"
# Where a single capital letter names something else.
OTHER_LETTERS = (
    r"(?i:vitamins?|plan|type|group|class|grade|part|section|figure|table|appendix|hepatitis|chapter|step|point|case|"
    r"options?|choices?|letter|set|node|matrix|event|statement|variable|team|column|row)"
)
VERB = (
    r"(?:is|was|has|had|does|did|could|would|may|might|will|should|also|gives?|gave|provided?|provides|offers?|offered|"
    r"lacks|lists|misses|missed|fails|failed|explains?|explained|mentions|mentioned|includes|included|omits|omitted|covers|"
    r"uses|makes|made|shows|states|stated|answers|says|said|gets|got|wins|won|loses|lost|beats|prevails|remains|stays|"
    r"outperform\w*|surpass\w*|edges|comes|came|falls|fell|deserves|because|since|over|\w+ly)"
)
BARE = r"(?<![\w.'’&|-]){letter}(?![\w&+|-])(?!\.\w)"
# An article has its noun behind it on the same line, and is small within a sentence. A name has something else behind
# it, or a verb, or the other name.
OTHER_NAME = r"(?:and|or|vs\.?)\s+[B-Z]\b"
BARE_A = BARE.format(letter="A") + rf"(?:(?<=[\w;)] A)(?!\s+[A-Z]\w)|(?![ \t]+\w)|(?=[ \t]+(?:{VERB}|{OTHER_NAME})\b))"
NAMES = re.compile(
    rf"(?P<other>\b{OTHER_LETTERS}\s+\(?[AB]\b)"
    rf"|(?P<before>\b{ROLE}[\s*_\"'(-]+|\[\[\s*)(?P<name>[AB])\b"
    rf"|(?P<bare>{BARE.format(letter='B')}|{BARE_A})"
)


def rename(text: str, names: dict[str, str]) -> str:
    """Call the assistants A and B by the names given, in one pass, so that no new name is renamed again.

    A letter that has no name here stays, and so do "vitamin B", "option B" and an "A" that may be the article.
    """

    def renamed(found: re.Match) -> str:
        old = found["name"] or found["bare"]
        return (found["before"] or "") + names.get(old, old) if old else found["other"]

    return NAMES.sub(renamed, text)


@dataclass(frozen=True)
class Note:
    """A selected crowd judgment on its way into the prompt: as `written`, as much of it as was `kept`, and as `shown`.

    Outcome removal lies between the first two, renaming between the last two. One that was all outcome is empty, and
    is not shown. `stubborn` says that the rewriting still held an outcome; `key` is that of the rewriting in the store.
    """

    of: CrowdJudgment
    written: str
    kept: str
    shown: str
    stubborn: bool = False
    key: str = ""


async def notes_of(session: Session, selected: Selected, removal: bool, order: int) -> list[Note]:
    """The notes that this order's prompt shows (0 given, 1 swapped), those on the answer shown as A first."""

    async def note(chosen: CrowdJudgment) -> Note:
        telling = chosen.telling_order(order)
        reading, there = chosen.judgment.readings[telling], chosen.place(telling)
        names = {there: chosen.place(order), "B" if there == "A" else "A": chosen.member.letter}
        if not removal:
            return Note(chosen, reading.text, reading.text, rename(reading.text, names))
        kept, stubborn, key = await _without_outcome(session, reading.text, selected.apart)
        return Note(chosen, reading.text, kept, rename(kept, names), stubborn, key)

    placed = sorted(selected.chosen, key=lambda judgment: judgment.place(order))
    return await together(note(chosen) for chosen in placed)


async def _without_outcome(session: Session, judgment: str, apart: str) -> tuple[str, bool, str]:
    async def attempt(texts: Texts) -> tuple[str, str]:
        prompt = render("outcome_removal", session.options.prompts, **texts)
        expects = Expects("removal", apart=apart)
        said = await session.ask(session.judge, prompt, expects, temperature=TEMPERATURE)
        return said.text, said.key

    rewritten, key = await session.fitted({"judgment": judgment}, attempt)
    return cut_outcome(rewritten), states_outcome(rewritten), key
