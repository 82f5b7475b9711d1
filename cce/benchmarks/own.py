"""The user's own file: each row checked against what it has to hold, and named where it does not."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from cce.benchmarks.files import Row, read_rows
from cce.errors import BadInput

M = TypeVar("M", bound=BaseModel)


def own_rows(path: Path, kind: type[M], **defaults) -> list[M]:
    """The rows of a file as objects of that kind, `defaults` filling fields that a row lacks.

    Raises BadInput naming file, row and field.
    """
    return [
        _checked(row, kind, f"{path}, row {number}", defaults) for number, row in enumerate(read_rows(path), start=1)
    ]


def _checked(row: Row, kind: type[M], place: str, defaults: dict) -> M:
    if not isinstance(row, dict):
        raise BadInput(f"{place}: an object with the fields of {kind.__name__} is wanted")
    try:
        return kind.model_validate(defaults | row)
    except ValidationError as error:
        problem = error.errors()[0]
        field = "".join(f"{part}: " for part in problem["loc"][:1])
        raise BadInput(f"{place}: {field}{problem['msg'].removeprefix('Value error, ')}") from error
