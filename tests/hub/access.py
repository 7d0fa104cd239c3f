"""Who may do what: tokens, their users, and the two tokens of the store for large files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from tests.hub.refusals import no_repository, no_rights, refusal
from tests.hub.repository import Repository

WRITER = "hf_writer_7c41e0"
READER = "hf_reader_90b2aa"
STRANGER = "hf_stranger_1d93f5"

MAKER = "maker"

STORE_READER = "xet-reader"
STORE_WRITER = "xet-writer"
STORE = "/cas"

_WRITING = {
    *("create", "delete", "settings", "preupload", "batch", "commit", "write_token"),
    *("branch", "delete_branch", "tag", "delete_tag", "merge"),
}
_BAD_TOKEN = "Invalid credentials in Authorization header"


@dataclass(frozen=True, slots=True)
class User:
    """Whose token it is, and whether it can only read."""

    name: str
    role: Literal["write", "read"]

    def at_home(self, owner: str | None) -> bool:
        """Tell whether an owner's repositories are this user's too; the maker's are all."""
        return owner is None or self.name in (MAKER, owner)


_USERS = {
    WRITER: User(MAKER, "write"),
    READER: User(MAKER, "read"),
    STRANGER: User("stranger", "write"),
}


def user_of(request: web.Request) -> User | None:
    """Return who asks, None for anybody."""
    return _USERS.get(_token(request))


def check_access(request: web.Request, action: str, repository: Repository | None) -> None:
    """Raise the Hub's answer to those who may not do this.

    The maker may write anywhere, a stranger to repositories under their own name. A private
    repository is hidden from all but the maker and its owner.
    """
    token, user = _token(request), user_of(request)
    if request.path.startswith(STORE):
        _check_store_token(token, writes=request.method == "POST")
        return
    if user is None and (token or action == "whoami"):
        raise refusal(web.HTTPUnauthorized, _BAD_TOKEN)
    at_home = user is not None and user.at_home(request.match_info.get("owner"))
    if repository is not None and repository.private and not at_home:
        if user is None:
            raise refusal(web.HTTPUnauthorized, "Repository not found", "RepoNotFound")
        raise no_repository()
    if action in _WRITING:
        if user is None:
            raise refusal(web.HTTPUnauthorized, "Invalid username or password.")
        if user.role != "write" or not at_home:
            raise no_rights()


def _check_store_token(token: str, *, writes: bool) -> None:
    if token not in (STORE_READER, STORE_WRITER):
        raise refusal(web.HTTPUnauthorized, "Invalid token for the store")
    if writes and token != STORE_WRITER:
        raise refusal(web.HTTPForbidden, "This token for the store can only read")


def _token(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")
