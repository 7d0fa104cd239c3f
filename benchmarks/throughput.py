"""How near a flow comes to the ideal: rows x latency / requests in flight.

Run as `python -m benchmarks.throughput`. The time is the provider's own: from the first request it
sees to its last answer. Importing, starting Prefect and saving are not in it.
"""

import os
import sys
from tempfile import TemporaryDirectory

from tests.loopback import loopback_process

_ROWS = 1_000
_LATENCY = 0.2
_IN_FLIGHT = 64
_LIMIT = 1.25
_RUNS = 3


def main() -> int:
    """Measure and return the exit code."""
    ideal = _ROWS * _LATENCY / _IN_FLIGHT
    ratios = [_measured() / ideal for _ in range(_RUNS)]
    median = sorted(ratios)[len(ratios) // 2]
    listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(
        f"{_ROWS} rows at {_LATENCY * 1000:.0f} ms, {_IN_FLIGHT} in flight: ideal {ideal:.2f} s, "
        f"times the ideal: {listed}; median {median:.2f}, limit {_LIMIT}"
    )
    return 0 if median <= _LIMIT else 1


def _measured() -> float:
    from flows import Pipeline
    from llms import OpenAILLM
    from tasks import LoadDataFromDicts, TextGeneration

    with TemporaryDirectory() as home, loopback_process(latency=_LATENCY) as provider:
        os.environ["STILLHOUSE_HOME"] = home
        llm = OpenAILLM(model="loopback", base_url=provider.url, max_concurrent_requests=_IN_FLIGHT)
        with Pipeline("throughput") as pipeline:
            load = LoadDataFromDicts(
                data=[{"instruction": f"Say {number}."} for number in range(_ROWS)]
            )
            load >> TextGeneration(llm=llm)
        version = pipeline.run()
        stats = provider.stats()
        assert version.rows == _ROWS
        assert stats.requests == _ROWS
        assert stats.first_request is not None
        assert stats.last_answer is not None
        return stats.last_answer - stats.first_request


if __name__ == "__main__":
    sys.exit(main())
