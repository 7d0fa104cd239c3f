"""Vectors from the last layer of a language model, trained on the spot."""

from __future__ import annotations

from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from llms import CompletionStore, Gateway, TransformersLLM
from llms.errors import ConfigurationError
from tasks.embeddings.generate_embeddings import GenerateEmbeddings
from tasks.generation.text_generation import TextGeneration
from tasks.row import Row
from tests.llms.providers.tiny_chat import make_chat_model
from tests.tasks.conftest import applied, rows_after


def test_a_model_that_does_not_show_its_layers_is_told_when_the_step_is_made() -> None:
    with pytest.raises(ConfigurationError, match="A ScriptedLLM does not show its layers; give a"):
        GenerateEmbeddings(llm="scripted:scripted")  # type: ignore[arg-type]  # a name is one too


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_spec("torch") is None or find_spec("transformers") is None:
        pytest.skip("torch and transformers are not installed")
    return make_chat_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def step(weights: Path) -> GenerateEmbeddings:
    return GenerateEmbeddings(llm=TransformersLLM(model=str(weights)))


def last_state(weights: Path, text: str) -> list[float]:
    """Return the last state of a text as transformers lists the states of all layers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(weights)(text, return_tensors="pt")
    with torch.inference_mode():
        output = AutoModelForCausalLM.from_pretrained(weights)(**tokens, output_hidden_states=True)
    state: list[float] = output.hidden_states[-1][0, -1].tolist()
    return state


def vectors(step: GenerateEmbeddings, texts: list[Any], gateway: Gateway) -> list[list[float]]:
    rows = [{"text": text} for text in texts]
    return [row["embedding"] for row in rows_after(applied(step, rows, gateway))]


def test_a_text_becomes_the_last_layers_state_at_its_last_token(
    weights: Path, step: GenerateEmbeddings, gateway: Gateway
) -> None:
    [vector] = vectors(step, ["Name a fruit."], gateway)
    expected = last_state(weights, "<|user|>Name a fruit.<|end|><|assistant|>")
    assert vector == pytest.approx(expected, abs=1e-5)


def test_a_chat_is_read_as_it_stands(
    weights: Path, step: GenerateEmbeddings, gateway: Gateway
) -> None:
    asked = [{"role": "user", "content": "Count."}]
    answered = [*asked, {"role": "assistant", "content": "one two"}]
    open_turn, whole = vectors(step, [asked, answered], gateway)
    written = "<|user|>Count.<|end|><|assistant|>"
    assert open_turn == pytest.approx(last_state(weights, written), abs=1e-5)
    assert whole == pytest.approx(last_state(weights, f"{written}one two<|end|>"), abs=1e-5)


def test_a_vector_does_not_depend_on_its_neighbours(
    step: GenerateEmbeddings, gateway: Gateway, tmp_path: Path
) -> None:
    long = "one two three four five six seven"
    with closing(Gateway(CompletionStore(tmp_path / "other.sqlite"))) as another:
        assert vectors(step, [long, "Count."], gateway)[1] == vectors(step, ["Count."], another)[0]


def test_rows_keep_their_text_and_get_the_models_name(
    weights: Path, step: GenerateEmbeddings, gateway: Gateway
) -> None:
    outcome = applied(step, [{"text": "Count.", "n": 1}, {"text": "Think.", "n": 2}], gateway)
    assert outcome.frame.schema["embedding"] == pl.List(pl.Float32)
    assert [(row["text"], row["n"], row["model_name"]) for row in rows_after(outcome)] == [
        ("Count.", 1, str(weights)),
        ("Think.", 2, str(weights)),
    ]


def test_a_text_is_read_once(step: GenerateEmbeddings, gateway: Gateway) -> None:
    first = applied(step, [{"text": "Count."}, {"text": "Count."}], gateway)
    again = applied(step, [{"text": "Count."}], gateway)
    assert (first.calls.requests, again.calls.requests) == (1, 0)
    assert rows_after(first)[0]["embedding"] == rows_after(again)[0]["embedding"]


def test_bad_rows_are_rejected_with_their_own_text_and_in_order(
    step: GenerateEmbeddings, gateway: Gateway
) -> None:
    long = "one two three four five six seven eight " * 100
    texts = [long, None, "Count.", ""]
    outcome = applied(step, [{"text": text} for text in texts], gateway)
    assert [rejection.row["text"] for rejection in outcome.rejections] == [long, None, ""]
    assert "tokens, and the model reads 512" in outcome.rejections[0].reason
    assert outcome.rejections[1].reason == "the column 'text' is null"
    assert [row["text"] for row in rows_after(outcome)] == ["Count."]


def test_a_chat_without_turns_is_rejected(step: GenerateEmbeddings, gateway: Gateway) -> None:
    rows: list[Row] = [{"text": [{"role": "user", "content": ""}]}, {"text": []}]
    outcome = applied(step, [*rows, {"text": [{"role": "user", "content": "Count."}]}], gateway)
    assert [rejection.reason for rejection in outcome.rejections] == [
        "turn 1 of 'text' is empty",
        "the column 'text' holds no chat, a list with one turn or more",
    ]


def test_it_shares_the_weights_of_a_language_model_at_work(
    weights: Path, step: GenerateEmbeddings, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    original = TransformersLLM.connect

    def connect(llm: TransformersLLM) -> Any:
        opened.append(llm.model)
        return original(llm)

    monkeypatch.setattr(TransformersLLM, "connect", connect)
    llm = TransformersLLM.model_validate(
        {"model": str(weights), "generation_kwargs": {"temperature": 0}}
    )
    [row] = rows_after(
        applied(TextGeneration(llm=llm), [{"instruction": "Name a fruit."}], gateway)
    )
    assert row["generation"] == "a ripe pear"
    vectors(step, ["Count."], gateway)
    assert opened == [str(weights)]
