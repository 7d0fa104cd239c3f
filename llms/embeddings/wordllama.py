"""WordLlama's word vectors: fast enough for a million texts on one core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from llms.embeddings.in_process import (
    Encoded,
    Encoder,
    InProcessEmbeddings,
    check_only_model,
    packaged_file,
    unit_length,
)
from llms.embeddings.model import Vectors

_MODEL = "l2-supercat-256"
_PACKAGE = "wordllama"


class WordLlamaEmbeddings(InProcessEmbeddings):
    """The mean of a text's token vectors: 256 numbers, of length one, for near duplicates.

    The weights come with the package `wordllama`; nothing is downloaded. Texts of any length are
    read whole. It knows words and not their order: `MiniLMEmbeddings` tells meanings apart better.
    A text without tokens has the vector of zeros.
    """

    provider: ClassVar = "wordllama"

    model: str = _MODEL

    def check(self) -> None:
        check_only_model(self, _MODEL)
        packaged_file(_PACKAGE, _PACKAGE, "weights/l2_supercat_256.safetensors")

    def load(self) -> Encoder:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        weights = packaged_file(_PACKAGE, _PACKAGE, "weights/l2_supercat_256.safetensors")
        words = packaged_file(_PACKAGE, _PACKAGE, "tokenizers/l2_supercat_tokenizer_config.json")
        tokenizer = Tokenizer.from_file(str(words))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        table = load_file(weights)["embedding.weight"].astype(np.float32)
        return _WordVectors(table, tokenizer)


class _WordVectors:
    def __init__(self, table: Vectors, tokenizer: Any) -> None:
        self._table = table
        self._tokenizer = tokenizer

    def encode(self, texts: Sequence[str]) -> Encoded:
        means = np.zeros((len(texts), self._table.shape[1]), np.float32)
        tokens = 0
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        for mean, encoding in zip(means, encodings, strict=True):
            if encoding.ids:
                mean[:] = self._table[encoding.ids].mean(axis=0)
                tokens += len(encoding.ids)
        return Encoded(unit_length(means), tokens)
