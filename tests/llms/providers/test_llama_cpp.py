"""The embedded model, with its real weights."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llms import ChatRequest, ChatType, Completion, CompletionStore, Gateway, LlamaCppLLM, Sample
from llms.errors import (
    BadRequest,
    ConfigurationError,
    ContextLengthExceeded,
    RequestTimedOut,
)
from llms.providers.llama_cpp import by_own_template
from llms.providers.user_turns import OpenPrompt
from tests.llms.conftest import OpenGateway, chat_request
from tests.llms.providers.recorded import ask

_SCHEMA = {
    "type": "object",
    "properties": {
        "fruit": {"type": "string", "enum": ["apple", "pear"]},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
    },
    "required": ["fruit", "count"],
    "additionalProperties": False,
}


def _model(**changes: Any) -> LlamaCppLLM:
    small: dict[str, Any] = {
        "n_ctx": 256,
        "n_threads": 1,
        "max_concurrent_requests": 4,
        "generation_kwargs": {"max_new_tokens": 12},
    }
    return LlamaCppLLM(**{**small, **changes})


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose engine stays loaded from test to test."""
    path = tmp_path_factory.mktemp("embedded") / "completions.sqlite"
    with closing(Gateway(CompletionStore(path))) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packaged weights."""
    copy = tmp_path_factory.mktemp("weights") / "copy.gguf"
    return Path(shutil.copyfile(_model().path(), copy))


def test_the_default_model_answers_without_key_or_network(warm: Gateway) -> None:
    [[completion]] = _model().generate(["Name a fruit."], gateway=warm)
    assert completion.text.strip()
    assert 0 < completion.usage.output_tokens <= 12
    assert completion.usage.input_tokens > 4
    assert completion.finish_reason in ("stop", "length")
    assert completion.model.endswith(".gguf")
    assert "/" not in completion.model
    assert completion.request_id


def test_equal_prompts_get_different_samples(warm: Gateway) -> None:
    samples = _model().generate(["Tell me about rivers."] * 2, 3, gateway=warm)
    assert len({completion.text for each in samples for completion in each}) == 6


def test_a_fresh_store_gets_the_same_samples_in_any_order_and_company(
    open_gateway: OpenGateway, warm: Gateway, tmp_path: Path
) -> None:
    llm = _model(generation_kwargs={"max_new_tokens": 12})
    chats = ["Describe the sea.", "Describe a star.", "Describe bread."]
    together = _texts(llm.generate(chats, 2, gateway=warm))
    fresh = open_gateway(tmp_path / "fresh.sqlite")
    alone = [_texts(llm.generate([chat], 2, gateway=fresh))[0] for chat in reversed(chats)]
    assert alone[::-1] == together


def _texts(completions: list[list[Completion]]) -> list[list[str]]:
    return [[completion.text for completion in samples] for samples in completions]


def test_an_answer_is_cut_at_max_new_tokens(warm: Gateway) -> None:
    llm = _model(generation_kwargs={"max_new_tokens": 3})
    [[completion]] = llm.generate(["Count from one to one hundred."], gateway=warm)
    assert completion.usage.output_tokens == 3
    assert completion.finish_reason == "length"


def test_sampling_parameters_reach_the_engine(warm: Gateway) -> None:
    greedy = _model(generation_kwargs={"max_new_tokens": 8, "top_k": 1})
    samples = greedy.generate(["The capital of France is"], 3, gateway=warm)[0]
    assert len({completion.text for completion in samples}) == 1
    text = samples[0].text
    stopped = _model(generation_kwargs={"max_new_tokens": 8, "top_k": 1, "stop": (text[4],)})
    [[completion]] = stopped.generate(["The capital of France is"], gateway=warm)
    assert text.startswith(completion.text)
    assert text[4] not in completion.text


@pytest.mark.parametrize("sample", range(3))
def test_a_response_schema_is_enforced(sample: int, warm: Gateway) -> None:
    llm = _model(generation_kwargs={"max_new_tokens": 100})
    request = ChatRequest([{"role": "user", "content": "Write a poem."}], _SCHEMA)
    answer = warm.run(warm.complete(llm, request, Sample(index=sample)))
    value = json.loads(answer.completion.text)
    assert value.keys() == {"fruit", "count"}
    assert value["fruit"] in ("apple", "pear")
    assert 1 <= value["count"] <= 9


def test_a_schema_the_engine_cannot_enforce_is_refused_for_that_request() -> None:
    request = ChatRequest([{"role": "user", "content": "hi"}], {"type": "nonsense"})
    with pytest.raises(BadRequest, match="JSON schema"):
        ask(_model(max_concurrent_requests=1), request)


def test_a_prompt_beyond_the_context_is_refused_and_says_what_to_raise(warm: Gateway) -> None:
    with pytest.raises(ContextLengthExceeded, match=r"n_ctx"):
        _model().generate(["word " * 500], gateway=warm)


def test_n_ctx_is_the_context_of_each_slot(warm: Gateway) -> None:
    llm = _model(generation_kwargs={"max_new_tokens": 2})
    completions = llm.generate(["a " + "word " * 150, "b " + "word " * 150], gateway=warm)
    assert all(samples[0].usage.input_tokens > 150 for samples in completions)


def test_a_model_file_counts_by_its_content_not_by_its_path(
    weights: Path, tmp_path: Path, open_gateway: OpenGateway
) -> None:
    here = _model(model=str(weights))
    moved = tmp_path / "renamed.gguf"
    os.link(weights, moved)
    assert _model(model=str(moved)).identity == here.identity
    gateway = open_gateway()
    first = here.generate(["hi"], gateway=gateway)
    assert first[0][0].text
    assert _model(model=str(moved)).generate(["hi"], gateway=gateway) == first


def test_another_file_under_the_same_path_is_another_model(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"one")
    before = _model(model=str(path))
    names = {before.identity, before.account}
    path.write_bytes(b"other")
    os.utime(path, ns=(1, 1))
    after = _model(model=str(path))
    assert not names & {after.identity, after.account}


def test_a_missing_model_file_is_a_configuration_error(
    open_gateway: OpenGateway, tmp_path: Path
) -> None:
    llm = _model(model=str(tmp_path / "absent.gguf"))
    sentence = f"There is no model file {llm.model!r}; give a GGUF file, hf://owner/repo/file.gguf "
    for attempt in (llm.check, lambda: llm.generate(["hi"], gateway=open_gateway())):
        with pytest.raises(ConfigurationError) as caught:
            attempt()
        assert str(caught.value).startswith(sentence)


def test_a_file_that_is_no_model_is_a_configuration_error(
    open_gateway: OpenGateway, tmp_path: Path
) -> None:
    path = tmp_path / "notes.gguf"
    path.write_bytes(b"these are notes, not weights" * 100)
    with pytest.raises(ConfigurationError, match=r"notes\.gguf"):
        _model(model=str(path)).generate(["hi"], gateway=open_gateway())


@pytest.mark.parametrize("url", ["hf://owner", "hf://owner/repo", "hf://"])
def test_an_incomplete_hub_address_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"of the form hf://owner/repo/file\.gguf"):
        _model(model=url).path()


def test_an_answer_that_takes_too_long_is_given_up_and_stopped(warm: Gateway) -> None:
    slow = _model(generation_kwargs={"max_new_tokens": 200}, timeout=0.3)

    async def seconds_until_the_engine_is_free() -> float:
        client = await asyncio.to_thread(slow.connect)
        with pytest.raises(RequestTimedOut, match=r"no answer within 0\.3 s; raise timeout="):
            await slow.send(client, chat_request("Count from one to five hundred."), 1)
        began = time.monotonic()
        await asyncio.to_thread(client.threads.shutdown, True)
        return time.monotonic() - began

    assert warm.run(seconds_until_the_engine_is_free()) < 5


def test_logprobs_are_told_when_asked_for(warm: Gateway) -> None:
    llm = _model(generation_kwargs={"max_new_tokens": 2, "top_logprobs": 2})
    [[completion]] = llm.generate(["Name a colour."], gateway=warm)
    assert completion.logprobs is not None
    assert [len(position) >= 2 for position in completion.logprobs] == [True, True]
    assert all(each["logprob"] <= 0 for position in completion.logprobs for each in position)


_TALK: ChatType = [
    {"role": "system", "content": "You cook."},
    {"role": "user", "content": "An egg?"},
    {"role": "assistant", "content": "Ten minutes."},
]


def test_a_users_turn_is_written_after_the_models_own_template(warm: Gateway) -> None:
    llm = _model()

    async def prompts() -> list[OpenPrompt]:
        client = await asyncio.to_thread(llm.connect)
        return [by_own_template(client.server, messages) for messages in ([], _TALK)]

    first, later = warm.run(prompts())
    assert first.text.startswith("<|im_start|>system\n")
    assert first.text.endswith("<|im_end|>\n<|im_start|>user\n")
    assert later.text == (
        "<|im_start|>system\nYou cook.<|im_end|>\n<|im_start|>user\nAn egg?<|im_end|>\n"
        "<|im_start|>assistant\nTen minutes.<|im_end|>\n<|im_start|>user\n"
    )
    assert first.end == later.end == "<|im_end|>"


def test_users_turns_of_equal_conversations_differ_and_come_again(
    warm: Gateway, open_gateway: OpenGateway, tmp_path: Path
) -> None:
    llm = _model(generation_kwargs={"max_new_tokens": 12, "top_logprobs": 2})
    request = ChatRequest([], open_turn="user")

    def written(gateway: Gateway) -> list[str]:
        async def three() -> list[Completion]:
            asked = [gateway.complete(llm, request, Sample(index=index)) for index in range(3)]
            return [answer.completion for answer in await asyncio.gather(*asked)]

        completions = gateway.run(three())
        assert all(each.usage.input_tokens == 24 for each in completions)
        assert all(each.finish_reason in ("stop", "length") for each in completions)
        return [each.text for each in completions]

    texts = written(warm)
    assert len(set(texts)) == 3
    assert not any("<|im_" in text for text in texts)
    assert written(open_gateway(tmp_path / "fresh.sqlite")) == texts


def test_a_users_turn_that_does_not_fit_says_what_to_raise(warm: Gateway) -> None:
    request = ChatRequest([{"role": "system", "content": "word " * 500}], open_turn="user")
    with pytest.raises(ContextLengthExceeded, match="n_ctx"):
        warm.run(warm.complete(_model(), request, Sample()))
