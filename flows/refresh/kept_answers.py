"""A gateway that gives the answers which a version keeps, and fails where the provider failed."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from llms.budget import Purse
from llms.chat import Answer, ChatRequest, Sample
from llms.embeddings.model import Embedding, EmbeddingModel
from llms.errors import NotStored, RequestRefused
from llms.gateway import Gateway
from llms.image_generation.model import Image, ImageGenerationModel
from llms.llm import LLM
from llms.spending import Calls, Receipt
from llms.store import CompletionStore

NOT_KEPT = "no answer to this request is kept with the version"

_KEY = re.compile("[0-9a-f]+")


class KeptAnswers(Gateway):
    """Refuses every request without an answer, as the provider may once have done.

    A version keeps the answers and not the failures, so that this one stands for all of them.
    Requests of the rows in `unanswered`, which a provider left without any answer, fail in a way
    that leaves them so. `missing` counts all these requests.
    """

    def __init__(self, store: CompletionStore, unanswered: Collection[str] = ()) -> None:
        super().__init__(store, offline=True)
        self.missing = 0
        self._unanswered = unanswered

    async def embed(
        self, model: EmbeddingModel, texts: Sequence[str], purse: Purse | None = None
    ) -> tuple[list[Embedding], Calls]:
        try:
            return await super().embed(model, texts, purse)
        except NotStored as error:
            raise RequestRefused(NOT_KEPT) from error

    async def draw(
        self,
        model: ImageGenerationModel,
        prompt: str,
        sample: Sample,
        purse: Purse | None = None,
    ) -> tuple[Image, Receipt]:
        try:
            return await super().draw(model, prompt, sample, purse)
        except NotStored as error:
            raise self._failure(sample, error) from error

    async def _answer(
        self, llm: LLM, request: ChatRequest, sample: Sample, purse: Purse | None
    ) -> Answer:
        try:
            return await super()._answer(llm, request, sample, purse)
        except NotStored as error:
            raise self._failure(sample, error) from error

    def _failure(self, sample: Sample, error: NotStored) -> NotStored | RequestRefused:
        self.missing += 1
        row = _KEY.match(sample.owner)
        if row is not None and row[0] in self._unanswered:
            return error
        return RequestRefused(NOT_KEPT)
