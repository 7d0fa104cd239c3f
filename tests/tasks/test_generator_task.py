"""A source whose rows a model makes."""

from __future__ import annotations

from random import Random
from typing import ClassVar

import polars as pl
import pytest

from llms import ChatType, Gateway
from llms.errors import RowRejected
from tasks import GeneratorTask, Row, StepContext
from tests.tasks.conftest import RecordingLLM, rows_after


class Invent(GeneratorTask):
    """Writes about a letter."""

    outputs: ClassVar = {"letter": pl.String, "text": pl.String}

    def draw(self, random: Random) -> Row:
        return {"letter": random.choice("abcdefgh")}

    def format_input(self, input: Row) -> ChatType:
        return [{"role": "user", "content": f"Write about {input['letter']}."}]

    def format_output(self, output: str | None, input: Row) -> Row:
        if "never" in (output or ""):
            raise RowRejected("it refuses")
        return {"letter": input["letter"], "text": output}


def made(step: GeneratorTask, gateway: Gateway) -> list[Row]:
    """Return the rows that a generator task makes of all its keys."""
    frame = pl.concat(list(step.keyed_frames()))
    return rows_after(step.apply(frame, StepContext(gateway)))


def test_it_makes_exactly_the_rows_asked_for(gateway: Gateway) -> None:
    rows = made(Invent(llm=RecordingLLM(), num_rows=70, batch_size=50), gateway)
    assert len(rows) == 70
    assert len({row["text"] for row in rows}) == 70


def test_more_rows_leave_the_first_ones_as_they_are_and_ask_only_for_the_new(
    gateway: Gateway,
) -> None:
    few = made(Invent(llm=RecordingLLM(), num_rows=10), gateway)
    llm = RecordingLLM()
    many = made(Invent(llm=llm, num_rows=25, batch_size=7), gateway)
    assert many[:10] == few
    assert len(llm.sent) == 15


def test_by_hand_it_yields_rows_and_tells_the_last() -> None:
    step = Invent(llm=RecordingLLM(), num_rows=5, batch_size=2)
    batches = list(step.process())
    assert [(len(rows), last) for rows, last in batches] == [(2, False), (2, False), (1, True)]
    later = list(step.process(offset=3))
    assert later == [([*batches[1][0][1:], *batches[2][0]], True)]


def test_by_hand_a_row_that_fails_is_left_out_with_a_warning() -> None:
    step = Invent(llm=RecordingLLM(rules={"about a": "never"}), num_rows=30, corrections=0)
    with pytest.warns(UserWarning, match="rejected by step 'invent_0', the first because: it refu"):
        (batch,) = step.process()
    assert batch[1]
    assert 0 < len(batch[0]) < 30
