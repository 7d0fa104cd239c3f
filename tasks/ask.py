"""`Ask`: one row's road to the model, and the way back: a reply that can be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Generic, Literal, TypeVar

from llms.chat import ChatMessage, ChatRequest, ChatType, Completion, Sample
from llms.errors import ConfigurationError, NotStored, RowRejected, UnfitAnswer
from llms.gateway import together
from llms.llm import LLM, own_sample
from llms.spending import Receipt, calls_of
from llms.structured import shortened
from tasks.choices import random_for
from tasks.outcome import StepContext
from tasks.row import copied, describe_error

T = TypeVar("T")

_CORRECTION = """\
Your reply cannot be used: {reason}.
Write the whole reply again, mended, in the form that was asked for, with nothing around it."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to the model: what was sent, what came back, and how it leaves the schema."""

    chat: ChatType
    completion: Completion
    unfit: UnfitAnswer | None = None


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What a reply was read as, or why it cannot be; and the exchanges it took, in order."""

    found: T | RowRejected
    exchanges: tuple[Exchange, ...]

    @property
    def value(self) -> T:
        """What the reply was read as.

        Raises:
            RowRejected: it cannot be read.
        """
        if isinstance(self.found, RowRejected):
            raise self.found
        return self.found


@dataclass(slots=True)
class Ask:
    """One row's road to the model: equal requests of a row get samples of their own.

    A reply that cannot be read is shown to the model with the reason and asked for again, up to
    `corrections` times.
    """

    llm: LLM
    step: str
    key: str
    context: StepContext
    corrections: int = 0
    receipts: list[Receipt] = field(default_factory=list)
    last_reply: str | None = None
    _seen: dict[str, int] = field(default_factory=dict)

    async def __call__(
        self,
        chat: ChatType,
        num_generations: int = 1,
        *,
        response_schema: Mapping[str, Any] | None = None,
    ) -> list[Exchange]:
        """Send a chat and return its answers as they are.

        Raises:
            LLMError: no answer came, or one that does not follow the schema.
        """
        request = self._request(chat, response_schema)
        samples = [self._next_sample(request) for _ in range(num_generations)]
        exchanges = await together([self._send(request, sample) for sample in samples])
        for exchange in exchanges:
            if exchange.unfit is not None:
                raise exchange.unfit
        return exchanges

    async def read(
        self,
        chat: ChatType,
        read: Callable[[str], T],
        *,
        response_schema: Mapping[str, Any] | None = None,
        open_turn: Literal["user"] | None = None,
    ) -> Reading[T]:
        """Send a chat and read its reply; with a schema the reply is given as JSON.

        `read` raises `RowRejected` for a reply that cannot be read; the reason names what is
        missing, for the model to act on. Any other exception is taken for that too. With
        `open_turn` the reply is the user's next turn: one that was cut at the token limit cannot be
        read, and what is asked for again is another sample of the same.

        Raises:
            LLMError: no answer came.
        """
        request = self._request(chat, response_schema, open_turn)
        sample = self._next_sample(request)
        exchange = await self._send(request, sample)
        exchanges, found = [exchange], _found(exchange, read, open_turn)
        for number in range(self.corrections):
            if exchange.unfit is not None or not isinstance(found, RowRejected):
                break
            # A sample of its own for each first reply, whichever of them comes first.
            owner = f"{sample.owner}~{sample.index}"
            again = chat if open_turn else _corrected(chat, exchange, found)
            corrected = self._request(again, response_schema, open_turn)
            exchange = await self._send(corrected, Sample(owner, number))
            exchanges.append(exchange)
            found = _found(exchange, read, open_turn)
        return Reading(found, tuple(exchanges))

    def random(self, *purpose: str | int) -> Random:
        """Return the source of this row's random choices; `purpose` tells choices apart."""
        return random_for(self._owner, *purpose)

    @property
    def _owner(self) -> str:
        return f"{self.key}/{self.context.branch}" if self.context.branch else self.key

    def _request(
        self,
        chat: ChatType,
        schema: Mapping[str, Any] | None,
        open_turn: Literal["user"] | None = None,
    ) -> ChatRequest:
        return ChatRequest(copied(chat), schema, open_turn=open_turn)

    def _next_sample(self, request: ChatRequest) -> Sample:
        return own_sample(self._owner, self._seen, request)

    async def _send(self, request: ChatRequest, sample: Sample) -> Exchange:
        chat = list(request.messages)
        observer, purse = self.context.observer, self.context.purse
        try:
            answer = await self.context.gateway.complete(self.llm, request, sample, purse)
        except UnfitAnswer as error:
            self.receipts.extend(error.receipts)
            self.last_reply = error.completion.text
            observer.called(self.step, calls_of(error.receipts))
            return Exchange(chat, error.completion, error)
        except NotStored as error:
            observer.unanswered(self.step, self.key, error)
            raise
        self.receipts.extend(answer.receipts)
        self.last_reply = answer.completion.text
        observer.called(self.step, answer.calls)
        observer.answered(self.step, self.key, chat, answer)
        return Exchange(chat, answer.completion)


def _found(exchange: Exchange, read: Callable[[str], T], turn: str | None) -> T | RowRejected:
    if exchange.unfit is not None:
        return RowRejected(str(exchange.unfit))
    if turn is not None and exchange.completion.finish_reason == "length":
        return RowRejected(f"the {turn}'s turn was cut at the token limit; raise max_new_tokens")
    try:
        return read(exchange.completion.written)
    except ConfigurationError:
        raise
    except RowRejected as error:
        return error
    except Exception as error:
        return RowRejected(f"the reply cannot be read: {describe_error(error)}")


def _corrected(chat: ChatType, exchange: Exchange, reason: RowRejected) -> ChatType:
    """Return the chat that asks again; a reply without text is no turn to show to the model."""
    reply = exchange.completion.text
    if not reply.strip():
        return chat
    said: ChatMessage = {"role": "assistant", "content": shortened(reply)}
    asked = _CORRECTION.format(reason=str(reason).rstrip("."))
    return [*chat, said, {"role": "user", "content": asked}]
