"""The completions API, which takes a prompt as it is, beside the chat completions API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from llms.chat import ChatRequest, Completion
from llms.llm import Reply
from llms.providers.chat_completions import ChatCompletionsLLM
from llms.providers.user_turns import OpenPrompt, UserTurns

_USUAL_LIMIT = 512
"""Tokens of a turn where the user names no limit; the API's own is 16."""


class CompletionsLLM(UserTurns, ChatCompletionsLLM):
    """A model behind both APIs: by the completions API it writes user's turns."""

    supports: ClassVar = replace(ChatCompletionsLLM.supports, user_turns=True)

    async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
        if request.open_turn is None:
            return await super().send(client, request, seed)
        prompt = self.written(request.messages) or await self.by_own_template(client, request)
        return await self.post(client, self._prompt_body(prompt, seed), "/completions")

    async def by_own_template(self, client: Any, request: ChatRequest) -> OpenPrompt:
        """Return the prompt by the model's own chat template, where the server can be asked.

        Raises:
            LLMError: it was not told.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot ask for a chat template")

    def read_reply(self, reply: Any) -> Completion:
        return super().read_reply(_as_chat_completion(reply))

    def _prompt_body(self, prompt: OpenPrompt, seed: int) -> dict[str, Any]:
        body = self.batch_body(ChatRequest(()), seed)
        for name in ("messages", "logprobs", "top_logprobs"):
            body.pop(name, None)
        body.setdefault(self.limit_parameter, _USUAL_LIMIT)
        if stops := prompt.stops(body.get("stop")):
            body["stop"] = stops
        return {**body, "prompt": prompt.text}


def _as_chat_completion(reply: Any) -> Any:
    """Return a completion as the chat completions API would word it, anything else as it is."""
    match reply:
        case {"choices": [{"text": text, **choice}, *_], **rest}:
            message = {"role": "user", "content": text}
            return {**rest, "choices": [{**choice, "message": message, "logprobs": None}]}
    return reply
