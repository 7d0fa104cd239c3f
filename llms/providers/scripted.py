"""A model whose answers are written down: for tests and dry runs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from llms.chat import ChatRequest, Completion, Usage, text_content
from llms.config import Operational
from llms.llm import LLM, Reply
from llms.model import Supports


class ScriptedLLM(LLM):
    """Answers from a script, with no model.

    The first pattern of `rules` (regular expression to reply) found in the last message answers;
    else one of `replies`, the same one for the same sample. In a reply, `{prompt}` stands for the
    last message, which is empty where there is none. Each answer takes `delay` seconds. It enforces
    no schema: the gateway asks for one in words. A test that needs more overrides `reply`.
    """

    provider: ClassVar = "scripted"
    free: ClassVar = True
    supports: ClassVar = Supports(images=True, seed=True, user_turns=True)

    model: str = "scripted"
    rules: Mapping[str, str] = Field(default_factory=dict)
    replies: tuple[str, ...] = Field(default=("A reply to: {prompt}",), min_length=1)
    delay: Operational[float] = Field(default=0.0, ge=0)

    def connect(self) -> Any:
        return None

    async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
        if self.delay:
            await asyncio.sleep(self.delay)
        text = self.reply(request, seed)
        words = sum(len(text_content(message).split()) for message in request.messages)
        completion = Completion(text, Usage(words, len(text.split())), "stop", self.model)
        return Reply(completion)

    def reply(self, request: ChatRequest, seed: int) -> str:
        """Return the answer to a request; `seed` differs from sample to sample."""
        prompt = text_content(request.messages[-1]) if request.messages else ""
        for pattern, reply in self.rules.items():
            if re.search(pattern, prompt):
                return reply.replace("{prompt}", prompt)
        return self.replies[seed % len(self.replies)].replace("{prompt}", prompt)
