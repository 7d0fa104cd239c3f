"""One call of the image APIs, without retries or store: what is asked, and what comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llms.errors import (
    AuthenticationFailed,
    BadRequest,
    ConfigurationError,
    ConnectionFailed,
    ContentFiltered,
    LLMError,
    MalformedReply,
    MissingKeyError,
    ModelNotFound,
    RateLimited,
    RequestTimedOut,
    ServerFailed,
)
from llms.image_generation.inference_endpoints import InferenceEndpointsImageGeneration
from llms.image_generation.model import ImageGenerationModel, ImageReply
from llms.image_generation.openai import OpenAIImageGeneration
from tests.llms.conftest import KEY
from tests.llms.image_generation.conftest import MakeModel, hugging_face_images, openai_images
from tests.loopback import (
    MALFORMED,
    Body,
    Fault,
    Hang,
    LoopbackProvider,
    Reset,
    Status,
    Truncated,
)
from tests.loopback.images import picture


def ask(model: ImageGenerationModel, prompt: str = "a cat", seed: int = 0) -> ImageReply:
    """Open a model, make one call and close it."""

    async def send() -> ImageReply:
        client = await asyncio.to_thread(model.connect)
        try:
            return await model.send(client, prompt, seed)
        finally:
            await model.close(client)

    return asyncio.run(send())


def test_the_image_comes_back_as_bytes(provider: LoopbackProvider, make_model: MakeModel) -> None:
    assert ask(make_model(provider)).data == picture("a cat")


def test_openai_is_asked_for_one_image_with_the_parameters_given(
    provider: LoopbackProvider,
) -> None:
    reply = ask(
        openai_images(
            provider,
            model="dall-e-3",
            generation_kwargs={"size": "1024x1024", "quality": "hd", "extra_body": {"user": "u"}},
        )
    )
    ask(openai_images(provider, model="gpt-image-1"))
    asked = {"prompt": "a cat", "n": 1}
    assert provider.stats().bodies == [
        {
            "model": "dall-e-3",
            **asked,
            "quality": "hd",
            "size": "1024x1024",
            "response_format": "b64_json",
            "user": "u",
        },
        {"model": "gpt-image-1", **asked},
    ]
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (2, 272)
    assert reply.model == "dall-e-3"


def test_hugging_face_is_asked_with_a_seed_so_that_samples_differ(
    provider: LoopbackProvider,
) -> None:
    model = hugging_face_images(provider, generation_kwargs={"width": 64, "guidance_scale": 2.5})
    assert ask(model, seed=1).data != ask(model, seed=2).data
    assert provider.stats().bodies == [
        {"inputs": "a cat", "parameters": {"width": 64, "guidance_scale": 2.5, "seed": seed}}
        for seed in (1, 2)
    ]


def test_an_address_comes_back_where_the_answer_names_one(provider: LoopbackProvider) -> None:
    reply = ask(openai_images(provider, generation_kwargs={"response_format": "url"}))
    assert reply.data == b""
    assert reply.address == f"{provider.root}/images/1?sig=planted-signature"


@pytest.mark.parametrize(
    "body",
    [
        Body({}),
        Body({"data": []}),
        Body({"data": [{}]}),
        Body({"data": [{"b64_json": None, "url": None}]}),
        Body({"data": [{"url": 7}]}),
        Body({"data": [{"b64_json": "not base64!"}]}),
        Body({"data": [{"b64_json": "aGVsbG8="}]}),
        Body({"data": [{"b64_json": "x"}, {"b64_json": "x"}]}),
        MALFORMED,
    ],
    ids=["empty", "none", "nothing", "nulls", "number", "not-base64", "no-image", "two", "html"],
)
def test_an_answer_without_an_image_is_malformed(body: Body, provider: LoopbackProvider) -> None:
    provider.fail_with([body])
    with pytest.raises(MalformedReply):
        ask(openai_images(provider))


@pytest.mark.parametrize("body", [MALFORMED, Body({"error": "later"}), Body(b"")])
def test_bytes_that_are_no_image_are_malformed(body: Body, provider: LoopbackProvider) -> None:
    provider.fail_with([body])
    with pytest.raises(MalformedReply, match="sent no PNG, JPEG, GIF or WebP image"):
        ask(hugging_face_images(provider))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Status(401, message=f"wrong key {KEY}"), AuthenticationFailed),
        (Status(404), ModelNotFound),
        (Status(400), BadRequest),
        (Status(429), RateLimited),
        (Status(503), ServerFailed),
        (Reset(), ConnectionFailed),
        (Truncated(), ConnectionFailed),
    ],
    ids=["401", "404", "400", "429", "503", "reset", "truncated"],
)
def test_a_failure_is_translated_without_the_key(
    fault: Fault, error: type[LLMError], provider: LoopbackProvider, make_model: MakeModel
) -> None:
    provider.fail_with([fault])
    with pytest.raises(error) as caught:
        ask(make_model(provider))
    assert KEY not in str(caught.value)
    assert KEY not in repr(caught.value.__cause__)
    assert provider.stats().requests == 1


def test_a_prompt_that_the_filter_refuses_is_told_as_such(provider: LoopbackProvider) -> None:
    provider.fail_with([Status(400, error="content_policy_violation")])
    with pytest.raises(ContentFiltered):
        ask(openai_images(provider))


def test_a_server_that_does_not_answer_in_time_is_a_time_out(
    provider: LoopbackProvider, make_model: MakeModel
) -> None:
    provider.fail_with([Hang()])
    with pytest.raises(RequestTimedOut):
        ask(make_model(provider, timeout=0.2))


def test_only_a_server_on_this_machine_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    OpenAIImageGeneration(model="m", base_url="http://127.0.0.1:9/v1").check()
    with pytest.raises(MissingKeyError, match="OPENAI_API_KEY"):
        OpenAIImageGeneration(model="m").check()
    with pytest.raises(MissingKeyError, match="HF_TOKEN"):
        InferenceEndpointsImageGeneration(model="m").check()


@pytest.mark.parametrize(
    ("parameters", "url", "name"),
    [
        (
            {"model_id": "owner/name"},
            "https://router.huggingface.co/hf-inference/models/owner/name",
            "owner/name",
        ),
        ({"base_url": "https://e.example/x"}, "https://e.example/x", "endpoint"),
        (
            {"endpoint_name": "mine", "endpoint_namespace": "us"},
            "https://api.endpoints.huggingface.cloud/v2/endpoint/us/mine",
            "mine",
        ),
    ],
    ids=["model", "address", "endpoint"],
)
def test_a_model_on_hugging_face_is_named_by_its_id_its_address_or_its_endpoint(
    parameters: dict[str, Any], url: str, name: str
) -> None:
    model = InferenceEndpointsImageGeneration(**parameters)
    assert (model.url, model.model_name) == (url, name)


def test_a_model_on_hugging_face_that_is_not_named_is_told() -> None:
    with pytest.raises(ConfigurationError, match="needs one of model=, endpoint_name= and"):
        InferenceEndpointsImageGeneration()
