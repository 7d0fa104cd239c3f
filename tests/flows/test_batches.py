"""Steps in batch mode: runs that wait for jobs, by hand and as deployments."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.deployments import run_deployment

from flows import Pipeline
from flows.command.run import run_flow
from llms import CompletionStore, Gateway, MistralLLM, OpenAILLM
from llms.batches.timing import BatchTiming
from llms.errors import AuthenticationFailed, BatchPending
from tasks import GroupColumns, LoadDataFromDicts, TextGeneration
from tests.flows.test_command import pipeline_file, stillhouse
from tests.loopback import LoopbackProvider, Status, loopback_provider

pytestmark = pytest.mark.usefixtures("prefect")

CHECKOUT = Path(__file__).parents[2]
LONG = 600.0


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that gathers only for a moment."""
    store = CompletionStore(tmp_path / "answers.sqlite")
    with closing(Gateway(store, batches=BatchTiming(quiet=0.3))) as gateway:
        yield gateway


def openai(provider: LoopbackProvider, wait: int | None) -> OpenAILLM:
    return OpenAILLM(
        model="m",
        base_url=provider.url,
        use_offline_batch_generation=True,
        offline_batch_generation_block_until_done=wait,
    )


def mistral(provider: LoopbackProvider, wait: int | None) -> MistralLLM:
    return MistralLLM(
        model="m",
        endpoint=provider.root,
        use_offline_batch_generation=True,
        offline_batch_generation_block_until_done=wait,
    )


def two_steps(llm: Any, rows: int) -> Pipeline:
    with Pipeline("batches") as pipeline:
        load = LoadDataFromDicts(data=[{"instruction": f"Say {n}."} for n in range(rows)])
        first = TextGeneration(name="first", llm=llm, output_mappings={"generation": "question"})
        second = TextGeneration(
            name="second", llm=llm, columns="question", template="Answer: {{ question }}"
        )
        load >> first >> second
    return pipeline


@pytest.mark.parametrize("model", [openai, mistral])
def test_a_step_in_batch_mode_needs_no_other_code(model: Any, gateway: Gateway) -> None:
    with loopback_provider(batch_seconds=0.5) as provider:
        version = two_steps(model(provider, 1), 20).run(gateway=gateway, rows_per_partition=10)
        stats = provider.stats()
    assert version.rows == 20
    assert (stats.job_lines, stats.duplicate_lines, stats.requests) == (40, 0, 0)
    assert stats.jobs <= 4
    assert version.calls == 40
    for row in version.frame().to_dicts():
        assert row["question"].endswith(row["instruction"])
        assert row["generation"].endswith(row["question"])


def test_all_partitions_are_submitted_before_the_run_says_what_it_waits_for(
    gateway: Gateway,
) -> None:
    with loopback_provider(batch_seconds=LONG) as provider:
        pipeline = two_steps(openai(provider, None), 72)
        with pytest.raises(
            BatchPending, match=r"waits for \d+ batch jobs?: openai batch_1 \("
        ) as told:
            pipeline.run(gateway=gateway, rows_per_partition=2)
        stats = provider.stats()
        assert (stats.job_lines, stats.duplicate_lines) == (72, 0)
        assert len(told.value.jobs) == stats.jobs
        provider.batches.seconds = 0.0
        version = pipeline.run(gateway=gateway, rows_per_partition=2)
        assert version.rows == 72
        assert (provider.stats().job_lines, provider.stats().duplicate_lines) == (144, 0)
    assert "twice" in str(told.value)


def test_what_is_cached_stays_cached_and_another_error_is_told_first(gateway: Gateway) -> None:
    with loopback_provider(batch_seconds=LONG) as provider:
        waiting = two_steps(openai(provider, None), 20)
        for _ in range(2):
            with pytest.raises(BatchPending):
                waiting.run(gateway=gateway, rows_per_partition=5)
        assert provider.stats().jobs == 1
        provider.fail_with(lambda number, body: Status(401))
        with Pipeline("mixed") as mixed:
            load = LoadDataFromDicts(data=[{"instruction": "Say it."}])
            (
                load
                >> [
                    TextGeneration(name="batched", llm=openai(provider, None)),
                    TextGeneration(name="single", llm=OpenAILLM(model="n", base_url=provider.url)),
                ]
                >> GroupColumns(name="both", columns=("generation",))
            )
        with pytest.raises(AuthenticationFailed):
            mixed.run(gateway=gateway)


def test_by_hand_the_command_says_so_and_fetches_the_answers_when_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with loopback_provider(batch_seconds=LONG) as provider:
        model = {
            "provider": "openai",
            "model": "m",
            "base_url": provider.url,
            "use_offline_batch_generation": True,
        }
        path = pipeline_file(tmp_path, provider.url, task={"llm": model})
        told = stillhouse("run", str(path), "--output", "made", cwd=tmp_path)
        assert told.returncode == 75, told.stderr
        assert told.stderr.strip().splitlines()[-1] == (
            "stillhouse: The run waits for 1 batch job: openai batch_1 (4 requests). The same "
            "command fetches the answers when they are there; nothing is asked or paid twice."
        )
        assert "Traceback" not in told.stderr + told.stdout
        provider.batches.seconds = 0.0
        monkeypatch.chdir(tmp_path)
        run_flow(str(path), ["--output", "made"])
        assert capsys.readouterr().out.startswith("answers: 4 rows, 0 rejected. 4 model calls")
        assert provider.stats().jobs == 1


_SERVED = """
import sys
from pathlib import Path
from prefect import flow
from flows import Pipeline
from llms import CompletionStore, Gateway, OpenAILLM
from llms.batches.timing import BatchTiming
from tasks import LoadDataFromDicts, TextGeneration

@flow(name="nightly", log_prints=True, persist_result=False)
def nightly(url: str, store: str):
    with Pipeline("nightly") as pipeline:
        load = LoadDataFromDicts(data=[{"instruction": f"Say {n}."} for n in range(6)])
        llm = OpenAILLM(model="m", base_url=url, use_offline_batch_generation=True)
        load >> TextGeneration(name="answer", llm=llm)
    timing = BatchTiming(quiet=0.1, next_look=1.0)
    gateway = Gateway(CompletionStore(store), batches=timing)
    try:
        version = pipeline.run(gateway=gateway)
    finally:
        gateway.close()
    Path(store).with_suffix(".rows").write_text(str(version.rows))

if __name__ == "__main__":
    nightly.serve(name="served", pause_on_shutdown=False)
"""


def test_a_deployed_run_frees_its_worker_and_is_picked_up_again_by_itself(
    tmp_path: Path, prefect: SyncPrefectClient
) -> None:
    script = tmp_path / "nightly.py"
    script.write_text(_SERVED)
    store = tmp_path / "served.sqlite"
    environment = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    log = (tmp_path / "serve.log").open("wb")
    with (
        log,
        loopback_provider(batch_seconds=LONG) as provider,
        subprocess.Popen(
            [sys.executable, str(script)], cwd=tmp_path, env=environment, stdout=log, stderr=log
        ) as serving,
    ):
        try:
            parameters = {"url": provider.url, "store": str(store)}
            run_id = _started(parameters)
            put_off = _until(prefect, run_id, "AwaitingRetry")
            assert (
                "Waits for 1 batch job: openai batch_1 (6 requests). It goes on by itself"
                in put_off.state.message
            )
            assert provider.stats().jobs == 1
            provider.batches.seconds = 0.0
            done = _until(prefect, run_id, "Completed")
            assert done.run_count >= 2
            assert (provider.stats().jobs, provider.stats().job_lines) == (1, 6)
            assert store.with_suffix(".rows").read_text() == "6"
            assert "Traceback" not in (tmp_path / "serve.log").read_text()
        finally:
            serving.terminate()


def _started(parameters: dict[str, Any]) -> Any:
    """Start a run of the served deployment as soon as it is there."""
    deadline = time.monotonic() + 30
    while True:
        try:
            run: Any = run_deployment("nightly/served", parameters=parameters, timeout=0)
        except Exception:
            assert time.monotonic() < deadline
            time.sleep(0.3)
        else:
            return run.id


def _until(client: SyncPrefectClient, run_id: Any, state: str) -> Any:
    """Return a flow run once it is in a state."""
    deadline = time.monotonic() + 40
    while True:
        run = client.read_flow_run(run_id)
        if run.state is not None and run.state.name == state:
            return run
        assert time.monotonic() < deadline, run.state
        assert run.state is None or not run.state.is_failed(), run.state
        time.sleep(0.2)
