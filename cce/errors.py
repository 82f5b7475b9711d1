"""The errors that a user can act on: each says what is wrong, where, and what to do about it."""

from cce.text import visible


class CCEError(Exception):
    """Base of all errors that this package raises on purpose; `status` is the exit status of a command that it ends."""

    status = 1

    def __str__(self) -> str:
        # Whoever shows it, a terminal or a notebook: servers, files and models have their say in it.
        return visible(super().__str__())


class BadInput(CCEError):
    """A file, parameter or model name that cannot be used as given."""


class DataMissing(CCEError):
    """A benchmark is neither in the data folder nor to be had from the hub."""


class EmbeddedMissing(CCEError):
    """The embedded model's weights are not installed."""


class PrometheusMissing(CCEError):
    """The package that holds Prometheus's own prompts is not installed."""


class EndpointFailed(CCEError):
    """A model's endpoint is of no use: it does not answer, or refuses the key, the model, or call after call."""


class CallFailed(EndpointFailed):
    """One call failed for good, while others may not: what it was for is missing, neither right nor wrong."""


class ContentRefused(CallFailed):
    """A filter refused one content, which says nothing of any other; a crowd goes on without that answer."""


class SchemaRefused(CallFailed):
    """An endpoint refused a request that carried a JSON schema of the answer; the caller asks again without it."""


class ResultsMissing(CCEError):
    """Some results are missing, because calls failed for good; the others are there, and a new run asks for these."""

    status = 3


class BoundReached(CCEError):
    """The next call might cost more than what may still be spent."""


class StoreUnusable(CCEError):
    """The store cannot be opened as one of ours, or cannot keep an answer."""


class RowsDamaged(CCEError):
    """Some rows of a store are not what was written."""


class OutputUnusable(CCEError):
    """A file of results cannot be written, or was taken away while it was."""


class TrainingFailed(CCEError):
    """A training ended without the weights; what it logged is named."""


class NotRecorded(CCEError):
    """A replay asked for a completion that its store does not hold."""


class NotebookFailed(CCEError):
    """A notebook raised an error, or did not make a file that it promises."""


class ContextOverflow(CCEError):
    """Prompt and answer do not fit the model's context; the caller shortens the prompt and asks again."""
