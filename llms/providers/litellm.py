"""Any model behind a LiteLLM proxy server."""

from __future__ import annotations

from typing import ClassVar

from llms.providers.chat_completions import ChatCompletionsLLM, from_environment


class LiteLLM(ChatCompletionsLLM):
    """A model behind a LiteLLM proxy server, by the API that the proxy shares with OpenAI.

    The package `litellm` itself asks for an older `openai` than ours and cannot be installed beside
    it; its proxy (`litellm --config ...`) runs in an environment of its own. `base_url` defaults to
    `LITELLM_PROXY_API_BASE`, then to the proxy's usual port on this machine; `model` is a name of
    the proxy's configuration. The key, where the proxy asks for one, is `LITELLM_PROXY_API_KEY`.
    """

    provider: ClassVar = "litellm"
    key_variables: ClassVar = ("LITELLM_PROXY_API_KEY", "LITELLM_API_KEY")
    key_optional: ClassVar = True

    base_url: str | None = from_environment("LITELLM_PROXY_API_BASE")

    @property
    def url(self) -> str:
        return self.base_url or "http://127.0.0.1:4000/v1"
