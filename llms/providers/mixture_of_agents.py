"""Several models that answer together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from llms.chat import ChatMessage, ChatRequest, Completion
from llms.errors import RequestRefused
from llms.llm import LLM, CompositeLLM, Send
from llms.model import Supports
from llms.registry import LLMField

_PROPOSALS = """\
Other assistants have already answered the user's latest message; their answers follow. Weigh them
against each other: some may be wrong, biased or incomplete. Do not repeat one of them and do not
speak of them. Write the one answer that you would stand by: correct, complete, well ordered and in
the form that the user asks for.

{proposals}"""


class MixtureOfAgentsLLM(CompositeLLM):
    """Models that answer in rounds, each seeing the answers of the round before (arXiv 2406.04692).

    In each of the `rounds` every one of `proposers_llms` answers; from the second on it sees what
    all of them said before. `aggregator_llm` then writes the answer, with the last round before it.
    A response schema and tools are for the aggregator alone. A proposer that refuses a request is
    left out, as long as another one answers.
    """

    provider: ClassVar = "mixture-of-agents"
    supports: ClassVar = Supports(structured_output=True, tools=True, images=True, seed=True)

    model: str = "mixture-of-agents"
    aggregator_llm: LLMField
    proposers_llms: tuple[LLMField, ...] = Field(min_length=1)
    rounds: int = Field(default=1, ge=1)

    @property
    def members(self) -> tuple[LLM, ...]:
        return (self.aggregator_llm, *self.proposers_llms)

    async def compose(self, send: Send, request: ChatRequest) -> Completion:
        proposals: list[str] = []
        for _ in range(self.rounds):
            proposals = await self._round(send, ChatRequest(_informed(request, proposals)))
        final = ChatRequest(
            _informed(request, proposals),
            request.response_schema,
            request.tools,
            request.tool_choice,
            request.corrections,
        )
        return await send(self.aggregator_llm, final)

    async def _round(self, send: Send, request: ChatRequest) -> list[str]:
        """Return what the proposers say, in their order.

        Raises:
            RequestRefused: all of them refuse the request.
        """

        async def propose(llm: LLM) -> Completion | RequestRefused:
            try:
                return await send(llm, request)
            except RequestRefused as refusal:
                return refusal

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(propose(llm)) for llm in self.proposers_llms]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        answers = [task.result() for task in tasks]
        texts = [answer.text for answer in answers if isinstance(answer, Completion)]
        if not texts:
            raise next(answer for answer in answers if isinstance(answer, RequestRefused))
        return texts


def _informed(request: ChatRequest, proposals: Sequence[str]) -> list[ChatMessage]:
    """Return a new conversation, with the proposals in its system turn."""
    messages = list(request.messages)
    if not proposals:
        return messages
    numbered = "\n\n".join(f"[{number}]\n{text}" for number, text in enumerate(proposals, 1))
    instruction = _PROPOSALS.replace("{proposals}", numbered)
    if messages and messages[0]["role"] == "system":
        given = messages[0]["content"]
        if isinstance(given, str):
            messages[0] = {"role": "system", "content": f"{given}\n\n{instruction}"}
            return messages
    return [{"role": "system", "content": instruction}, *messages]
