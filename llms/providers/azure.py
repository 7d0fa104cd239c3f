"""OpenAI's models in Azure."""

from __future__ import annotations

from typing import ClassVar

from llms.providers.chat_completions import ChatCompletionsLLM, from_environment, needed_url
from llms.providers.openai import OpenAIParameters
from llms.providers.wire import Wire

_VERSION = "2024-10-21"


class AzureOpenAILLM(ChatCompletionsLLM):
    """A model of OpenAI's that the user has deployed in Azure; `model` is the deployment's name.

    `base_url`, or `AZURE_OPENAI_ENDPOINT`, is the resource's address
    (`https://NAME.openai.azure.com`). `api_version` defaults to `OPENAI_API_VERSION`, then to the
    last one that is generally available. The key is `AZURE_OPENAI_API_KEY`.
    """

    provider: ClassVar = "azure"
    price_list: ClassVar = "azure"
    key_variables: ClassVar = ("AZURE_OPENAI_API_KEY",)
    limit_parameter: ClassVar = "max_completion_tokens"

    base_url: str | None = from_environment("AZURE_OPENAI_ENDPOINT")
    api_version: str | None = from_environment("OPENAI_API_VERSION")
    generation_kwargs: OpenAIParameters = OpenAIParameters()

    @property
    def url(self) -> str:
        return needed_url("AzureOpenAILLM", self.base_url, "AZURE_OPENAI_ENDPOINT")

    def connect(self) -> Wire:
        root = self.url.rstrip("/")
        version = self.api_version or _VERSION
        return Wire(
            f"{root}/openai/deployments/{self.model}?api-version={version}", {"api-key": self.key()}
        )
