"""Finding an API key at the moment it is used: argument, named secret block, environment."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import blake2b

from pydantic import SecretStr

from llms.errors import MissingKeyError

SecretReader = Callable[[str], str]
"""Returns the value of a secret block by its name."""

_reader: SecretReader | None = None


def read_secrets_with(reader: SecretReader) -> None:
    """Install the reader of secret blocks; the layer that knows the secret manager calls this."""
    global _reader
    _reader = reader


def find_key(
    provider: str, argument: SecretStr | None, block: str | None, variables: tuple[str, ...]
) -> str:
    """Return the API key of a provider.

    Raises:
        MissingKeyError: none of the three places holds a key, or the block cannot be read.
    """
    if argument is not None and argument.get_secret_value():
        return argument.get_secret_value()
    if block is not None and _reader is not None:
        return _reader(block)
    for variable in variables:
        if value := os.environ.get(variable):
            return value
    if block is not None:
        raise MissingKeyError(
            f"The API key of {provider} is in the secret block {block!r}, which only a flow "
            f"can read; outside one pass api_key= or set {variables[0]}."
        )
    raise MissingKeyError(
        f"No API key for {provider}: set the environment variable {variables[0]}, pass api_key=, "
        f"or name a Prefect Secret block with api_key_block=."
    )


def fingerprint(key: str) -> str:
    """Return a short one-way digest that tells accounts apart without showing the key."""
    return blake2b(key.encode(), digest_size=6, person=b"stillhouse-key").hexdigest()
