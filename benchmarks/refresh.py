"""Refresh 200,000 rows of which 1 % changed: plan, run and publish beside the model's calls.

Run as `python -m benchmarks.refresh [ROWS]`. A first version is made with a stored answer for every
row and published to the Hub of the tests. Then one source row in a hundred is another one, and the
dataset is refreshed: on the machine that made it, where nothing changed since, and on an empty one.
Each is a process of its own. The time beside the calls is that of the whole process, from its
start, less what the calls of the loopback provider take (stated).
"""

import json
import os
import resource
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.hub.clients import clients_of
from tests.hub.process import hub_process
from tests.loopback import loopback_process

_ROWS = 200_000
_CHANGED = 100
_MOST_SECONDS = 90.0
_MOST_MEMORY = 1_500.0
_REPO = "maker/refresh"


def main() -> int:
    """Measure and return the exit code."""
    if len(sys.argv) > 2:
        _, _, url, source_file, output = sys.argv
        _refresh(url, Path(source_file), Path(output))
        return 0
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else _ROWS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        provider = stack.enter_context(loopback_process())
        hub = stack.enter_context(hub_process())
        source = folder / "source.jsonl"
        clients = clients_of(hub.url, folder / "hf")

        def refreshed(title: str, machine: str) -> dict[str, Any]:
            before = provider.stats().requests
            environment = {**os.environ, **clients, "STILLHOUSE_HOME": str(folder / machine)}
            for name in ("STILLHOUSE_STORE", "PREFECT_API_URL"):
                environment.pop(name, None)
            arguments = ["-", provider.url, str(source), str(folder / f"{machine}-dataset")]
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.refresh", *arguments],
                env=environment,
                stdout=subprocess.PIPE,
                check=True,
            )
            found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
            calls = provider.stats().requests - before
            print(
                f"{title}: {found['seconds']:.1f} s, {found['memory']:,.0f} MB, {calls:,} calls, "
                f"{found['version']}{' published' if found['published'] else ' unchanged'}",
                flush=True,
            )
            return {**found, "made": calls}

        _write(source, rows, changed=False)
        refreshed("first version", "one")
        _write(source, rows, changed=True)
        changed = refreshed("1 % changed", "one")
        same = refreshed("nothing changed", "one")
        _write(source, rows, changed=False)
        cold = refreshed("1 % changed back, on an empty machine", "another")
        commits = len(hub.state()["repositories"][_REPO]["commits"]) - 1
    expected = len(range(0, rows, _CHANGED))
    made = (changed["made"], same["made"], cold["made"])
    right = (made, commits) == ((expected, 0, expected), 3)
    fast = changed["seconds"] < _MOST_SECONDS and changed["memory"] < _MOST_MEMORY
    print(f"calls and commits as they should be: {right}; within time and memory: {fast}")
    return int(not (right and fast))


def _write(source: Path, rows: int, *, changed: bool) -> None:
    with source.open("w", encoding="utf-8") as file:
        for number in range(rows):
            edited = " Be short." if changed and number % _CHANGED == 0 else ""
            text = f"Say in a few words what may be known of the number {number}.{edited}"
            row = {"id": number, "topic": f"topic {number % 50}", "instruction": text}
            file.write(json.dumps(row) + "\n")


def _refresh(url: str, source: Path, output: Path) -> None:
    """Refresh the dataset and print what it took."""
    begun = time.monotonic()
    from prefect import Flow

    from flows import Pipeline
    from flows.runtime.session import prefect_session, quiet_console
    from flows.settings import FlowSettings
    from llms import OpenAILLM
    from tasks import (
        FormatTextGenerationSFT,
        KeepColumns,
        LoadDataFromFileSystem,
        TextGeneration,
    )

    with Pipeline("refresh") as pipeline:
        load = LoadDataFromFileSystem(name="load", data_files=str(source), key_columns=("id",))
        answer = TextGeneration(name="answer", llm=OpenAILLM(model="loopback", base_url=url))
        chats = FormatTextGenerationSFT(name="chats")
        dataset = KeepColumns(name="dataset", columns=("id", "topic", "prompt", "messages"))
        load >> answer >> chats >> dataset
    settings = FlowSettings(output=str(output), repo=_REPO)

    def refresh() -> dict[str, Any]:
        return settings.refresh(pipeline)

    flow: Flow[[], dict[str, Any]] = Flow(refresh, persist_result=False)
    with prefect_session(), quiet_console():
        summary = flow()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {
        "seconds": time.monotonic() - begun,
        "memory": memory,
        **{name: summary[name] for name in ("calls", "version", "published")},
    }
    print(json.dumps(found))


if __name__ == "__main__":
    sys.exit(main())
