"""What is judged, asked or picked from; and which of these a limit draws, and a shard gets."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from heapq import nsmallest
from operator import itemgetter
from random import Random
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from cce.benchmarks.cells import blank, in_turns, letter, present, text_of, whole_number
from cce.benchmarks.sample import SAMPLE, lot
from cce.display import Section, Shown
from cce.errors import BadInput
from cce.text import whole_characters

T = TypeVar("T", bound="Item")
Text = Annotated[str, BeforeValidator(text_of), AfterValidator(whole_characters)]
NonEmpty = Annotated[str, Field(min_length=1), BeforeValidator(text_of), AfterValidator(whole_characters)]
Vote = Annotated[Literal["A", "B", "tie"], BeforeValidator(letter)]
Label = Annotated[Literal["A", "B", "tie"] | None, BeforeValidator(letter)]


class Message(BaseModel, frozen=True):
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    content: Text


Conversation = Annotated[tuple[Message, ...], BeforeValidator(in_turns)]


class Item(BaseModel, frozen=True, coerce_numbers_to_str=True):
    """Whatever has an id; a number may stand for a text, and a cell that holds nothing is no cell."""

    id: Annotated[Text, BeforeValidator(whole_number)]

    @property
    def asked(self) -> str:
        """What the user asks, all turns in one."""
        return self.instruction

    @model_validator(mode="before")
    @classmethod
    def _present(cls, given: Any) -> Any:
        return cls._completed(present(given)) if isinstance(given, dict) else given

    @classmethod
    def _completed(cls, cells: dict) -> dict:
        return cells


class Pair(Shown, Item):
    """Two answers to one instruction, or two conversations with the same user turns.

    `label` is A, B or tie, or None where nobody has said; of several people's `votes` it is that of most, unless one is
    given. `why` is the reason for it. `criteria` replaces the judge's
    usual list of what to look at; `order` is what the benchmark prescribes, whatever the user asks for; `benchmark` and
    `subset` only group results. `crowd` holds other answers to the instruction that are already at hand; in the crowd
    they stand before the models that are asked for theirs.
    """

    instruction: Text = ""
    answer_a: Text | None = None
    answer_b: Text | None = None
    conversation_a: Conversation | None = None
    conversation_b: Conversation | None = None
    label: Label = None
    benchmark: Text = ""
    subset: Text = ""
    criteria: Text = ""
    order: Literal["given", "both"] | None = None
    why: Text = ""
    crowd: tuple[Text, ...] = ()
    votes: tuple[Vote, ...] = ()

    @classmethod
    def _completed(cls, cells: dict) -> dict:
        for name in ("crowd", "votes"):
            if isinstance(cells.get(name), list):
                cells[name] = [one for one in cells[name] if one is not None]
        votes = cells.get("votes")
        # Whom most people chose; as many for each, or for a tie, are a tie.
        if votes and isinstance(votes, list) and all(isinstance(vote, str) for vote in votes) and "label" not in cells:
            (most, count), *others = Counter(map(letter, votes)).most_common()
            cells["label"] = "tie" if others and others[0][1] == count else most
        return cells

    @model_validator(mode="after")
    def _whole(self) -> "Pair":
        a, b = self.conversation_a, self.conversation_b
        if a is None and b is None:
            needed = {"instruction": not blank(self.instruction)}
            needed |= {name: getattr(self, name) is not None for name in ("answer_a", "answer_b")}
            if missing := [name for name, there in needed.items() if not there]:
                forms = "(or conversation_a and conversation_b, or chosen and rejected)"
                raise ValueError(f"needs instruction, answer_a and answer_b {forms}: no {' and no '.join(missing)}")
        elif a is None or b is None:
            raise ValueError("conversation_a and conversation_b go together")
        elif _turns(a, "user") != _turns(b, "user"):
            raise ValueError("conversation_a and conversation_b must hold the same user turns")
        elif not a or any([turn.role for turn in talk] != ["user", "assistant"] * (len(talk) // 2) for talk in (a, b)):
            raise ValueError("a conversation goes user, assistant, user, assistant ..., and ends with an answer")
        if self.crowd and len(self.questions) > 1:
            raise ValueError("crowd holds answers to one question; let crowd models answer a conversation of several")
        return self

    @property
    def asked(self) -> str:
        """What the user asks, all turns in one."""
        return "\n\n".join(self.questions)

    @property
    def questions(self) -> tuple[str, ...]:
        """What the user said, one string per turn."""
        return _turns(self.conversation_a, "user") if self.conversation_a else (self.instruction,)

    @property
    def answers_a(self) -> tuple[str, ...]:
        """What assistant A answered, one string per turn."""
        return _turns(self.conversation_a, "assistant") if self.conversation_a else (self.answer_a,)

    @property
    def answers_b(self) -> tuple[str, ...]:
        """What assistant B answered, one string per turn."""
        return _turns(self.conversation_b, "assistant") if self.conversation_b else (self.answer_b,)

    @property
    def lengths(self) -> tuple[int, int]:
        """The characters of A's and of B's answers, over all turns."""
        return sum(map(len, self.answers_a)), sum(map(len, self.answers_b))

    def section(self) -> Section:
        """Question and answers, turn by turn, which answer the label calls better, and why, where that is known."""
        turns = [self._turn(turn) for turn in range(len(self.questions))]
        why = [Section("Why", self.why)] if self.why else []
        return Section(f"Pair {self.id}" + (f" of {self.benchmark}" if self.benchmark else ""), parts=(*turns, *why))

    def _turn(self, turn: int) -> Section:
        better = {self.label: ", the better one by the label"}
        answers = {"A": self.answers_a[turn], "B": self.answers_b[turn]}
        sides = tuple(Section(f"Answer {side}{better.get(side, '')}", text) for side, text in answers.items())
        number = f" {turn + 1}" if len(self.questions) > 1 else ""
        return Section(f"Question{number}", self.questions[turn], sides, beside=True)


def _turns(conversation: tuple[Message, ...], role: str) -> tuple[str, ...]:
    return tuple(message.content for message in conversation if message.role == role)


def pair_named(pairs: Sequence[Pair], name: str | None) -> Pair:
    """The pair of this id, or the first where no name is given. Raises BadInput where none has it."""
    found = next((pair for pair in pairs if name in (None, pair.id)), None)
    if found is None:
        known = f"{len(pairs):,} pairs ({', '.join(pair.id for pair in pairs[:3])} ...)"
        raise BadInput(f"pair {name!r}: no such id among these {known}; was it left out by limit?")
    return found


def shuffled_sides(pair_id: str, better: str, worse: str, seed: int) -> dict[str, str]:
    """Answers and label for a source that says only which answer is better: a coin for each pair, from the seed."""
    # The pair's own coin, so that neither a limit nor a missing row moves another pair's.
    better_is_a = Random(f"{seed}:sides:{pair_id}").random() < 0.5
    a, b, label = (better, worse, "A") if better_is_a else (worse, better, "B")
    return {"answer_a": a, "answer_b": b, "label": label}


class Question(Item):
    """What a user says, turn by turn, and `references`, good answers: one for each turn, or none at all."""

    category: Text = ""
    turns: Annotated[tuple[NonEmpty, ...], Field(min_length=1)]
    references: tuple[Text, ...] = ()

    @property
    def asked(self) -> str:
        """What the user asks, all turns in one."""
        return "\n\n".join(self.turns)

    @model_validator(mode="after")
    def _whole(self) -> "Question":
        if len(self.references) not in (0, len(self.turns)):
            raise ValueError("references: one a turn, or none")
        return self


class Instruction(Item):
    """What a user asks for, in one turn."""

    instruction: NonEmpty


class Pool(Item):
    """An instruction and the responses to it, of which one is to be picked; equal texts may stand among them.

    `correct` are the places, from 0, of those that are right, where somebody has said; `subset` only groups results.
    """

    instruction: Text
    responses: tuple[Text, ...]
    correct: tuple[int, ...] = ()
    subset: Text = ""

    @model_validator(mode="after")
    def _whole(self) -> "Pool":
        if not self.instruction or not self.responses:
            raise ValueError("needs an instruction and at least one response")
        if odd := set(self.correct) - set(range(len(self.responses))):
            raise ValueError(f"correct {min(odd)}: the places of the right responses are wanted, from 0")
        return self

    @property
    def distinct(self) -> list[str]:
        """The responses that differ, each where it first stands."""
        return list(dict.fromkeys(self.responses))


def drawn(items: Iterable[T], kind: str, source: str, limit: int | None, seed: int) -> list[T]:
    """As many items as the limit says, or all, in their order; a smaller limit draws from a larger one's items. A plan
    may take a sample of these.

    Raises BadInput for a limit below 1 (before the first item is read), for an id that stands twice, for no items.
    """
    if limit is not None and limit < 1:
        raise BadInput(f"limit {limit}: at least one of the {kind}, or none given for all")
    items = _told_apart(items, source)
    if sample := SAMPLE.get():
        items = sample.of(items, (kind, source), limit, seed)
    elif limit is not None:
        # One by one, so that of hundreds of thousands only the drawn ones are kept.
        lots = ((lot(item, seed), place, item) for place, item in enumerate(items))
        items = (item for _, _, item in sorted(nsmallest(limit, lots), key=itemgetter(1)))
    chosen = list(items)
    if not chosen:
        raise BadInput(f"{source}: holds no {kind}")
    return chosen


def _told_apart(items: Iterable[T], source: str) -> Iterator[T]:
    seen = set()
    for item in items:
        if item.id in seen:
            raise BadInput(f"{source}: the id {item.id!r} stands twice; ids must differ")
        seen.add(item.id)
        yield item


def shard_of(shard: str) -> tuple[int, int]:
    """Which part it is, and of how many: (2, 4) for "2/4". Raises BadInput for anything else."""
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", str(shard))
    part, parts = map(int, found.groups()) if found else (0, 0)
    if not 1 <= part <= parts:
        raise BadInput(f"shard {shard!r}: i/n for the i-th of n parts, such as 2/4")
    return part, parts


def dealt(pairs: list[Pair], shard: str, source: str) -> list[Pair]:
    """The pairs of the i-th instruction and of every n-th after it, for the shard i/n. Raises BadInput for none."""
    part, parts = shard_of(shard)
    # Pairs on one instruction share its crowd answers: two shards would buy these twice, and get two different ones.
    instructions = {question: place for place, question in enumerate(dict.fromkeys(p.questions[0] for p in pairs))}
    chosen = [pair for pair in pairs if instructions[pair.questions[0]] % parts == part - 1]
    if not chosen:
        raise BadInput(f"shard {shard!r}: none of the {len(instructions)} instructions of {source}; take fewer shards")
    return chosen
