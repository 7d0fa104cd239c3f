"""A file system that opens only with a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

KEY_OF_THE_STORE = "sk-planted-7c1d"


class LockedFileSystem(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Keeps files in memory, at `locked://`, for those who have the key."""

    protocol = "locked"
    store: dict[str, Any] = {}  # noqa: RUF012  # fsspec declares it so
    pseudo_dirs = [""]  # noqa: RUF012  # as above

    def __init__(self, key: str = "") -> None:
        super().__init__()
        if key != KEY_OF_THE_STORE:
            raise PermissionError("the store asks for its key")

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("locked:/")))


@pytest.fixture
def locked() -> Iterator[Any]:
    """The file system `locked://`, empty before and after."""
    fsspec.register_implementation("locked", LockedFileSystem, clobber=True)
    system = fsspec.filesystem("locked", key=KEY_OF_THE_STORE)
    yield system
    system.store.clear()
