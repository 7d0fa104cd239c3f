"""What the Hub says when it does not do what it is asked."""

from __future__ import annotations

import json

from aiohttp import web


def refusal(
    kind: type[web.HTTPException], message: str, code: str = "", **headers: str
) -> web.HTTPException:
    """Return an error as the Hub words it; the clients go by `X-Error-Code`."""
    told = {"X-Error-Message": message, **headers}
    if code:
        told["X-Error-Code"] = code
    body = json.dumps({"error": message})
    return kind(headers=told, text=body, content_type="application/json")


def no_repository() -> web.HTTPException:
    """Return the error for a repository that is not there, or not for this token."""
    return refusal(web.HTTPNotFound, "Repository not found", "RepoNotFound")


def no_rights() -> web.HTTPException:
    """Return the error for a token that may look at a repository but not write to it."""
    return refusal(web.HTTPForbidden, "You don't have the rights")


def no_revision(revision: str) -> web.HTTPException:
    """Return the error for a branch, tag, pull request or commit that is not there."""
    return refusal(web.HTTPNotFound, f"Invalid rev id: {revision}", "RevisionNotFound")


def no_entry(path: str, **headers: str) -> web.HTTPException:
    """Return the error for a file or folder that a revision does not have."""
    return refusal(web.HTTPNotFound, f"{path} does not exist", "EntryNotFound", **headers)
