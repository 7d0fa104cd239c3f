"""What goes wrong with a dataset on the Hugging Face Hub, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.errors import HfHubHTTPError

from llms.errors import StillhouseError

GET_TOKEN = "set HF_TOKEN to a token with write access, or run `hf auth login`."


class HubError(StillhouseError):
    """The Hub refuses a dataset or cannot be reached; what was to be pushed is not lost."""


@contextmanager
def hub_errors(repo_id: str) -> Iterator[None]:
    """Turn what the Hub refuses into a `HubError`."""
    try:
        yield
    except (HfHubHTTPError, ValueError) as error:
        raise refused(repo_id, error) from error


def misnamed(repo_id: str) -> HubError:
    """Return the error for a name that no repository can have."""
    return HubError(
        f"A dataset on the Hub is named owner/name, with letters, digits, '-', '_' and '.', not "
        f"{repo_id!r}."
    )


def refused(repo_id: str, error: HfHubHTTPError | ValueError) -> HubError:
    """Return the error for what the Hub does not do."""
    if not isinstance(error, HfHubHTTPError):
        said = " ".join(str(error).split())
        return HubError(f"The Hub refused the dataset {repo_id!r}: {said}")
    status = error.response.status_code
    if status in (401, 403):
        return HubError(f"The Hub refuses the token for {repo_id!r} ({status}); {GET_TOKEN}")
    said = getattr(error, "server_message", None) or str(error).splitlines()[0]
    return HubError(f"The Hub refused the dataset {repo_id!r} ({status}): {said}")
