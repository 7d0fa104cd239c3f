"""Images, asked for by OpenAI's and Hugging Face's clients."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError
from openai import BadRequestError, OpenAI
from PIL import Image

from tests.loopback import LoopbackProvider, Status, loopback_provider
from tests.loopback.images import picture


def openai_image(provider: LoopbackProvider, prompt: str, **parameters: Any) -> Any:
    with OpenAI(base_url=provider.url, api_key="key", max_retries=0) as client:
        answer = client.images.generate(model="m", prompt=prompt, **parameters)
    assert answer.usage is not None
    assert answer.usage.output_tokens == 272
    assert answer.data is not None
    [item] = answer.data
    return item


def test_an_image_comes_with_the_answer_or_is_fetched_from_an_address() -> None:
    with loopback_provider() as provider:
        told = openai_image(provider, "a cat")
        kept = openai_image(provider, "a cat", response_format="url")
        fetched = httpx.get(kept.url, headers={"X-Told": "this"})
        missing = httpx.get(f"{provider.root}/images/none")
    assert base64.b64decode(told.b64_json) == fetched.content == picture("a cat")
    assert missing.status_code == 404
    assert provider.images.headers[0]["x-told"] == "this"


def test_hugging_face_gets_the_image_itself_and_another_one_for_each_seed() -> None:
    with loopback_provider() as provider:
        client = InferenceClient(f"{provider.root}/text-to-image", token="key")
        first, second = (client.text_to_image("a cat", seed=seed) for seed in (1, 2))
    assert first.tobytes() == Image.open(io.BytesIO(picture("a cat", 1))).tobytes()
    assert first.tobytes() != second.tobytes()


def test_images_may_be_large() -> None:
    with loopback_provider(image_bytes=1_000_000) as provider:
        data = base64.b64decode(openai_image(provider, "a cat").b64_json)
    assert len(data) == 1_000_000
    assert Image.open(io.BytesIO(data)).size == (4, 4)


def test_what_is_no_request_for_one_image_is_refused_and_faults_fail_images_too() -> None:
    with loopback_provider(fault=[Status(400, message="not that one")]) as provider:
        for parameters in ({"n": 2}, {}):
            with pytest.raises(BadRequestError, match=r"n is not 1|not that one"):
                openai_image(provider, "a cat", **parameters)
        provider.fail_with([Status(400, message="not that one")])
        with pytest.raises(HfHubHTTPError, match="not that one"):
            InferenceClient(f"{provider.root}/text-to-image").text_to_image("a cat", seed=1)
        assert provider.stats().answered == 0
