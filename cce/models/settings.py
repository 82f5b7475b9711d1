"""Settings: how a model is asked by the user's word, where its endpoint need not be left to say so.

They stand in `params/models.yaml`, or in the file that the environment's CCE_MODELS names, under the model's name:

    o3:
      refuses: [temperature]
      max_tokens: max_completion_tokens
      extra_body: {reasoning_effort: low}
"""

import os
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ValidationError

from cce.errors import BadInput
from cce.project import root


class Settings(BaseModel, frozen=True, extra="forbid"):
    """What a model refuses, under which name it takes the longest answer's length, and what else each request holds."""

    refuses: tuple[Literal["system", "temperature", "seed"], ...] = ()
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    extra_body: dict[str, Any] = {}

    def changes(self) -> dict[str, str | bool]:
        """The same as `changes` of `Manners`."""
        renamed = {} if self.max_tokens == "max_tokens" else {"max_tokens": self.max_tokens}
        return dict.fromkeys(self.refuses, True) | renamed


def settings_of(model: str) -> Settings:
    """Those of the model that its endpoint knows by this name; the usual ones where the file has none.

    Raises BadInput for a file that cannot be read, naming the model and what is wrong.
    """
    file = os.environ.get("CCE_MODELS") or root() / "params" / "models.yaml"
    return _read(str(file), missing_is_none="CCE_MODELS" not in os.environ).get(model, Settings())


@cache
def _read(file: str, missing_is_none: bool) -> dict[str, Settings]:
    if missing_is_none and not Path(file).is_file():
        return {}
    try:
        given = yaml.safe_load(Path(file).read_text(encoding="utf-8")) or {}
        return {str(name): Settings.model_validate(entry) for name, entry in given.items()}
    except ValidationError as error:
        problem = error.errors()[0]
        raise BadInput(f"{file}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as problem:
        said = " ".join(str(problem).split())
        raise BadInput(f"{file}: {said}; a mapping from models to their settings is wanted") from None
