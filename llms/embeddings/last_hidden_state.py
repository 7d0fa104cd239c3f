"""What a language model in this process thinks of a conversation, as a vector."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from llms.chat import ChatType, Usage
from llms.config import Operational
from llms.digest import canonical_json
from llms.embeddings.model import EmbeddingModel, EmbeddingReply
from llms.errors import BadRequest, ContextLengthExceeded, ServerFailed
from llms.providers.transformers import TransformersLLM
from llms.weights import first_line


class LastHiddenState(EmbeddingModel):
    """The last layer's state at the last token of a conversation.

    Its texts are conversations as `as_text` writes them. It shares weights and turn with the
    language model, where that is at work too. Each conversation is read by itself.
    """

    provider: ClassVar = "transformers"
    free: ClassVar = True

    model: str = ""
    llm: TransformersLLM
    texts_per_request: Operational[int] = Field(default=1, ge=1, le=1)
    max_concurrent_requests: Operational[int | None] = Field(default=1, ge=1, le=1)

    @property
    def model_name(self) -> str:
        return self.llm.model_name

    @cached_property
    def content(self) -> dict[str, Any]:
        weights = {k: v for k, v in self.llm.content.items() if k != "generation_kwargs"}
        return {"provider": self.provider, "last hidden state": weights}

    @cached_property
    def account(self) -> str:
        return self.llm.account

    def check(self) -> None:
        self.llm.check()

    def connect(self) -> Any:
        return self.llm.connect()

    async def close(self, client: Any) -> None:
        await self.llm.close(client)

    async def send(self, client: Any, texts: Sequence[str]) -> EmbeddingReply:
        chats = [json.loads(text) for text in texts]
        loop = asyncio.get_running_loop()
        try:
            states = [await loop.run_in_executor(client.thread, _state, client, c) for c in chats]
        except (RuntimeError, MemoryError) as error:
            raise ServerFailed(
                f"transformers failed with {self.llm.model!r} ({first_line(error)}); name another "
                f"device=."
            ) from error
        except (TypeError, ValueError, LookupError) as error:
            raise BadRequest(
                f"transformers cannot read this with {self.llm.model!r}: {first_line(error)}."
            ) from error
        tokens = sum(count for _, count in states)
        return EmbeddingReply(
            np.stack([state for state, _ in states]), Usage(tokens, 0), client.name
        )


def as_text(chat: ChatType) -> str:
    """Return a conversation as the text that `LastHiddenState` takes."""
    return canonical_json(chat)


def _state(client: Any, chat: ChatType) -> tuple[Any, int]:
    """Return the state after a conversation, and the tokens it has."""
    import torch
    from jinja2 import TemplateError

    try:
        text = client.tokenizer.apply_chat_template(
            chat, tokenize=False, add_generation_prompt=chat[-1]["role"] == "user"
        )
    except TemplateError as error:
        raise BadRequest(
            f"The chat template takes no such conversation ({first_line(error)})."
        ) from error
    written = text.encode(errors="replace").decode()
    tokens = client.tokenizer(written, add_special_tokens=False, return_tensors="pt")
    count = int(tokens["input_ids"].shape[-1])
    read = getattr(client.model.config.get_text_config(), "max_position_embeddings", None)
    if read is not None and count > read:
        raise ContextLengthExceeded(f"The text has {count} tokens, and the model reads {read}.")
    with torch.inference_mode():
        ids, mask = (
            tokens[name].to(client.model.device) for name in ("input_ids", "attention_mask")
        )
        last = client.model.base_model(input_ids=ids, attention_mask=mask).last_hidden_state[0, -1]
    return last.float().cpu().numpy(), count
