"""MagpieGenerator: exactly the rows asked for, and an end."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from llms import ClientvLLM, Gateway, ScriptedLLM
from llms.errors import ConfigurationError
from tasks import Row, StepContext
from tasks.generation.magpie_generator import MagpieGenerator
from tests.loopback import loopback_provider
from tests.tasks.conftest import rows_after
from tests.tasks.generation.test_magpie import TwoSided


def generator(num_rows: int, llm: Any = None, **parameters: Any) -> MagpieGenerator:
    return MagpieGenerator(llm=llm or TwoSided(), num_rows=num_rows, **parameters)


def made_by(step: MagpieGenerator, gateway: Gateway) -> list[Row]:
    frame = pl.concat(list(step.keyed_frames()))
    return rows_after(step.apply(frame, StepContext(gateway)))


@pytest.mark.parametrize(("asked", "batch"), [(70, 50), (50, 50), (7, 50), (5, 2)])
def test_it_neither_overshoots_nor_hangs_where_the_batch_does_not_divide_the_rows(
    asked: int, batch: int
) -> None:
    batches = list(generator(asked, batch_size=batch).process())
    assert sum(len(rows) for rows, _ in batches) == asked
    assert [last for _, last in batches] == [False] * (len(batches) - 1) + [True]


def test_over_a_real_connection_70_rows_at_batch_50_are_70(gateway: Gateway) -> None:
    with loopback_provider() as server:
        llm = ClientvLLM(model="m", base_url=server.url, magpie_pre_query_template="qwen2")
        rows = made_by(generator(70, llm, batch_size=50, only_instruction=True), gateway)
        assert len(rows) == 70
        assert server.stats().requests == 70


def test_more_rows_leave_the_first_ones_as_they_are(gateway: Gateway) -> None:
    few = made_by(generator(5, n_turns=2), gateway)
    llm = TwoSided()
    assert made_by(generator(8, llm, n_turns=2), gateway)[:5] == few
    assert len(llm.opened) == 6


def test_a_row_that_cannot_be_made_is_a_rejection_and_not_asked_for_for_ever(
    gateway: Gateway,
) -> None:
    step = generator(3, TwoSided(empty=99))
    outcome = step.apply(pl.concat(list(step.keyed_frames())), StepContext(gateway))
    assert rows_after(outcome) == []
    assert [rejection.reason for rejection in outcome.rejections] == [
        "turn 1 of the conversation, the user's, is empty"
    ] * 3
    assert outcome.calls.requests == 9


@pytest.mark.parametrize(
    ("parameters", "columns"),
    [
        ({}, ["instruction", "response"]),
        ({"only_instruction": True}, ["instruction"]),
        ({"n_turns": 2}, ["conversation"]),
        ({"include_system_prompt": True}, ["conversation"]),
        ({"system_prompt": {"a": "You cook."}}, ["instruction", "response", "system_prompt_key"]),
    ],
    ids=str,
)
def test_its_columns_are_those_of_magpie_and_it_reads_none(
    parameters: dict[str, Any], columns: list[str], gateway: Gateway
) -> None:
    step = generator(2, **parameters)
    assert list(step.outputs) == columns
    assert list(step.inputs) == []
    assert [name for name in made_by(step, gateway)[0] if name in columns] == columns


def test_num_generations_and_drawn_prompts_count_for_each_row(gateway: Gateway) -> None:
    prompts = {name: f"You are {name}." for name in "abcdef"}
    step = generator(10, system_prompt=prompts, num_generations=2, only_instruction=True)
    rows = made_by(step, gateway)
    assert len(rows) == 20
    assert len({row["instruction"] for row in rows}) == 20
    assert len({row["system_prompt_key"] for row in rows}) > 2


def test_a_model_that_cannot_write_users_turns_is_refused_at_construction() -> None:
    with pytest.raises(ConfigurationError, match="magpie_pre_query_template"):
        generator(1, ClientvLLM())
    generator(1, ScriptedLLM())
