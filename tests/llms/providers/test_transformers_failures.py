"""A model run by transformers: what it is, what cannot be loaded, and how it is given up."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
import weakref
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from llms import TransformersLLM
from llms import loop as model_loop
from llms.errors import ConfigurationError, RequestTimedOut
from tests.llms.conftest import OpenGateway, chat_request
from tests.llms.providers.recorded import ask
from tests.llms.providers.tiny_chat import make_chat_model

if find_spec("torch") is None or find_spec("transformers") is None:
    pytest.skip("torch and transformers are not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_chat_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def copy(weights: Path, tmp_path: Path) -> Path:
    """A copy of the model, to be changed."""
    return Path(shutil.copytree(weights, tmp_path / "copy"))


@pytest.fixture
def endless(copy: Path) -> TransformersLLM:
    """The model without a token that ends an answer, and with room for a hundred thousand."""
    _change(copy / "config.json", eos_token_id=None, max_position_embeddings=100_000)
    _change(copy / "generation_config.json", eos_token_id=None)
    _change(copy / "tokenizer_config.json", eos_token=None)
    return _model(copy).sampling(max_new_tokens=None)


def _change(file: Path, **values: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def _model(folder: Path, **parameters: Any) -> TransformersLLM:
    return TransformersLLM.model_validate({"model": str(folder), **parameters})


def _with_client(llm: TransformersLLM, use: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        client = await asyncio.to_thread(llm.connect)
        try:
            return await use(client)
        finally:
            await llm.close(client)

    return model_loop.run(run())


async def _seconds_until_free(client: Any) -> float:
    began = time.monotonic()
    await asyncio.to_thread(client.thread.shutdown, True)
    return time.monotonic() - began


def test_an_answer_that_takes_too_long_is_given_up_and_stopped(endless: TransformersLLM) -> None:
    hasty = endless.model_copy(update={"timeout": 0.3})

    async def use(client: Any) -> float:
        with pytest.raises(RequestTimedOut, match=r"no answer within 0\.3 s; raise timeout="):
            await hasty.send(client, chat_request("Count."), 1)
        return await _seconds_until_free(client)

    assert _with_client(hasty, use) < 5


def test_an_answer_that_nobody_waits_for_is_stopped(endless: TransformersLLM) -> None:
    async def use(client: Any) -> float:
        sending = asyncio.create_task(endless.send(client, chat_request("Count."), 1))
        await asyncio.wait({sending}, timeout=0.3)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        return await _seconds_until_free(client)

    assert _with_client(endless, use) < 5


def test_the_memory_is_free_once_the_model_is_closed(weights: Path) -> None:
    async def use(client: Any) -> list[weakref.ref[Any]]:
        await _model(weights).send(client, chat_request("Count."), 1)
        return [weakref.ref(each) for each in client.model.parameters()]

    kept = _with_client(_model(weights), use)
    assert kept
    assert [each for each in kept if each() is not None] == []


def test_the_parameters_of_loading_reach_the_model(weights: Path) -> None:
    async def use(client: Any) -> tuple[str, str, str]:
        model = client.model
        return str(model.dtype), str(model.device), model.config._attn_implementation

    parameters = {
        "torch_dtype": "bfloat16",
        "device": "cpu",
        "model_kwargs": {"attn_implementation": "eager"},
    }
    assert _with_client(_model(weights, **parameters), use) == ("torch.bfloat16", "cpu", "eager")


@pytest.mark.parametrize("name", ["absent", "./absent", "~/absent-model"])
def test_a_missing_folder_is_a_configuration_error_before_any_call(
    name: str, tmp_path: Path, open_gateway: OpenGateway
) -> None:
    folder = name if name[0] in ".~" else str(tmp_path / name)
    llm = TransformersLLM(model=folder)
    for attempt in (llm.check, lambda: llm.generate(["hi"], gateway=open_gateway())):
        with pytest.raises(ConfigurationError) as caught:
            attempt()
        assert str(caught.value) == (
            f"There is no model folder {folder!r}; give a folder with a model's files, or a name "
            f"on the Hugging Face Hub."
        )


def _empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def _corrupt(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"these are notes, not weights")


def _without_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


@pytest.mark.parametrize(
    ("spoil", "parameters", "message"),
    [
        (_empty, {}, "transformers cannot load"),
        (_corrupt, {}, "transformers cannot load"),
        (_without_template, {}, "has no chat template; give chat_template="),
        (None, {"device": "nonsense"}, "nonsense"),
        (None, {"torch_dtype": "nonsense"}, "nonsense"),
        (None, {"model_kwargs": {"nonsense": 1}}, "nonsense"),
        (None, {"device_map": "nonsense"}, "device_map"),
        (None, {"tokenizer": "/absent"}, "There is no model folder '/absent'"),
    ],
    ids=[
        "empty",
        "corrupt",
        "no template",
        "device",
        "dtype",
        "model_kwargs",
        "device_map",
        "tokenizer",
    ],
)
def test_what_cannot_be_loaded_is_a_configuration_error_of_one_sentence(
    spoil: Callable[[Path], None] | None, parameters: dict[str, Any], message: str, copy: Path
) -> None:
    if spoil is not None:
        spoil(copy)
    with pytest.raises(ConfigurationError) as caught:
        ask(_model(copy, **parameters))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_token_stays_out_of_what_is_shown(copy: Path) -> None:
    _empty(copy)
    llm = _model(copy, token="hf-planted")
    with pytest.raises(ConfigurationError) as caught:
        ask(llm)
    error = caught.value
    views = [repr(llm), llm.model_dump_json(), llm.account, str(error), str(error.__cause__)]
    assert [view for view in views if "hf-planted" in view] == []
    assert llm.identity == _model(copy).identity


def test_a_folder_counts_by_its_content_not_by_its_path(weights: Path, copy: Path) -> None:
    here, there = _model(weights), _model(copy)
    assert here.identity == there.identity
    assert _model(weights, tokenizer=str(weights)).identity == (
        _model(copy, tokenizer=str(copy)).identity
    )
    (copy / "README.md").write_text("A tiny model.")
    assert _model(copy).identity == here.identity
    _change(copy / "generation_config.json", top_k=5)
    assert not {_model(copy).identity, _model(copy).account} & {there.identity, there.account}


@pytest.mark.parametrize(
    "parameters",
    [
        {"torch_dtype": "bfloat16"},
        {"chat_template": "hi"},
        {"device": "cpu"},
        {"device_map": "auto"},
        {"revision": "old"},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_a_model_loaded_another_way_has_a_client_of_its_own(
    parameters: dict[str, Any], weights: Path
) -> None:
    assert _model(weights, **parameters).account != _model(weights).account
    assert _model(weights).sampling(top_k=3).account == _model(weights).account
