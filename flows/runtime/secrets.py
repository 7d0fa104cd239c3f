"""Prefect Secret blocks as a place for API keys."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from prefect.blocks.system import Secret

from llms.credentials import read_secrets_with
from llms.errors import MissingKeyError


def read_secret_blocks() -> None:
    """Let models take the key named by `api_key_block` from Prefect."""
    read_secrets_with(_read)


@lru_cache(maxsize=64)
def _read(name: str) -> str:
    """Return the value of a block, read once in a process."""
    try:
        block: Any = Secret.load(name)
    except ValueError as error:
        raise MissingKeyError(
            f"There is no Prefect Secret block {name!r}; make it with "
            f"`prefect block create secret` or in the UI under Blocks."
        ) from error
    return str(block.get())
