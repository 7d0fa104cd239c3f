"""Who pushes to the Hugging Face Hub, and whether they may: asked before a run."""

from __future__ import annotations

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # exported lazily
    validate_repo_id,
)

from tasks.export.hub_commit import patiently
from tasks.export.hub_errors import GET_TOKEN, HubError, misnamed, refused


def check_access(repo_id: str, token: str | None = None) -> None:
    """Raise `HubError` unless the Hub knows who publishes and lets them write."""
    check_name(repo_id)
    if token is None and get_token() is None:
        raise HubError(f"There is no token for the Hub to push {repo_id!r}; {GET_TOKEN}")
    try:
        known = patiently(HfApi(token=token).whoami, repo_id)
    except HfHubHTTPError as error:
        raise refused(repo_id, error) from error
    if known.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise HubError(f"The token for {repo_id!r} can only read; {GET_TOKEN}")


def check_name(repo_id: str) -> None:
    """Raise `HubError` for what is no name of a repository."""
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise misnamed(repo_id) from error
    if "/" not in repo_id:
        raise misnamed(repo_id)
