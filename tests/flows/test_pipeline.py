"""A pipeline as a flow run on a real Prefect server, against a real provider on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import polars as pl
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.sorting import FlowRunSort
from pydantic import SecretStr

from flows import DatasetVersion, Pipeline
from flows.runtime import step_runs
from flows.runtime.run import EverythingRejected
from flows.runtime.workspace import Workspace
from llms import CompletionStore, Gateway, OpenAILLM, RetryPolicy
from llms.errors import AuthenticationFailed, ConfigurationError, ProviderUnreachable
from tasks import (
    CombineOutputs,
    GlobalStep,
    KeepColumns,
    LoadDataFromDicts,
    Row,
    RowRejected,
    Task,
    TextGeneration,
    step,
)
from tests.loopback import LoopbackProvider, Status

pytestmark = pytest.mark.usefixtures("prefect")

KEY = "sk-planted-2f9c1d"


class Numbered(Task):
    """Asks for a JSON object and refuses anything else."""

    version: ClassVar = 1
    inputs: ClassVar = {"instruction": pl.String}
    outputs: ClassVar = {"number": pl.Int64}
    corrections: int = 0

    def format_input(self, input: Row) -> Any:
        return [{"role": "user", "content": input["instruction"]}]

    def format_output(self, output: str | None, input: Row) -> Row:
        try:
            return {"number": int(json.loads(output or "")["number"])}
        except (ValueError, KeyError, TypeError) as error:
            raise RowRejected("the reply is no JSON object with a number") from error


def instructions(count: int) -> list[Row]:
    return [{"instruction": f"Say {number}."} for number in range(count)]


def model(provider: LoopbackProvider) -> OpenAILLM:
    return OpenAILLM(model="loopback", base_url=provider.url, api_key=SecretStr(KEY))


def answered(provider: LoopbackProvider, rows: Sequence[Row], **parameters: Any) -> Pipeline:
    with Pipeline("answers") as pipeline:
        load = LoadDataFromDicts(name="load", data=list(rows))
        load >> TextGeneration(name="answer", llm=model(provider), **parameters)
    return pipeline


def sentences(version: DatasetVersion) -> list[str]:
    return version.frame()["generation"].to_list()


def test_rows_come_out_in_the_order_they_went_in(provider: LoopbackProvider) -> None:
    version = answered(provider, instructions(45)).run(rows_per_partition=10)
    assert version.frame()["instruction"].to_list() == [r["instruction"] for r in instructions(45)]
    assert all(" to: Say " in text for text in sentences(version))
    assert version.calls == provider.stats().requests == 45


def test_the_same_run_again_calls_nothing_and_makes_the_same_rows(
    provider: LoopbackProvider,
) -> None:
    first = answered(provider, instructions(30)).run(rows_per_partition=10)
    again = answered(provider, instructions(30)).run(rows_per_partition=10)
    assert provider.stats().requests == 30
    assert again.calls == 0
    assert again.frame().equals(first.frame())
    assert again.accounts == first.accounts


def test_without_the_cache_answers_are_still_reused(provider: LoopbackProvider) -> None:
    first = answered(provider, instructions(12)).run()
    again = answered(provider, instructions(12)).run(use_cache=False)
    assert (again.calls, again.summary()["reused"]) == (0, 12)
    assert again.frame().equals(first.frame())


def test_a_changed_a_new_and_a_moved_row_cost_two_calls(provider: LoopbackProvider) -> None:
    rows = instructions(25)
    answered(provider, rows).run(rows_per_partition=10)
    provider.reset()
    changed = [{"instruction": "Say something new."}, *reversed(rows[1:]), {"instruction": "More."}]
    version = answered(provider, changed).run(rows_per_partition=10)
    assert provider.stats().requests == 2
    assert version.frame()["instruction"].to_list() == [row["instruction"] for row in changed]
    for row in version.frame().to_dicts():
        assert row["generation"].endswith(row["instruction"])


def test_one_reply_of_garbage_among_a_hundred_is_one_rejection(
    provider: LoopbackProvider,
) -> None:
    def reply(body: dict[str, Any]) -> str:
        said = body["messages"][-1]["content"]
        return "I would rather not." if said == "Say 41." else '{"number": 7}'

    provider.reply = reply
    with Pipeline("numbers") as pipeline:
        LoadDataFromDicts(name="load", data=instructions(100)) >> Numbered(
            name="ask", llm=model(provider)
        )
    version = pipeline.run(rows_per_partition=25)
    (rejection,) = version.rejections()
    assert version.rows == 99
    assert rejection.step == "ask"
    assert rejection.reason == "the reply is no JSON object with a number"
    assert rejection.raw_reply == "I would rather not."
    assert rejection.row == {"instruction": "Say 41."}
    assert len(rejection.key) == 32
    assert version.accounts["ask"].rejected == 1


def test_every_step_balances_its_books(provider: LoopbackProvider) -> None:
    @step(inputs=["generation"], outputs=["short"])
    def shortened(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            row["short"] = row["generation"][:6]
        yield [row for row in rows if not row["instruction"].endswith("3.")]

    with Pipeline("books") as pipeline:
        load = LoadDataFromDicts(name="load", data=instructions(40))
        ask = TextGeneration(name="ask", llm=model(provider), num_generations=2)
        load >> ask >> shortened(name="short")
    version = pipeline.run(rows_per_partition=15)
    for books in version.accounts.values():
        assert books.rows_in + books.expanded == books.rows_out + books.rejected + books.filtered
    assert version.accounts["ask"].expanded == 40
    assert version.accounts["short"].filtered == 8
    assert version.rows == 72


def test_branches_meet_row_by_row_and_get_samples_of_their_own(
    provider: LoopbackProvider,
) -> None:
    llm = model(provider)
    with Pipeline("branches") as pipeline:
        load = LoadDataFromDicts(name="load", data=instructions(12))
        one = TextGeneration(name="one", llm=llm, output_mappings={"generation": "first"})
        two = TextGeneration(name="two", llm=llm, output_mappings={"generation": "second"})
        (
            load
            >> [one, two]
            >> CombineOutputs(name="both")
            >> KeepColumns(name="kept", columns=["instruction", "first", "second"])
        )
    frame = pipeline.run(rows_per_partition=5).frame()
    assert provider.stats().requests == 24
    assert frame.columns == ["instruction", "first", "second"]
    for row in frame.to_dicts():
        assert row["first"].endswith(row["instruction"])
        assert row["second"].endswith(row["instruction"])


def test_a_global_step_sees_all_partitions_and_steps_after_it_go_on(
    provider: LoopbackProvider,
) -> None:
    class Longest(GlobalStep):
        version: ClassVar = 1
        inputs: ClassVar = {"generation": pl.String}
        outputs: ClassVar = {"rank": pl.Int64}

        def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
            for rank, row in enumerate(sorted(inputs, key=lambda row: str(row["generation"]))):
                row["rank"] = rank
            yield [row for row in inputs if row["rank"] % 2 == 0]

    with Pipeline("global") as pipeline:
        load = LoadDataFromDicts(name="load", data=instructions(30))
        ask = TextGeneration(name="ask", llm=model(provider))
        kept = KeepColumns(name="kept", columns=["instruction", "rank"])
        load >> ask >> Longest(name="longest") >> kept
    version = pipeline.run(rows_per_partition=10)
    assert sorted(version.frame()["rank"]) == list(range(0, 30, 2))
    assert version.accounts["longest"].filtered == 15


def test_each_leaf_is_a_configuration(provider: LoopbackProvider) -> None:
    with Pipeline("leaves") as pipeline:
        load = LoadDataFromDicts(name="load", data=instructions(4))
        load >> [
            TextGeneration(name="plain", llm=model(provider)),
            KeepColumns(name="source", columns=["instruction"]),
        ]
    version = pipeline.run()
    assert set(version.configurations) == {"plain", "source"}
    assert version.frame("source").columns == ["instruction"]


def test_a_wrong_key_stops_the_run_with_one_sentence(provider: LoopbackProvider) -> None:
    provider.fail_with(lambda number, body: Status(401, message="bad key"))
    with pytest.raises(AuthenticationFailed, match="The API key was refused; check OPENAI_API_KEY"):
        answered(provider, instructions(500)).run()
    assert provider.stats().requests <= 2 * 64


def test_an_unreachable_server_is_told_within_seconds() -> None:
    llm = OpenAILLM(model="loopback", base_url="http://127.0.0.1:9/v1", api_key=SecretStr(KEY))
    with Pipeline("nobody") as pipeline:
        LoadDataFromDicts(data=instructions(3)) >> TextGeneration(llm=llm)
    with pytest.raises(ProviderUnreachable, match=r"127\.0\.0\.1:9/v1 could not be reached"):
        pipeline.run()


def test_a_wrong_column_is_told_before_any_call(provider: LoopbackProvider) -> None:
    with pytest.raises(ConfigurationError, match=r"needs the column 'question', which does not"):
        answered(provider, instructions(3), columns="question", template="{{ question }}").run()
    assert provider.stats().requests == 0


def test_a_step_that_rejects_everything_stops_the_run_early(provider: LoopbackProvider) -> None:
    with Pipeline("hopeless") as pipeline:
        LoadDataFromDicts(data=instructions(3_000)) >> Numbered(name="ask", llm=model(provider))
    with pytest.raises(EverythingRejected, match="'ask' rejected its first"):
        pipeline.run()
    assert provider.stats().requests < 3_000


def test_a_partition_whose_file_is_gone_is_made_again_from_stored_answers(
    provider: LoopbackProvider, stillhouse_home: Path
) -> None:
    first = answered(provider, instructions(9)).run()
    (partition,) = first.partitions["answer"]
    Workspace(stillhouse_home).path(partition.digest).unlink()
    again = answered(provider, instructions(9)).run()
    assert (again.calls, again.summary()["reused"]) == (0, 9)
    assert again.frame().equals(first.frame())


def test_rows_the_provider_failed_are_rejections_now_and_rows_in_the_next_run(
    provider: LoopbackProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_runs, "FIRST_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(step_runs, "RETRIES", 1)
    ill = "Say 3."

    def fault(number: int, body: dict[str, Any]) -> Status | None:
        return Status(500) if body["messages"][-1]["content"] == ill else None

    provider.fail_with(fault)
    gateway = Gateway(
        CompletionStore(tmp_path / "answers.sqlite"), retries=RetryPolicy(2, first_wait=0.01)
    )
    try:
        first = answered(provider, instructions(6)).run(gateway=gateway)
        (rejection,) = first.rejections()
        provider.fail_with(None)
        provider.reset()
        second = answered(provider, instructions(6)).run(gateway=gateway)
    finally:
        gateway.close()
    assert first.rows == 5
    assert rejection.unanswered
    assert "answered 500" in rejection.reason
    assert second.rows == 6
    assert provider.stats().requests == 1


def test_the_ui_shows_steps_and_partitions_by_name_and_the_books(
    provider: LoopbackProvider, prefect: SyncPrefectClient
) -> None:
    answered(provider, instructions(25)).run(rows_per_partition=10)
    (run,) = prefect.read_flow_runs(limit=1, sort=FlowRunSort.EXPECTED_START_TIME_DESC)
    assert run.state is not None
    assert run.state.is_completed()
    assert set(run.parameters) == {"pipeline", "digest"}
    names = _task_run_names(prefect, run.id, expected=4)
    assert names == {"load", "answer 0", "answer 1", "answer 2"}
    pages = prefect.request(
        "POST",
        "/artifacts/filter",
        json={
            "artifacts": ArtifactFilter(
                flow_run_id=ArtifactFilterFlowRunId(any_=[run.id])
            ).model_dump(mode="json")
        },
    ).json()
    by_type = {page["type"]: page for page in pages}
    assert by_type["progress"]["data"] == 100.0
    assert "| answer | 25 | 0 | 0 | 0 | 25 | 25 |" in by_type["markdown"]["data"]


def test_the_key_is_in_no_file_that_a_run_leaves(
    provider: LoopbackProvider, stillhouse_home: Path, tmp_path: Path
) -> None:
    version = answered(provider, instructions(5)).run()
    version.save_to_disk(tmp_path / "dataset")
    assert provider.stats().authorizations == {f"Bearer {KEY}": 5}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert stillhouse_home.is_relative_to(tmp_path)
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path


def _task_run_names(client: SyncPrefectClient, run: UUID, expected: int) -> set[str]:
    """Return the names of a flow run's task runs once the server has recorded them."""
    import time

    deadline = time.monotonic() + 20
    names: set[str] = set()
    while len(names) < expected and time.monotonic() < deadline:
        time.sleep(0.3)
        reply = client.request(
            "POST", "/task_runs/filter", json={"flow_runs": {"id": {"any_": [str(run)]}}}
        )
        names = {item["name"] for item in reply.json()}
    return names
