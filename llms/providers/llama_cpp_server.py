"""A llama.cpp server."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from llms.chat import ChatRequest
from llms.errors import MalformedReply
from llms.providers.chat_completions import ChatCompletionsParameters, from_environment
from llms.providers.own_server import Connection, OwnServerLLM
from llms.providers.user_turns import OpenPrompt, left_open, with_open_turn

_TEMPLATE = "/../apply-template"


class LlamaCppServerParameters(ChatCompletionsParameters):
    """Sampling parameters of a llama.cpp server."""

    top_k: int | None = Field(default=None, ge=0)
    min_p: float | None = Field(default=None, ge=0, le=1)
    repeat_penalty: float | None = Field(default=None, gt=0)


class LlamaCppServerLLM(OwnServerLLM):
    """A model on a llama.cpp server (`llama-server`), which enforces response schemas by grammar.

    `base_url` defaults to `LLAMA_CPP_BASE_URL`, then to the server's usual port on this machine.
    The key, where the server asks for one, is `LLAMA_API_KEY`. An empty `model` asks the server.
    User's turns are written by the model's own chat template.
    """

    provider: ClassVar = "llama-cpp-server"
    key_variables: ClassVar = ("LLAMA_API_KEY",)
    own_template: ClassVar = True

    base_url: str | None = from_environment("LLAMA_CPP_BASE_URL")
    generation_kwargs: LlamaCppServerParameters = LlamaCppServerParameters()

    @property
    def url(self) -> str:
        return self.base_url or "http://127.0.0.1:8080/v1"

    async def by_own_template(self, client: Connection, request: ChatRequest) -> OpenPrompt:
        turns = with_open_turn(request.messages)
        body = {"messages": turns, "add_generation_prompt": False}
        reply = (await self.post_json(client.wire, _TEMPLATE, body)).reply
        if not isinstance(reply, dict) or not isinstance(reply.get("prompt"), str):
            raise MalformedReply(f"{self.url} sent no prompt for a conversation.")
        return left_open(reply["prompt"])
