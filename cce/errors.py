"""The errors that a user can act on: each says what is wrong, where, and what to do about it."""


class CCEError(Exception):
    """Base of all errors that this package raises on purpose."""


class BadInput(CCEError):
    """A file, parameter or model name that cannot be used as given."""


class DataMissing(CCEError):
    """A benchmark is neither in the data folder nor to be had from the hub."""


class EmbeddedMissing(CCEError):
    """The embedded model's weights are not installed."""


class PrometheusMissing(CCEError):
    """The package that holds Prometheus's own prompts is not installed."""


class EndpointFailed(CCEError):
    """A model's endpoint refused a request for good, or stayed silent through all retries."""


class SchemaRefused(EndpointFailed):
    """An endpoint refused a request that carried a JSON schema of the answer; the caller asks again without it."""


class StoreUnusable(CCEError):
    """The store cannot be opened as one of ours."""


class TrainingFailed(CCEError):
    """A training ended without the weights; what it logged is named."""


class NotRecorded(CCEError):
    """A replay asked for a completion that its store does not hold."""


class NotebookFailed(CCEError):
    """A notebook raised an error, or did not make a file that it promises."""


class ContextOverflow(CCEError):
    """A prompt is longer than the model's context; the caller shortens it and asks again."""
