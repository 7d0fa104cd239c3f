"""Every error that llms/ and tasks/ raise on purpose.

StillhouseError
    ConfigurationError        the user's to mend, found before a call where possible
        MissingKeyError       no API key in the argument, the environment or the named block
        MissingPackageError   an optional package is not installed
    RowRejected               one row cannot be made; the others go on
    StoreError                the completion store cannot be read or written
    LLMError                  a provider did not answer
        RequestRefused        this request will never succeed; the row is rejected
            BadRequest, ContextLengthExceeded, ContentFiltered, UnfitAnswer
        RunStopper            no request will succeed for now; the run stops
            ProviderRefused   until the user changes something
                AuthenticationFailed, ModelNotFound, ProviderUnreachable, ProviderDown
            BudgetExceeded    until the limit is raised
            BatchPending      until the provider's batch job is done
        TransientError        worth another try
            RateLimited, ServerFailed, RequestTimedOut, ConnectionFailed, MalformedReply
            NotStored         a gateway that is offline has no answer
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llms.quota import Quota
from llms.spending import Receipt

if TYPE_CHECKING:
    from llms.chat import Completion
    from llms.model import Model


class StillhouseError(Exception):
    """Base of every error raised on purpose; its text is one sentence that says what to do."""


class ConfigurationError(StillhouseError):
    """A parameter, column, key or file is not what it should be."""


class MissingKeyError(ConfigurationError):
    """No API key was found for a provider."""


class MissingPackageError(ConfigurationError):
    """An optional package is needed and not installed."""


class RowRejected(StillhouseError):
    """One row cannot be made; its text is the reason kept with the rejection."""


class StoreError(StillhouseError):
    """The completion store cannot be read or written."""


class LLMError(StillhouseError):
    """A provider did not answer a request."""


class RequestRefused(LLMError):
    """This request will never succeed, others may."""


class BadRequest(RequestRefused):
    """The provider calls the request invalid."""


class ContextLengthExceeded(RequestRefused):
    """Prompt and answer do not fit into the model's context."""


class ContentFiltered(RequestRefused):
    """The provider's filter withheld the answer."""


class UnfitAnswer(RequestRefused):
    """The answer does not follow the response schema, not even after corrections.

    `completion` is the last answer, `receipts` are those of all answers that were given.
    """

    def __init__(
        self, message: str, *, completion: Completion, receipts: tuple[Receipt, ...]
    ) -> None:
        super().__init__(message)
        self.completion = completion
        self.receipts = receipts


class RunStopper(LLMError):
    """No request will succeed for now; a run that meets it stops, with nothing lost."""


class BudgetExceeded(RunStopper):
    """A budget has no room for another call."""


class BatchPending(RunStopper):
    """The provider still works on batch jobs; ask again after `wait` seconds.

    `jobs` says which ones, each in a few words.
    """

    def __init__(self, message: str, *, wait: float, jobs: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.wait = wait
        self.jobs = jobs


class ProviderRefused(RunStopper):
    """No request to this provider will succeed until the user changes something."""


class AuthenticationFailed(ProviderRefused):
    """The API key is wrong or lacks a right."""


class ModelNotFound(ProviderRefused):
    """The provider does not know the model."""


class ProviderUnreachable(ProviderRefused):
    """The provider has never answered in this process and cannot be reached."""


class ProviderDown(ProviderRefused):
    """Every request of the last seconds failed."""


class TransientError(LLMError):
    """A failure that another try may mend.

    `retry_after` is the provider's own wish in seconds, where it named one; `quota` is what it said
    of its limits.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, quota: Quota | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.quota = quota


class NotStored(TransientError):
    """A gateway that is offline has no answer to this request.

    `characters` is the length of what it would send to the `model`.
    """

    def __init__(self, model: Model, characters: int) -> None:
        super().__init__(f"{model.provider}:{model.model} has not answered this request yet")
        self.model = model
        self.characters = characters


class RateLimited(TransientError):
    """The account's limit of requests or tokens is reached."""


class ServerFailed(TransientError):
    """The provider answered with a server error."""


class RequestTimedOut(TransientError):
    """No answer came within the time-out."""


class ConnectionFailed(TransientError):
    """The provider could not be reached, or the connection broke."""


class MalformedReply(TransientError):
    """The provider's reply was cut off or is not what its API promises."""
