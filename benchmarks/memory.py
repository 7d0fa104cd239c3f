"""How much memory a run takes, and that ten times the rows hardly take more.

Run as `python -m benchmarks.memory`. A pipeline reads a file of rows of 1 KB each, asks a model
about every one and saves the dataset; each run is a process of its own, in which everything works
but the Prefect server and the provider. Its peak of resident memory is compared between a small
and a large dataset, at the same latency and with as many requests in flight.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.loopback import loopback_process

_FEW = 2_000
_MANY = 20_000
_BYTES = 1_000
_LATENCY = 0.005
_IN_FLIGHT = 64
_LIMIT = 1.2


def main() -> int:
    """Measure and return the exit code."""
    few, many = _measured(_FEW), _measured(_MANY)
    ratio = many / few
    print(f"peak memory {many:.0f} MB to {few:.0f} MB: {ratio:.2f} times, limit {_LIMIT}")
    return 0 if ratio <= _LIMIT else 1


def _measured(rows: int) -> float:
    """Return the peak of resident memory of a run, in MB."""
    with TemporaryDirectory() as folder, loopback_process(latency=_LATENCY) as provider:
        source = Path(folder) / "rows.jsonl"
        with source.open("w", encoding="utf-8") as lines:
            for number in range(rows):
                text = f"Say {number}. ".ljust(_BYTES, "abcdefgh "[number % 9])
                lines.write(json.dumps({"instruction": text}) + "\n")
        environment = {**os.environ, "STILLHOUSE_HOME": f"{folder}/home"}
        environment.pop("PREFECT_API_URL", None)
        command = [sys.executable, "-m", "benchmarks.memory", provider.url, folder]
        began = time.monotonic()
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        took = time.monotonic() - began
        stats = provider.stats()
        assert stats.answered == rows, f"{stats.answered} answers for {rows} rows"
    peak = float(done.stdout)
    print(
        f"{rows:,} rows of {_BYTES / 1000:g} KB: peak {peak:.0f} MB, {took:.0f} s, at most "
        f"{stats.most_in_flight} in flight",
        flush=True,
    )
    return peak


def _run(base_url: str, folder: str) -> float:
    """Make the dataset in this process and return its peak of resident memory, in MB."""
    from flows import Pipeline
    from llms import OpenAILLM
    from llms.gateway import Budget
    from llms.model import Price
    from llms.providers.openai import OpenAIParameters
    from tasks import LoadDataFromFileSystem, TextGeneration

    llm = OpenAILLM(
        model="loopback",
        base_url=base_url,
        max_concurrent_requests=_IN_FLIGHT,
        generation_kwargs=OpenAIParameters(max_new_tokens=64),
        price=Price(input=0.1, output=0.4),
    )
    with Pipeline("memory") as pipeline:
        load = LoadDataFromFileSystem(name="load", data_files=f"{folder}/rows.jsonl")
        load >> TextGeneration(name="answer", llm=llm)
    version = pipeline.run(budget=Budget(usd=1_000.0))
    version.save_to_disk(f"{folder}/dataset")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(main())
    print(_run(sys.argv[1], sys.argv[2]))
