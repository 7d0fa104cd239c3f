"""Images by the gateway: stored before they are used, paid for once, within limits and budgets."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llms import Gateway
from llms.budget import Budget
from llms.chat import Sample
from llms.errors import (
    BadRequest,
    BudgetExceeded,
    ConfigurationError,
    ConnectionFailed,
    MalformedReply,
    ServerFailed,
)
from llms.image_generation import download as download_module
from llms.image_generation.model import Image, ImageGenerationModel
from llms.image_generation.openai import OpenAIImageGeneration
from llms.image_generation.scripted import ScriptedImageGeneration
from llms.spending import Calls, Receipt
from llms.store import CompletionStore
from llms.store.answers import unpack
from tests.llms.conftest import CHECKOUT, OpenGateway, wait_until
from tests.llms.image_generation.conftest import MakeModel, openai_images
from tests.loopback import (
    Body,
    Limits,
    LoopbackProvider,
    Reset,
    Status,
    loopback_process,
    loopback_provider,
)
from tests.loopback.images import picture

CAT = picture("a cat")


def by_address(provider: LoopbackProvider, **parameters: Any) -> OpenAIImageGeneration:
    """Return a model whose answers say where the image is."""
    return openai_images(provider, generation_kwargs={"response_format": "url"}, **parameters)


def drawn(
    gateway: Gateway, model: ImageGenerationModel, prompt: str = "a cat", owner: str = ""
) -> tuple[Image, Calls]:
    image, receipt = gateway.run(gateway.draw(model, prompt, Sample(owner)))
    return image, receipt.calls


def test_an_image_is_found_again_and_not_asked_for_again(
    provider: LoopbackProvider, open_gateway: OpenGateway, make_model: MakeModel
) -> None:
    first, bought = drawn(open_gateway(), make_model(provider))
    again, reused = drawn(open_gateway(), make_model(provider))
    assert first == again
    assert (bought.requests, bought.reused, reused.requests, reused.reused) == (1, 0, 1, 1)
    assert provider.stats().requests == 1


def test_equal_prompts_get_images_of_their_own_and_the_same_ones_again(gateway: Gateway) -> None:
    model = ScriptedImageGeneration()
    first = model.generate(["a cat", "a dog", "a cat"], 2, gateway=gateway)
    pictures = [image.data for images in first for image in images]
    assert len(set(pictures)) == 6
    assert model.generate(["a cat", "a dog", "a cat"], 2, gateway=gateway) == first


def test_equal_requests_at_once_share_a_call(gateway: Gateway, provider: LoopbackProvider) -> None:
    model = openai_images(provider)

    async def both() -> list[tuple[Image, Receipt]]:
        return await asyncio.gather(*(gateway.draw(model, "a cat", Sample()) for _ in range(2)))

    first, second = gateway.run(both())
    assert first[0] == second[0]
    assert provider.stats().requests == 1


def test_an_image_at_an_address_is_fetched_without_any_secret_and_once(
    gateway: Gateway, provider: LoopbackProvider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password planted-password\n")
    monkeypatch.setenv("NETRC", str(netrc))
    model = by_address(provider, default_headers={"X-Secret": "planted-secret"})
    for _ in range(2):
        image, _ = drawn(gateway, model)
        assert (image.data, image.address) == (CAT, None)
    [headers] = provider.images.headers
    assert headers.keys() <= {"host", "accept", "accept-encoding", "user-agent"}
    assert provider.stats().requests == 1


def test_an_address_is_stored_and_charged_before_the_image_is_fetched(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    model = by_address(provider, price_per_image=0.04)
    provider.images.fail_with([Status(503)] * 3)
    with gateway.purse("p", {"run": Budget(usd=0.05)}) as purse:
        with pytest.raises(ServerFailed):
            gateway.run(gateway.draw(model, "a cat", Sample(), purse))
        image, calls = gateway.run(gateway.draw(model, "a cat", Sample(), purse))
    assert image.data == CAT
    assert (calls.reused, calls.cost_usd) == (1, 0.04)
    assert provider.stats().requests == 1
    assert gateway.run(gateway.store.spent("run")).usd == pytest.approx(0.04)
    assert gateway.store.totals().spent_usd == pytest.approx(0.04)


def test_an_image_that_the_provider_keeps_no_more_is_made_anew(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    provider.images.fail_with([Status(403)])
    with pytest.raises(BadRequest, match=r"is not there any more \(403\)"):
        drawn(gateway, by_address(provider))
    provider.images.fail_with([Status(410), None])
    assert drawn(gateway, by_address(provider))[0].data == CAT
    assert provider.stats().requests == 2
    assert drawn(gateway, by_address(provider))[0].data == CAT
    assert provider.stats().requests == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Status(500), ServerFailed),
        (Reset(), ConnectionFailed),
        (Body(b"<html>sign in</html>"), MalformedReply),
    ],
    ids=["500", "reset", "page"],
)
def test_a_download_that_fails_is_tried_again_and_tells_no_signature(
    fault: Any, error: type[Exception], gateway: Gateway, provider: LoopbackProvider
) -> None:
    provider.images.fail_with([fault])
    assert drawn(gateway, by_address(provider))[0].data == CAT
    provider.images.fail_with([fault] * 12)  # aiohttp asks again by itself after a reset
    with pytest.raises(error) as caught:
        drawn(gateway, by_address(provider), "a dog")
    assert "planted-signature" not in str(caught.value)
    assert provider.stats().requests == 2


def test_a_download_is_bounded(
    gateway: Gateway, provider: LoopbackProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_module, "_MOST_BYTES", len(CAT) - 1)
    with pytest.raises(BadRequest, match="has more than"):
        drawn(gateway, by_address(provider))


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("http://elsewhere.example/x.png", "that is not fetched .*elsewhere.example"),
        ("file:///etc/passwd", "that is not fetched"),
        ("ftp://127.0.0.1/x.png", "that is not fetched"),
    ],
    ids=["plain-http", "file", "ftp"],
)
def test_only_https_addresses_are_fetched_redirects_too(
    place: str, sentence: str, gateway: Gateway, provider: LoopbackProvider
) -> None:
    provider.fail_with([Body({"data": [{"url": place}]})])
    with pytest.raises(BadRequest, match=sentence):
        drawn(gateway, by_address(provider))
    provider.images.fail_with([Status(302, {"Location": place})])
    with pytest.raises(BadRequest, match=sentence):
        drawn(gateway, by_address(provider), "a dog")


def test_redirects_are_followed_and_come_to_an_end(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    provider.images.fail_with([Status(302, {"Location": "/images/1?x"})] * 3)
    assert drawn(gateway, by_address(provider))[0].data == CAT
    provider.images.fail_with([Status(302, {"Location": "/images/2?x"})] * 4)
    with pytest.raises(BadRequest, match="more than 3 redirects"):
        drawn(gateway, by_address(provider), "a dog")


def test_an_image_in_a_data_url_needs_no_download(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    import base64

    held = "data:image/png;base64," + base64.b64encode(CAT).decode()
    provider.fail_with([Body({"data": [{"url": held}]})])
    assert drawn(gateway, by_address(provider))[0].data == CAT
    assert provider.images.headers == []


def test_transient_failures_are_tried_again_and_others_are_not(
    gateway: Gateway, provider: LoopbackProvider, make_model: MakeModel
) -> None:
    provider.fail_with([Status(503), Status(429)])
    assert drawn(gateway, make_model(provider))[0].data
    provider.fail_with([Status(400)])
    with pytest.raises(BadRequest):
        drawn(gateway, make_model(provider), "a dog")
    assert provider.stats().requests == 4


def test_the_providers_rate_limit_is_kept(gateway: Gateway) -> None:
    limits = Limits(requests_per_minute=60, minute=2.0, burst=0.1, headers="openai")
    with loopback_provider(limits=limits) as provider:
        model = openai_images(provider, requests_per_minute=None)
        images = model.generate([str(n) for n in range(20)], gateway=gateway)
        assert len(images) == 20
        assert provider.stats().answered == 20


def test_a_budget_in_dollars_holds_by_the_price_of_an_image(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    model = openai_images(provider, price_per_image=0.04)

    async def draw_all() -> list[Any]:
        with_purse = (gateway.draw(model, str(n), Sample(), purse) for n in range(5))
        return await asyncio.gather(*with_purse, return_exceptions=True)

    with gateway.purse("p", {"run": Budget(usd=0.1)}) as purse:
        results = gateway.run(draw_all())
    assert sum(isinstance(result, BudgetExceeded) for result in results) == 3
    assert provider.stats().requests == 2
    assert gateway.run(gateway.store.spent("run")).usd == pytest.approx(0.08)


def test_tokens_are_priced_where_the_price_list_knows_the_model(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    model = openai_images(provider, price={"input": 5, "output": 40})
    image, calls = drawn(gateway, model)
    assert image.cost_usd == pytest.approx((2 * 5 + 272 * 40) / 1e6)
    assert calls.output_tokens == 272


def test_a_budget_in_dollars_needs_a_price(gateway: Gateway, provider: LoopbackProvider) -> None:
    model = openai_images(provider)
    with (
        gateway.purse("p", {"run": Budget(usd=1)}) as purse,
        pytest.raises(ConfigurationError, match="The price of openai:m is not known"),
    ):
        gateway.run(gateway.draw(model, "a cat", Sample(), purse))
    assert provider.stats().requests == 0
    assert drawn(gateway, model)[1].unpriced == 1


@pytest.mark.parametrize(
    "image",
    [Image(b"\x89PNG\r\n\x1a\nline\nline", "m", 1, 2, 0.5), Image(b"", "m", address="https://x")],
)
def test_an_image_is_stored_as_it_is(image: Image, store_path: Path) -> None:
    store = CompletionStore(store_path)

    async def both() -> Any:
        await store.put("key", image)
        return await store.get("key")

    try:
        assert asyncio.run(both()) == image
    finally:
        store.close()


_KILLED = """
import sys
from llms import CompletionStore, Gateway
from llms.image_generation.registry import as_image_generation
model = as_image_generation({"provider": "openai", "model": "m", "base_url": sys.argv[1],
                             "generation_kwargs": {"response_format": sys.argv[3]}})
gateway = Gateway(CompletionStore(sys.argv[2]))
model.generate([str(n) for n in range(60)], gateway=gateway)
"""


def stored_images(store_path: Path) -> tuple[int, int]:
    """Return how many images a store holds, and how many addresses."""
    with closing(sqlite3.connect(store_path)) as connection:
        rows = connection.execute("SELECT answer FROM completions").fetchall()
    images = [unpack(packed) for (packed,) in rows]
    addresses = sum(isinstance(image, Image) and not image.data for image in images)
    return len(images) - addresses, addresses


@pytest.mark.parametrize("response_format", ["b64_json", "url"])
def test_a_process_killed_at_any_moment_asks_again_for_nothing_that_was_stored(
    response_format: str, store_path: Path
) -> None:
    paid = 0
    with loopback_process(latency=0.02, slots=4) as provider:
        command = [sys.executable, "-c", _KILLED, provider.url, str(store_path), response_format]
        for moment in (0.0, 0.05, 0.1, 0.15, None):
            provider.reset()
            with subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.DEVNULL) as child:
                if moment is not None:
                    wait_until(lambda: provider.stats().requests > 0 or child.poll() is not None)
                    time.sleep(moment)
                    child.kill()
                child.wait(60)
            # A run sends the requests without a stored answer, and a killed one fewer.
            requests = provider.stats().requests
            assert requests <= 60 - paid if moment is not None else requests == 60 - paid
            images, addresses = stored_images(store_path)
            paid = max(images, addresses)
    assert (images, addresses) == (60, 60 if response_format == "url" else 0)
