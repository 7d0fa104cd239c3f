"""The HTTP below most providers."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from llms import OpenAILLM
from llms.errors import ConnectionFailed, LLMError, ModelNotFound
from tests.llms.providers.recorded import ask
from tests.loopback import loopback_provider


@pytest.mark.parametrize(
    ("no_proxy", "error"),
    [("", ModelNotFound), ("acme.invalid", ConnectionFailed)],
    ids=["proxy", "no proxy for this host"],
)
def test_the_proxy_that_the_environment_names_is_used(
    no_proxy: str, error: type[LLMError], monkeypatch: pytest.MonkeyPatch
) -> None:
    with loopback_provider() as provider:
        monkeypatch.setenv("http_proxy", provider.root)
        monkeypatch.setenv("no_proxy", no_proxy)
        # the loopback provider is no proxy: it answers 404 to the request for another host
        with pytest.raises(error):
            ask(OpenAILLM(model="m", base_url="http://acme.invalid/v1", api_key=SecretStr("key")))


def test_a_query_in_the_base_url_goes_with_every_request() -> None:
    with loopback_provider() as provider:
        reply = ask(
            OpenAILLM(model="m", base_url=f"{provider.url}?tenant=a", api_key=SecretStr("key"))
        )
        assert reply.completion.text
        assert provider.stats().answered == 1
