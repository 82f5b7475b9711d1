"""What is judged and asked: a pair of answers to one instruction, and a question, to which models give theirs."""

from collections.abc import Sequence
from random import Random
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from cce.display import Section, Shown
from cce.errors import BadInput
from cce.text import whole_characters

Text = Annotated[str, AfterValidator(whole_characters)]
NonEmpty = Annotated[str, Field(min_length=1), AfterValidator(whole_characters)]
# An empty cell of a csv or parquet file is no label.
Label = Annotated[Literal["A", "B"] | None, BeforeValidator(lambda label: label if label and label == label else None)]


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(frozen=True)
    role: Literal["user", "assistant"]
    content: Text


class Pair(Shown, BaseModel):
    """Two answers to one instruction, or two conversations with the same user turns.

    `label` is A or B, or None where nobody has said; `why` is the reason for it. `criteria` replaces the judge's usual
    list of what to look at; `order` is what the benchmark prescribes, whatever the user asks for; `benchmark` and
    `subset` only group results. `crowd` holds other answers to the instruction that are already at hand; in the crowd
    they stand before the models that are asked for theirs.
    """

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)
    id: Text
    instruction: Text = ""
    answer_a: Text | None = None
    answer_b: Text | None = None
    conversation_a: tuple[Message, ...] | None = None
    conversation_b: tuple[Message, ...] | None = None
    label: Label = None
    benchmark: Text = ""
    subset: Text = ""
    criteria: Text = ""
    order: Literal["given", "both"] | None = None
    why: Text = ""
    crowd: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> "Pair":
        if self.conversation_a is None and self.conversation_b is None:
            if not self.instruction or self.answer_a is None or self.answer_b is None:
                raise ValueError("needs instruction, answer_a and answer_b (or conversation_a and conversation_b)")
        elif self.conversation_a is None or self.conversation_b is None:
            raise ValueError("conversation_a and conversation_b go together")
        elif _turns(self.conversation_a, "user") != _turns(self.conversation_b, "user"):
            raise ValueError("conversation_a and conversation_b must hold the same user turns")
        elif not (_in_turn(self.conversation_a) and _in_turn(self.conversation_b)):
            raise ValueError("a conversation goes user, assistant, user, assistant ...")
        if self.crowd and len(self.questions) > 1:
            raise ValueError("crowd holds answers to one question; let crowd models answer a conversation of several")
        return self

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

    def section(self) -> Section:
        """Question and answers, turn by turn, which answer the label calls better, and why, where that is known."""
        turns = [self._turn(turn) for turn in range(len(self.questions))]
        why = [Section("Why", self.why)] if self.why else []
        return Section(f"Pair {self.id}" + (f" of {self.benchmark}" if self.benchmark else ""), parts=(*turns, *why))

    def _turn(self, turn: int) -> Section:
        answers = {"A": self.answers_a[turn], "B": self.answers_b[turn]}
        better = {self.label: ", the better one by the label"}
        sides = [Section(f"Answer {side}{better.get(side, '')}", text) for side, text in answers.items()]
        number = f" {turn + 1}" if len(self.questions) > 1 else ""
        return Section(f"Question{number}", self.questions[turn], tuple(sides), beside=True)


def _turns(conversation: tuple[Message, ...], role: str) -> tuple[str, ...]:
    return tuple(message.content for message in conversation if message.role == role)


def _in_turn(conversation: tuple[Message, ...]) -> bool:
    roles = [message.role for message in conversation]
    return bool(roles) and roles == ["user", "assistant"] * (len(roles) // 2)


def pair_named(pairs: Sequence[Pair], name: str | None) -> Pair:
    """The pair of this id, or the first where no name is given. Raises BadInput where none has it."""
    found = next((pair for pair in pairs if name in (None, pair.id)), None)
    if found is None:
        known = ", ".join(pair.id for pair in pairs[:3])
        among = f"no such id among these {len(pairs):,} pairs ({known} ...)"
        raise BadInput(f"pair {name!r}: {among}; was it left out by limit?")
    return found


def shuffled_sides(pair_id: str, better: str, worse: str, seed: int) -> dict[str, str]:
    """Answers and label for a source that says only which answer is better: a coin for each pair, from the seed.

    The coin depends on the pair's own id, so that neither a limit nor a missing row moves another pair's.
    """
    if Random(f"{seed}:sides:{pair_id}").random() < 0.5:
        return {"answer_a": better, "answer_b": worse, "label": "A"}
    return {"answer_a": worse, "answer_b": better, "label": "B"}


class Question(BaseModel):
    """What a user says, turn by turn, and `references`, good answers: one for each turn, or none at all."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)
    id: Text
    category: Text = ""
    turns: Annotated[tuple[NonEmpty, ...], Field(min_length=1)]
    references: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> "Question":
        if len(self.references) not in (0, len(self.turns)):
            raise ValueError("references: one a turn, or none")
        return self

    @property
    def questions(self) -> tuple[str, ...]:
        """The turns, under the name that a pair has for them."""
        return self.turns
