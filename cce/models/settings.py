"""Settings: how a model is reached and asked by the user's word, where its name alone does not say so.

They stand in `params/models.yaml`, or in the file that the environment's CCE_MODELS names, under the name by which the
user calls the model; docs/models.md explains each, and has ready entries. An entry with a `url` is that model alone;
one without is also for `NAME@BASE_URL`.
"""

import os
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PositiveInt, TypeAdapter, ValidationError, model_validator

from cce.errors import BadInput
from cce.names import ModelName, model_parts
from cce.project import root
from cce.yaml_files import read_yaml

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
# Each request has these anyway; or they say how the reply is to be read.
OURS = {"model", "messages", "n", "stream", "seed", "temperature", "max_tokens", "max_completion_tokens"}


class PerMillion(BaseModel, frozen=True, extra="forbid"):
    """US dollars per million tokens of the prompt and of the completion; in a batch `batch` times as much."""

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)
    batch: float | None = Field(None, ge=0, le=1)


class Settings(BaseModel, frozen=True, extra="forbid"):
    """One entry of the file.

    Attributes:
        model: what the endpoint calls it; the entry's name where none is given.
        url: the endpoint's base URL.
        key: the name of the environment variable that holds its key.
        key_header: the header that carries the key as it is, instead of `Authorization: Bearer`.
        headers: further headers.
        extra_body: what each request holds besides.
        temperature: the one that is asked for, whatever the run's own are.
        refuses: what is not sent; a system message goes before the user's text.
        max_tokens: the name under which the longest answer's length is sent.
        context: tokens of prompt and answer together, at which the endpoint cuts an answer off.
        price: in US dollars per million tokens.
        requests_a_minute, tokens_a_minute: what the provider allows.
        same_as: another address that serves the very same model: what the store has from there counts for both.
    """

    model: str = ""
    url: str = ""
    key: Name | None = None
    key_header: Name | None = None
    headers: dict[Name, str] = {}
    extra_body: dict[str, Any] = {}
    temperature: float | None = Field(None, ge=0, le=2)
    refuses: tuple[Literal["system", "temperature", "seed", "logprobs", "schema"], ...] = ()
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    context: PositiveInt | None = None
    price: PerMillion | None = None
    requests_a_minute: PositiveInt | None = None
    tokens_a_minute: PositiveInt | None = None
    same_as: str = ""

    @model_validator(mode="after")
    def _check(self):
        if ours := sorted(OURS & set(self.extra_body)):
            raise ValueError(f"extra_body: {ours[0]} is the kit's own")
        if any(re.search("auth|key|token|secret", name, re.I) for name in self.headers):
            raise ValueError("headers: a key stands in the environment; name its variable in key, and key_header")
        if (self.key or self.key_header or self.headers) and not self.url:
            raise ValueError("url: key, key_header and headers are for one address; name it")
        return self

    def changes(self) -> dict[str, str | bool]:
        """The same as `changes` of `Manners`."""
        renamed = {} if self.max_tokens == "max_tokens" else {"max_tokens": self.max_tokens}
        return dict.fromkeys(self.refuses, True) | renamed


ENTRIES = TypeAdapter(dict[str, Settings])


def settings_of(model: str) -> Settings:
    """Those of a model by the name that the user calls it, or of the part before the @; the usual ones without any.

    Raises BadInput for a file that cannot be read, naming the model and what is wrong.
    """
    name, url = model_parts(model)
    found = entries().get(name, Settings())
    # What is said of one address says nothing of another.
    return Settings() if url and found.url and url != found.url.rstrip("/") else found


def reached(model: str) -> ModelName:
    """What the endpoint calls a model that the user calls so, and its address, empty where neither says it."""
    (name, url), settings = model_parts(model), settings_of(model)
    return ModelName(settings.model or name, url or settings.url.rstrip("/"))


def entries() -> dict[str, Settings]:
    """All of the file's, by name; none where there is no file. Raises BadInput as `settings_of`."""
    file = os.environ.get("CCE_MODELS") or root() / "params" / "models.yaml"
    return _read(str(file), missing_is_none=not os.environ.get("CCE_MODELS"))


@cache
def _read(file: str, missing_is_none: bool) -> dict[str, Settings]:
    if missing_is_none and not Path(file).is_file():
        return {}
    try:
        given = read_yaml(Path(file))
        return ENTRIES.validate_python({name: entry or {} for name, entry in given.items()})
    except BadInput as error:
        raise BadInput(f"models {error}; a mapping from models to their settings is wanted") from None
    except ValidationError as error:
        problem = error.errors()[0]
        where, said = ".".join(map(str, problem["loc"])), problem["msg"].removeprefix("Value error, ")
        raise BadInput(f"models {file}: {where}: {said}") from None
