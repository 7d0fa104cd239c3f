"""What a plan says that calls will cost holds what they then cost, and it says what it rests on."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest

from flows import Pipeline
from flows.refresh.estimates import ALL_PASS, BY_BOOKS, BY_NOTHING, BY_PROMPT, ROUNDS
from flows.refresh.plan import Plan, Range
from flows.versions.saved import SavedVersion
from llms import ChatRequest, MixtureOfAgentsLLM, OpenAILLM
from llms.embeddings.openai import OpenAIEmbeddings
from llms.image_generation.scripted import ScriptedImageGeneration
from llms.llm import GenerationParameters
from llms.model import Price
from tasks import (
    EmbeddingGeneration,
    EvolInstruct,
    ImageGeneration,
    Row,
    Step,
    StructuredGeneration,
)
from tests.flows.refresh.plans import (
    Bill,
    Even,
    Picky,
    asking,
    billed,
    chain,
    facts,
    plan_of,
    step_of,
    version_of,
)
from tests.loopback import LoopbackProvider
from tests.tasks.conftest import RecordingLLM

PRICE = Price(input=2.0, output=6.0)
_WORDS = ("the", "old", "road", "led", "over", "small", "hills", "to", "a", "sea", "of", "wind")


def priced(**parameters: Any) -> RecordingLLM:
    """Return a model with a price, whose answers have a length like its prompts."""
    limit = GenerationParameters(max_new_tokens=400)
    return RecordingLLM(price=PRICE, generation_kwargs=limit, **parameters)


def stories(count: int, seed: int = 0) -> list[Row]:
    """Return source rows whose texts have 20 to 60 words."""
    random = Random(seed)
    texts = [" ".join(random.choices(_WORDS, k=random.randint(20, 60))) for _ in range(count)]
    return [{"id": number, "passage": f"{number} {text}"} for number, text in enumerate(texts)]


def priced_facts(rows: list[Row], **changes: Any) -> Pipeline:
    """Return a pipeline of five steps whose model has a price."""
    steps = ("question", "careful", "free", "two", "last")
    own = {name: {"llm": priced(), **changes.get(name, {})} for name in steps}
    return facts(rows, ("id",), **own)


def assert_holds(plan: Plan, bill: Bill) -> None:
    """Check that what a run cost is in the ranges of its plan, step by step and in all."""
    for step in plan.steps:
        assert step.calls.low <= bill.calls[step.step] <= step.calls.high, step
    assert _is_in(bill.tokens, plan.tokens)
    assert plan.usd is not None
    assert _is_in(bill.usd, plan.usd)


def _is_in(really: float, amount: Range) -> bool:
    small = 1e-9
    ordered = amount.low <= amount.expected + small and amount.expected <= amount.high + small
    return ordered and amount.low - small <= really <= amount.high + small


def test_the_first_version(tmp_path: Path) -> None:
    plan = plan_of(priced_facts(stories(20)), None)
    assert plan.before is None
    assert {step.why for step in plan.steps} == {("there is no version yet",)}
    assert plan.assumptions == (BY_PROMPT, ALL_PASS, BY_NOTHING)
    bill = billed(priced_facts(stories(20)))
    assert plan.calls.expected == bill.calls.total() == 140
    assert bill.usd > 0
    assert_holds(plan, bill)


@pytest.fixture
def before(tmp_path: Path) -> SavedVersion:
    """A version of twenty rows, whose model has a price."""
    return version_of(tmp_path / "version", priced_facts(stories(20)))


def test_a_later_version(before: SavedVersion) -> None:
    then = priced_facts([*stories(20), *[{**row, "id": row["id"] + 50} for row in stories(9, 1)]])
    plan = plan_of(then, before)
    assert plan.assumptions == (BY_BOOKS,)
    assert_holds(plan, billed(then))


def test_a_later_version_costs_what_a_row_of_the_last_one_did(before: SavedVersion) -> None:
    plan = plan_of(priced_facts([*stories(20), *stories(21)[20:]]), before)
    assert plan.usd is not None
    assert plan.usd.expected == pytest.approx(before.books.cost_usd / 20, rel=0.01)


def test_a_prompt_that_became_much_longer_is_counted_by_its_characters(
    before: SavedVersion,
) -> None:
    longer = {"template": f"{' '.join(_WORDS * 40)}: {{{{ instruction }}}}"}
    then = priced_facts(stories(20), careful=longer)
    plan = plan_of(then, before)
    assert BY_PROMPT in plan.assumptions
    careful = step_of(plan, "careful")
    assert careful.input_tokens.expected > 20 * before.accounts["careful"].input_tokens / 20
    assert_holds(plan, billed(then))


def test_replies_that_cannot_be_read_are_asked_for_again(tmp_path: Path) -> None:
    def pipeline(rows: list[Row]) -> Pipeline:
        return chain(
            rows, Picky(name="ask", llm=priced(), columns="passage", template="{{ passage }}")
        )

    def some_forbidden(count: int, seed: int) -> list[Row]:
        rows = stories(count, seed)
        return [
            {**row, "passage": f"forbidden {row['passage']}"} if row["id"] % 4 == 0 else row
            for row in rows
        ]

    before = version_of(tmp_path / "version", pipeline(some_forbidden(20, 0)))
    each = before.accounts["ask"].requests / 20
    assert each == 1.25
    then = pipeline(some_forbidden(40, 0))
    plan = plan_of(then, before)
    calls = step_of(plan, "ask").calls
    assert (calls.low, calls.expected, calls.high) == (20, 25, 40)
    bill = billed(then)
    assert bill.calls["ask"] == 25
    assert_holds(plan, bill)


class Slow(RecordingLLM):
    """Gives JSON only when asked again."""

    def reply(self, request: ChatRequest, seed: int) -> str:
        super().reply(request, seed)
        return '{"name": "Ada"}' if len(request.messages) > 2 else "My name is Ada."


def test_structured_answers_that_do_not_fit_are_asked_for_again(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}

    def pipeline(count: int) -> Pipeline:
        form = {"format": "json", "schema": schema}
        rows = [
            {"id": row["id"], "instruction": row["passage"], "structured_output": form}
            for row in stories(count)
        ]
        return chain(rows, StructuredGeneration(name="ask", llm=Slow(price=PRICE)))

    first = plan_of(pipeline(5), None)
    before = version_of(tmp_path / "version", pipeline(5))
    assert before.accounts["ask"].requests == 10
    assert step_of(first, "ask").calls.low <= 10 <= step_of(first, "ask").calls.high
    plan = plan_of(pipeline(8), before)
    assert step_of(plan, "ask").calls.expected == 6
    assert_holds(plan, billed(pipeline(8)))
    assert plan_of(pipeline(8), before).calls.high == 0


@pytest.mark.parametrize("seed", range(6))
def test_chance_decides_how_many_rows_pass_a_filter(tmp_path: Path, seed: int) -> None:
    random = Random(seed)

    def pipeline(rows: list[Row]) -> Pipeline:
        steps: list[Step] = [
            asking("ask", "passage", "said", llm=priced()),
            Even(name="even"),
            asking("more", "said", "more", llm=priced(), num_generations=2),
            asking("most", "more", "most", llm=priced()),
        ]
        return chain(rows, *steps)

    rows = [{**row, "id": random.randrange(10**6)} for row in stories(60, seed)]
    cut = random.randint(30, 58)
    before = version_of(tmp_path / "version", pipeline(rows[:cut]))
    plan = plan_of(pipeline(rows), before)
    assert_holds(plan, billed(pipeline(rows)))


def test_a_model_without_a_known_price(tmp_path: Path, provider: LoopbackProvider) -> None:
    def pipeline(count: int) -> Pipeline:
        llm = OpenAILLM(model="loopback", base_url=provider.url)
        return chain(stories(count), asking("ask", "passage", "said", llm=llm))

    assert plan_of(pipeline(4), None).usd is None
    before = version_of(tmp_path / "version", pipeline(4))
    plan = plan_of(pipeline(6), before)
    assert plan.calls.expected == 2
    assert step_of(plan, "ask").usd is plan.usd is None
    assert plan.as_json()["usd"] is None
    nothing = plan_of(pipeline(4), before).usd
    assert nothing is not None
    assert nothing.high == 0


def test_calls_in_batch_jobs_cost_half(provider: LoopbackProvider) -> None:
    def plan(*, batches: bool) -> Plan:
        llm = OpenAILLM(
            model="loopback",
            base_url=provider.url,
            price=PRICE,
            use_offline_batch_generation=batches,
        )
        return plan_of(chain(stories(4), asking("ask", "passage", "said", llm=llm)), None)

    whole, half = plan(batches=False).usd, plan(batches=True).usd
    assert whole is not None
    assert half is not None
    assert half.expected == whole.expected / 2


def test_a_model_made_of_several_is_called_once_for_each(tmp_path: Path) -> None:
    def pipeline(count: int) -> Pipeline:
        mixture = MixtureOfAgentsLLM(
            aggregator_llm=priced(), proposers_llms=(priced(model="a"), priced(model="b"))
        )
        return chain(stories(count), asking("ask", "passage", "said", llm=mixture))

    first = plan_of(pipeline(5), None)
    assert ROUNDS in first.assumptions
    assert step_of(first, "ask").calls.expected == 15
    before = version_of(tmp_path / "version", pipeline(5))
    assert before.accounts["ask"].requests == 15
    assert step_of(first, "ask").calls.high >= 15
    plan = plan_of(pipeline(7), before)
    assert step_of(plan, "ask").calls.expected == 6
    assert_holds(plan, billed(pipeline(7)))


def test_a_step_that_asks_in_rounds(tmp_path: Path) -> None:
    evolved = EvolInstruct(
        name="evolve", llm=priced(), num_evolutions=2, input_mappings={"instruction": "passage"}
    )
    before = version_of(tmp_path / "version", chain(stories(8), evolved))
    then = chain(stories(14), evolved)
    plan = plan_of(then, before)
    assert_holds(plan, billed(then))


def test_vectors_are_asked_for_many_in_a_call(tmp_path: Path, provider: LoopbackProvider) -> None:
    def pipeline(count: int) -> Pipeline:
        model = OpenAIEmbeddings(
            model="e", base_url=provider.url, price=Price(input=1.0), texts_per_request=8
        )
        embed = EmbeddingGeneration(
            name="embed", embeddings=model, input_mappings={"text": "passage"}
        )
        return chain(stories(count), embed)

    first = plan_of(pipeline(16), None)
    assert step_of(first, "embed").calls.expected == 2
    before = version_of(tmp_path / "version", pipeline(16))
    assert provider.stats().requests == 2
    assert_holds(first, _booked(before))
    assert plan_of(pipeline(16), before).changes_nothing
    plan = plan_of(pipeline(19), before)
    assert step_of(plan, "embed").calls.expected == 1
    assert_holds(plan, billed(pipeline(19)))
    assert provider.stats().requests == 3


def _booked(version: SavedVersion) -> Bill:
    bill = Bill(tokens=version.books.input_tokens, usd=version.books.cost_usd)
    bill.calls.update({name: books.requests for name, books in version.accounts.items()})
    return bill


class PaidImages(ScriptedImageGeneration):
    """Images that cost something."""

    provider: ClassVar = "paid-images"
    free: ClassVar = False


def test_images_cost_their_price_each(tmp_path: Path) -> None:
    def pipeline(count: int) -> Pipeline:
        draw = ImageGeneration(
            name="draw",
            image_generation_model=PaidImages(price_per_image=0.04),
            num_generations=2,
            input_mappings={"prompt": "passage"},
        )
        return chain(stories(count), draw)

    first = plan_of(pipeline(3), None)
    assert step_of(first, "draw").calls.expected == 6
    assert first.usd is not None
    assert first.usd.expected == pytest.approx(0.24)
    before = version_of(tmp_path / "version", pipeline(3))
    plan = plan_of(pipeline(4), before)
    assert plan.usd is not None
    assert plan.usd.expected == pytest.approx(0.08)
    assert billed(pipeline(4)).calls["draw"] == 2
