"""Vectors that depend on nothing but the text, in the shape of OpenAI's and Mistral's APIs."""

from __future__ import annotations

import base64
import math
import random
from array import array
from typing import Any

from tests.loopback.chat import UnreadableRequest


def check_embeddings(body: dict[str, Any]) -> None:
    """Raise `UnreadableRequest` unless the body asks for embeddings of texts."""
    if not isinstance(body.get("model"), str):
        raise UnreadableRequest("model is missing")
    texts = embedded_texts(body)
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise UnreadableRequest("input is not a text or a list of texts, none of them empty")


def embedded_texts(body: dict[str, Any]) -> list[str]:
    """Return the texts that a request asks vectors for."""
    texts = body.get("input")
    return [texts] if isinstance(texts, str) else list(texts or ())


def embeddings(body: dict[str, Any], name: str, *, dimension: int) -> dict[str, Any]:
    """Return the answer to a request; `dimension` is for requests that name none."""
    size = body.get("dimensions") or body.get("output_dimension") or dimension
    as_base64 = body.get("encoding_format") == "base64"
    texts = embedded_texts(body)
    tokens = sum(len(text.split()) for text in texts)
    data = []
    for index, text in enumerate(texts):
        vector = text_vector(text, size)
        shown = base64.b64encode(vector.tobytes()).decode() if as_base64 else vector.tolist()
        data.append({"object": "embedding", "index": index, "embedding": shown})
    return {
        "id": f"embd-{name}",
        "object": "list",
        "model": body["model"],
        "data": data,
        "usage": {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens},
    }


def text_vector(text: str, dimension: int = 8) -> array[float]:
    """Return the vector of a text, of length 1, as 32-bit floats."""
    numbers = random.Random(text)
    vector = [numbers.gauss(0, 1) for _ in range(dimension)]
    length = math.hypot(*vector)
    return array("f", (value / length for value in vector))
