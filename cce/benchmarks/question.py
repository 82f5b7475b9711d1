"""A question: what a user says, turn by turn; a model answers each turn with its own earlier answers in view."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from cce.benchmarks.pair import Text
from cce.text import whole_characters

Said = Annotated[str, Field(min_length=1), AfterValidator(whole_characters)]


class Question(BaseModel):
    """The turns of one user, and answers to them that are known to be good: one a turn, or none at all."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)
    id: Text
    category: Text = ""
    turns: Annotated[tuple[Said, ...], Field(min_length=1)]
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
