"""Notes: selected crowd judgments on their way into the prompt, without their outcome and with names of their own.

Outcome removal: a model rewrites a crowd judgment without its verdict. The paper gives neither prompt nor check. A
model may leave the verdict in, so every sentence in which one of the usual phrasings of an outcome stands is cut
afterwards. An observation on one point ("A is better organised") stays; docs/outcomes.md says how well that works.

Renaming: the crowd answer gets a name of its own, so that only A and B keep theirs. The prompt asks for "Assistant A"
and "Assistant B" throughout; one of them is the crowd member's answer. Judges also write "Answer B", "A and B", "B's"
or plain "B", and the capital A is an English article as well. A bare letter is renamed where it can only be the name,
and left alone where it may be something else.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from cce.crowd.members import OTHER, CrowdJudgment, Selected
from cce.crowd.session import Session
from cce.models.loop import together
from cce.models.wire import Expects

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

    async def note(of: CrowdJudgment) -> Note:
        telling = of.telling_order(order)
        written, there = of.judgment.readings[telling].text, of.place(telling)
        names = {there: of.place(order), OTHER[there]: of.member.letter}
        if not removal:
            return Note(of, written, written, rename(written, names))
        expects = Expects("removal", apart=selected.apart)
        rewritten = await session.fill("outcome_removal", {"judgment": written}, expects)
        kept, stubborn = cut_outcome(rewritten.text), states_outcome(rewritten.text)
        return Note(of, written, kept, rename(kept, names), stubborn, rewritten.key)

    placed = sorted(selected.chosen, key=lambda judgment: judgment.place(order))
    return await together(map(note, placed))
