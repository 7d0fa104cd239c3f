"""`EmbeddingGeneration`: texts to vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import polars as pl

from llms.embeddings.model import Embedding
from llms.embeddings.registry import EmbeddingsField
from llms.errors import LLMError, RequestRefused, RowRejected, TransientError
from llms.gateway import embedding_key, together
from llms.spending import Calls, Receipt
from tasks.chats import text_in
from tasks.frames import derive, rows_of
from tasks.outcome import Outcome, StepContext
from tasks.row import KEY, Rejection
from tasks.step import Step


@dataclass(slots=True)
class _Embedded:
    """What became of texts: their vectors, the errors of those without one, and the calls."""

    vectors: dict[str, Embedding] = field(default_factory=dict)
    errors: dict[str, LLMError] = field(default_factory=dict)
    calls: Calls = field(default_factory=Calls)

    def add(self, other: _Embedded) -> None:
        self.vectors |= other.vectors
        self.errors |= other.errors
        self.calls += other.calls


class EmbeddingGeneration(Step):
    """Turns texts into vectors.

    Columns: `text` (str) -> `embedding` (list of float32), `model_name` (str).

    Equal texts are sent once, and a text that was embedded before is not sent again. A row is
    rejected if its text is missing or empty, or if the model refuses it: the other texts of the
    same request are then sent without it.

    Example:
        >>> from tasks import EmbeddingGeneration
        >>> step = EmbeddingGeneration(embeddings="wordllama:l2-supercat-256")
        >>> (row,) = next(step.process([{"text": "Say hi."}]))
        >>> row["model_name"], len(row["embedding"])
        ('l2-supercat-256', 256)
    """

    version: ClassVar = 1
    inputs: ClassVar = {"text": pl.String}
    outputs: ClassVar = {"embedding": pl.List(pl.Float32), "model_name": pl.String}

    embeddings: EmbeddingsField

    def load(self) -> None:
        self.embeddings.check()

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        texts: dict[int, str] = {}
        rejections: dict[int, Rejection] = {}
        keys, rows = frame[KEY].to_list(), rows_of(frame.select("text"))

        def reject(index: int, reason: str, *, unanswered: bool = False) -> None:
            (row,) = rows_of(frame[index])
            rejections[index] = Rejection(
                keys[index], keys[index], self.name, reason, row, unanswered=unanswered
            )

        for index, row in enumerate(rows):
            try:
                texts[index] = text_in(row, "text")
            except RowRejected as unfit:
                reject(index, str(unfit))
        different = list(dict.fromkeys(texts.values()))
        embedded = context.gateway.run(self._embedded(different, context))
        _raise_unless_worth_keeping(embedded, context.final_attempt)
        for index, text in texts.items():
            if text in embedded.errors:
                error = embedded.errors[text]
                reject(index, str(error), unanswered=isinstance(error, TransientError))
        kept = [index for index in texts if index not in rejections]
        context.observer.finished(self.name, len(kept), len(rejections))
        made = derive(frame, kept, [keys[index] for index in kept], None).with_columns(
            _column([embedded.vectors[texts[index]] for index in kept]),
            pl.lit(self.embeddings.model_name).alias("model_name"),
        )
        ordered = tuple(rejections[index] for index in sorted(rejections))
        receipts = {
            keys[index]: (self._receipt(texts[index], embedded.vectors[texts[index]]),)
            for index in kept
        }
        return Outcome(made, ordered, _all_calls(embedded), receipts)

    def _receipt(self, text: str, embedding: Embedding) -> Receipt:
        key, tokens = embedding_key(self.embeddings, text), embedding.input_tokens
        return Receipt(key, embedding.model, None, tokens, 0, embedding.cost_usd, requests=0)

    async def _embedded(self, texts: Sequence[str], context: StepContext) -> _Embedded:
        """Embed texts, each request by itself, so that one that fails takes no other with it."""
        size = self.embeddings.texts_per_request
        parts = [texts[start : start + size] for start in range(0, len(texts), size)]
        whole = _Embedded()
        for part in await together([self._request(part, context) for part in parts]):
            whole.add(part)
        return whole

    async def _request(self, texts: Sequence[str], context: StepContext) -> _Embedded:
        try:
            found, calls = await context.gateway.embed(self.embeddings, texts, context.purse)
        except RequestRefused as error:
            if len(texts) == 1:
                return _Embedded(errors={texts[0]: error})
            middle, whole = len(texts) // 2, _Embedded()
            for half in (texts[:middle], texts[middle:]):
                whole.add(await self._request(half, context))
            return whole
        except TransientError as error:
            return _Embedded(errors=dict.fromkeys(texts, error))
        context.observer.called(self.name, calls)
        return _Embedded(dict(zip(texts, found, strict=True)), calls=calls)


def _raise_unless_worth_keeping(embedded: _Embedded, final_attempt: bool) -> None:
    """Raise the provider's failure where another attempt may mend it, or nothing was answered."""
    failures = [e for e in embedded.errors.values() if isinstance(e, TransientError)]
    if failures and not (final_attempt and embedded.vectors):
        raise failures[0]


def _column(embeddings: Sequence[Embedding]) -> pl.Series:
    import numpy as np

    if not embeddings:
        return pl.Series("embedding", [], dtype=pl.List(pl.Float32))
    vectors = np.stack([embedding.vector for embedding in embeddings])
    return pl.Series("embedding", vectors).arr.to_list()


def _all_calls(embedded: _Embedded) -> Calls:
    """Return the calls made, with tokens and cost of stored vectors as well."""
    found = embedded.vectors.values()
    cost = sum(embedding.cost_usd or 0.0 for embedding in found)
    return replace(
        embedded.calls,
        input_tokens=sum(embedding.input_tokens for embedding in found),
        cost_usd=cost,
        saved_usd=max(0.0, cost - embedded.calls.cost_usd),
    )
