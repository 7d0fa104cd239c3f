"""Models whose provider also takes requests as batch jobs."""

from __future__ import annotations

from pydantic import Field

from llms.config import Operational
from llms.providers.chat_completions import ChatCompletionsLLM


class BatchedLLM(ChatCompletionsLLM):
    """A model with a batch API beside the chat completions API.

    With `use_offline_batch_generation` the requests go to the batch API, at half the price and
    within a day; `offline_batch_generation_block_until_done` is the seconds between two looks at a
    job that is waited for, None ends the run while the job goes on: the next run fetches it.
    """

    use_offline_batch_generation: Operational[bool] = False
    offline_batch_generation_block_until_done: Operational[int | None] = Field(default=None, ge=1)
