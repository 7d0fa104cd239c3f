"""How many rows of a step are at work at once."""

from __future__ import annotations

from typing import Any

import pytest

from flows import Pipeline
from flows.runtime.room import Room, room_for
from llms import OpenAILLM
from tasks import LoadDataFromDicts, TextGeneration
from tests.loopback import LoopbackProvider


def test_a_partition_begins_while_few_rows_before_it_are_unfinished() -> None:
    room = Room(100)
    with room.place(60) as first, room.place(60) as second:
        assert not room.has_space
        first.finish(15)
        assert not room.has_space
        second.finish(6)
        assert room.has_space
        second.finish(1_000)
        with room.place(500):
            assert not room.has_space
        assert room.has_space


@pytest.mark.usefixtures("prefect")
def test_rows_of_large_partitions_wait_until_those_before_them_are_nearly_done(
    provider: LoopbackProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.runtime.room._UNFINISHED_ROWS", 30)
    provider.latency = 0.2
    rows = [{"instruction": f"Say {number}."} for number in range(100)]
    llm = OpenAILLM(model="loopback", base_url=provider.url, max_concurrent_requests=200)
    with Pipeline("crowd") as pipeline:
        LoadDataFromDicts(data=rows) >> TextGeneration(llm=llm)
    version = pipeline.run(rows_per_partition=20)
    assert version.frame()["instruction"].to_list() == [row["instruction"] for row in rows]
    assert provider.stats().most_in_flight < 30 + 20


@pytest.mark.parametrize("batched", [True, False], ids=["batch jobs", "calls"])
def test_rows_that_wait_for_batch_jobs_wait_all_together(batched: bool) -> None:
    parameters: dict[str, Any] = {"model": "m", "use_offline_batch_generation": batched}
    room = room_for(TextGeneration(name="ask", llm=OpenAILLM(**parameters)))
    with room.place(100_000):
        assert room.has_space is batched
