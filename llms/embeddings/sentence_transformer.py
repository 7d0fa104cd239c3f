"""Models of the sentence-transformers library, which brings torch."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, SecretStr

from llms.config import Operational
from llms.digest import digest
from llms.embeddings.in_process import Encoded, Encoder, InProcessEmbeddings
from llms.errors import MissingPackageError, ServerFailed
from llms.weights import cannot_load, check_folder, first_line, location, name_by_content


class SentenceTransformerEmbeddings(InProcessEmbeddings):
    """A model that sentence-transformers loads: a name on the Hugging Face Hub, or a folder.

    A folder counts by its content, not by its path. `prompts` are texts put before the others, by
    name, of which `default_prompt_name` is used; `truncate_dim` shortens the vectors; `token` is
    for private models. With `precision` "binary" or "ubinary" a number holds eight signs; other
    precisions would make a vector depend on the texts beside it. Texts longer than the model reads
    are cut. The tokens are not counted.
    """

    provider: ClassVar = "sentence-transformers"

    device: Operational[str | None] = None
    prompts: dict[str, str] | None = None
    default_prompt_name: str | None = None
    trust_remote_code: bool = False
    revision: str | None = None
    token: Operational[SecretStr | None] = Field(default=None, exclude=True, repr=False)
    truncate_dim: int | None = Field(default=None, ge=1)
    model_kwargs: dict[str, Any] | None = None
    tokenizer_kwargs: dict[str, Any] | None = None
    config_kwargs: dict[str, Any] | None = None
    precision: Literal["float32", "binary", "ubinary"] = "float32"
    normalize_embeddings: bool = True

    @cached_property
    def content(self) -> dict[str, Any]:
        return {**super().content, "model": name_by_content(self.model)}

    @cached_property
    def account(self) -> str:
        return f"{self.provider}:{self.model}:{digest([self.content, self.device])}"

    def check(self) -> None:
        if find_spec("sentence_transformers") is None:
            raise MissingPackageError(
                "SentenceTransformerEmbeddings needs the package sentence-transformers; run "
                "`pip install 'stillhouse[sentence-transformers]'`, or name "
                "'minilm:all-minilm-l6-v2', which needs no torch."
            )
        check_folder(self.model)

    def load(self) -> Encoder:
        from sentence_transformers import SentenceTransformer

        try:
            return _Sentences(
                SentenceTransformer(
                    location(self.model),
                    device=self.device,
                    prompts=self.prompts,
                    default_prompt_name=self.default_prompt_name,
                    trust_remote_code=self.trust_remote_code,
                    revision=self.revision,
                    token=self.token.get_secret_value() if self.token else None,
                    truncate_dim=self.truncate_dim,
                    model_kwargs=self.model_kwargs,
                    processor_kwargs=self.tokenizer_kwargs,
                    config_kwargs=self.config_kwargs,
                ),
                precision=self.precision,
                normalize_embeddings=self.normalize_embeddings,
            )
        except Exception as error:
            raise cannot_load("sentence-transformers", self.model, error, self.token) from (
                None if self.token else error
            )

    async def close(self, client: Any) -> None:
        await super().close(client)
        client.encoder.release()


class _Sentences:
    def __init__(self, model: Any, **options: Any) -> None:
        self._model = model
        self._options = options

    def encode(self, texts: Sequence[str]) -> Encoded:
        if not texts:
            return Encoded(np.zeros((0, 0), np.float32), 0)
        try:
            vectors = self._model.encode(
                list(texts), show_progress_bar=False, convert_to_numpy=True, **self._options
            )
        except RuntimeError as error:  # torch's, for a device out of memory among others
            raise ServerFailed(
                f"sentence-transformers failed ({first_line(error)}); lower texts_per_request, or "
                f"set device='cpu'."
            ) from error
        return Encoded(np.asarray(vectors, np.float32), 0)

    def release(self) -> None:
        """Free the memory of the weights, which refer to themselves."""
        self._model = None
        gc.collect()
