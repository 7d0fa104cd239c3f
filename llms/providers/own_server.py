"""What model servers of the user's own have in common: they name the model they serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from llms.errors import ModelNotFound
from llms.llm import Reply
from llms.providers.completions import CompletionsLLM
from llms.providers.posting import translated
from llms.providers.responses import shown
from llms.providers.wire import Wire


@dataclass(frozen=True, slots=True)
class Connection:
    """The wire to a server, and the model it serves."""

    wire: Wire
    model: str


class OwnServerLLM(CompletionsLLM):
    """A model on a server of the user's own, which need not ask for a key.

    An empty `model` is whatever model the server serves when it is first asked. Its answers are
    found again under the address alone: name the model where one address serves several in turn.
    """

    free: ClassVar = True
    key_optional: ClassVar = True

    model: str = ""

    def connect(self) -> Any:
        return Connection(super().connect(), self.model or self._served())

    async def close(self, client: Connection) -> None:
        await super().close(client.wire)

    async def post(
        self, client: Connection, body: dict[str, Any], path: str = "/chat/completions"
    ) -> Reply:
        return await super().post(client.wire, {**body, "model": client.model}, path)

    def _served(self) -> str:
        """Ask the server for its model.

        Raises:
            LLMError: it does not say.
        """
        import openai

        try:
            with openai.OpenAI(
                api_key=self.key(),
                base_url=self.url,
                max_retries=0,
                timeout=self.connect_timeout,
                default_headers=self.default_headers,
            ) as client:
                models = [model.id for model in client.models.list().data]
        except Exception as error:
            raise translated(self, openai, error) from shown(error, self)
        if not models:
            raise ModelNotFound(f"The server at {self.url} serves no model; name one with model=.")
        return models[0]
