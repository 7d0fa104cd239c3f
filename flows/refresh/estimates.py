"""What calls of a step will cost: by the books of the last version, else by what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from flows.refresh.plan import NOTHING, Range, exactly
from flows.runtime.changes import Parts, parts_of
from flows.runtime.offline import OfflineStep
from flows.versions.saved import SavedVersion
from llms.chat import ChatRequest, Usage
from llms.embeddings.model import EmbeddingModel
from llms.image_generation.model import ImageGenerationModel
from llms.llm import LLM, CompositeLLM
from llms.model import Model
from llms.prices import BATCH_SHARE, rates_of
from tasks.graph import Graph
from tasks.outcome import Accounts
from tasks.step import Step
from tasks.task import Task

_CHARACTERS_PER_TOKEN = 4
_UNKNOWN_INPUT = 300
_UNKNOWN_OUTPUT = 300

BY_BOOKS = (
    "Calls, tokens and money of a row are those of the last version on average; the range allows "
    "a fifth less and a quarter more to read, half as much and the longest answer to write, and "
    "for each unreadable reply as many corrections as the step asks for."
)
BY_PROMPT = (
    "Where a step is new or changed, a token is four characters of its prompt (two to eight) and "
    "an answer half of max_new_tokens (one token to all of them); 300 tokens (to 1,200) if it has "
    "no such limit."
)
BY_NOTHING = (
    "Where the prompt depends on answers that are still to come it is taken for 300 tokens (30 to "
    "3,000)."
)
ROUNDS = "Steps that ask in rounds make at least one call a row; how many more is not known before."
ALL_PASS = (
    "Where no last version tells how many rows a step lets through, all are taken to come out of "
    "it, once for each of their generations."
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Calls, tokens and US dollars; `usd` is None where the price is not known."""

    calls: Range = NOTHING
    input_tokens: Range = NOTHING
    output_tokens: Range = NOTHING
    usd: Range | None = NOTHING


@dataclass(frozen=True, slots=True)
class _Generations:
    """How many generations a step asks for about a row, and how many rows they become."""

    asked: float = 1.0
    rows: float = 1.0


class Estimator:
    """Estimates what rows without an answer cost; `assumptions` are those it made."""

    def __init__(self, graph: Graph, before: SavedVersion | None) -> None:
        self._graph = graph
        self._parts = parts_of(graph)
        self._books = before.accounts if before else {}
        self._records = before.manifest.steps if before else {}
        self._assumptions: dict[str, None] = {}
        self._takes_all_to_pass = False

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the estimates rest on, as sentences."""
        return tuple(self._assumptions)

    def cost(self, name: str, found: OfflineStep, asked: int, expected: Range) -> Cost:
        """Return what it costs to ask about rows of a step: so many that have no stored answer,
        and those that are expected beside them.
        """
        model = model_of(self._graph.steps[name])
        if model is None or not (asked or expected.high):
            return Cost()
        if expected.high and self._takes_all_to_pass:
            self._assumptions[ALL_PASS] = None
        if isinstance(model, EmbeddingModel):
            return self._vectors(name, model, found, exactly(asked) + expected)
        calls = self._calls(name, model, found, asked, expected)
        reads = self._reads(name, found)
        writes = self._writes(name, model)
        dollars = _dollars(model, reads, writes)
        return Cost(calls, calls * reads, calls * writes, dollars and calls * dollars)

    def does_the_same(self, name: str) -> bool:
        """Tell whether a step does what it did in the last version."""
        return name in self._records and self._records[name].parts == self._parts[name]

    def rows_out(self, name: str) -> float:
        """Return how many rows come out of a step for each that goes in."""
        now, then = self._generations(name)
        books = self._books.get(name, Accounts())
        if books.rows_in:
            return books.rows_out / books.rows_in * now.rows / then.rows
        self._takes_all_to_pass = True
        return now.rows

    def _calls(
        self, name: str, model: Model, found: OfflineStep, asked: int, expected: Range
    ) -> Range:
        step, books = self._graph.steps[name], self._books.get(name, Accounts())
        now, then = self._generations(name)
        in_rounds = _asks_in_rounds(step, model)
        likely = now.asked
        if books.requests:
            self._assumptions[BY_BOOKS] = None
            likely = max(likely, books.requests / books.rows_in * now.asked / then.asked)
        elif in_rounds:
            self._assumptions[ROUNDS] = None
            likely *= len(model.members) if isinstance(model, CompositeLLM) else 1
        most = max(likely, _replies(step) * (likely if in_rounds else now.asked))
        missing = float(found.questions or asked * now.asked)
        if in_rounds:
            known = Range(missing, max(missing, asked * likely), max(missing, asked * most))
        else:
            known = Range(1.0, likely / now.asked, most / now.asked) * exactly(missing)
        return known + expected * Range(now.asked, likely, most)

    def _reads(self, name: str, found: OfflineStep) -> Range:
        """Return the tokens that a call reads."""
        books = self._books.get(name, Accounts())
        if not books.requests and not found.questions:
            self._assumptions[BY_NOTHING] = None
            return _unknown_input()
        by_books = _read_before(books.input_tokens / books.requests) if books.requests else None
        if by_books and not found.questions:
            return by_books
        each = found.characters / found.questions / _CHARACTERS_PER_TOKEN
        by_prompt = Range(each / 2, each, 2 * each)
        if not by_books or not self.does_the_same(name):
            self._assumptions[BY_PROMPT] = None
            return by_prompt
        low, high = min(by_books.low, by_prompt.low), max(by_books.high, by_prompt.high)
        return Range(low, by_books.expected, high)

    def _writes(self, name: str, model: Model) -> Range:
        """Return the tokens that a call writes."""
        books = self._books.get(name, Accounts())
        limit = model.generation_kwargs.max_new_tokens if isinstance(model, LLM) else None
        if books.requests:
            likely = books.output_tokens / books.requests
            return Range(likely / 2, likely, max(likely, float(limit or 2 * likely)))
        if not isinstance(model, LLM):
            return NOTHING
        likely = limit / 2 if limit else float(_UNKNOWN_OUTPUT)
        return Range(1.0, likely, float(limit or 4 * likely))

    def _vectors(self, name: str, model: EmbeddingModel, found: OfflineStep, rows: Range) -> Cost:
        """Return what vectors cost: a call takes many texts, all of one partition."""
        books, texts = self._books.get(name, Accounts()), model.texts_per_request
        least, likely, most = (ceil(n / texts) for n in (rows.low, rows.expected, rows.high))
        calls = Range(least, likely, max(likely, min(rows.high, most + len(found.made))))
        self._assumptions[BY_BOOKS if books.rows_in else BY_NOTHING] = None
        each = _read_before(books.input_tokens / books.rows_in) if books.rows_in else None
        tokens = rows * (each or _unknown_input())
        return Cost(calls, tokens, NOTHING, _dollars(model, tokens, NOTHING))

    def _generations(self, name: str) -> tuple[_Generations, _Generations]:
        """Return the generations that a step asks for now, and in the last version."""
        now = _generations_in(self._parts[name])
        then = self._records.get(name)
        return now, _generations_in(then.parts) if then else now


def model_of(step: Step) -> Model | None:
    """Return the model that a step calls, None if it calls none."""
    for name in ("llm", "embeddings", "image_generation_model"):
        if isinstance(model := getattr(step, name, None), Model):
            return model
    return None


def _generations_in(parts: Parts) -> _Generations:
    asked = float(parts.get("its parameter num_generations", 1))
    grouped = parts.get("its parameter group_generations") == "true"
    return _Generations(asked, 1.0 if grouped else asked)


def _asks_in_rounds(step: Step, model: Model) -> bool:
    own = isinstance(step, Task) and type(step).answer is not Task.answer
    return own or isinstance(model, CompositeLLM)


def _replies(step: Step) -> int:
    """Return how many replies are asked for at most until one can be read."""
    if not isinstance(step, Task):
        return 1
    return (1 + step.corrections) * (1 + (ChatRequest([]).corrections if step.structured else 0))


def _read_before(tokens: float) -> Range:
    return Range(0.8 * tokens, tokens, 1.25 * tokens)


def _unknown_input() -> Range:
    return Range(_UNKNOWN_INPUT / 10, _UNKNOWN_INPUT, 10 * _UNKNOWN_INPUT)


def _dollars(model: Model, reads: Range, writes: Range) -> Range | None:
    """Return the price of a call that reads and writes so many tokens."""
    low = _price(model, reads.low, writes.low)
    expected = _price(model, reads.expected, writes.expected)
    high = _price(model, reads.high, writes.high)
    return None if low is None or expected is None or high is None else Range(low, expected, high)


def _price(model: Model, read: float, written: float) -> float | None:
    """Return the price of a call; of a model made of several, that of the dearest of them."""
    usage = Usage(round(read), round(written))
    if isinstance(model, ImageGenerationModel):
        return model.cost_of(usage)
    members = model.members if isinstance(model, CompositeLLM) else [model]
    share = BATCH_SHARE if getattr(model, "use_offline_batch_generation", False) else 1.0
    rates = [rates_of(member) for member in members]
    prices = [its.cost(usage) for its in rates if its is not None]
    return max(prices) * share if len(prices) == len(rates) else None
