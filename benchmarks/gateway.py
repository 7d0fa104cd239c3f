"""The whole gateway against the bare client, on one server, in one run.

Run as `python -m benchmarks.gateway`. The bare client is `AsyncOpenAI` with its aiohttp transport
and a semaphore: nothing stored, charged or tried again. The gateway has its store and a budget on.
Each side works in a process of its own, after a few calls that open connections; they take turns.
CPU seconds are those of the client's process, times are the server's own: first request to last
answer.
"""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median
from tempfile import TemporaryDirectory

from tests.loopback import LoopbackProcess, loopback_process

_ROWS = 2_000
_LATENCY = 0.05
_IN_FLIGHT = 64
_MOST_CPU = 1.35
_MOST_TIME = 1.15
_MOST_CPU_OF_MISTRAL = 1.5
_LONG_ROWS = 1_000
_LONG_LATENCY = 0.5
_LONG_IN_FLIGHT = 100
_MOST_OF_IDEAL = 1.10
_TURNS = 3
_WARM_UP = 128
_PROMPT = "Say something about the number {}. " + "It should be short and to the point. " * 20


def main() -> int:
    """Measure and return the exit code."""
    with loopback_process(latency=_LATENCY) as server:
        turns = [
            {
                side: _measured(side, server, _ROWS, _IN_FLIGHT)
                for side in ("bare", "openai", "mistral")
            }
            for _ in range(_TURNS)
        ]
    for side in ("bare", "openai", "mistral"):
        listed = ", ".join(
            f"{1000 * turn[side].cpu / _ROWS:.2f} ms and {turn[side].seconds:.2f} s"
            for turn in turns
        )
        print(f"{side}: CPU a call and time from first request to last answer: {listed}")
    cpu = median(turn["openai"].cpu / turn["bare"].cpu for turn in turns)
    took = median(turn["openai"].seconds / turn["bare"].seconds for turn in turns)
    mistral = median(turn["mistral"].cpu / turn["openai"].cpu for turn in turns)
    print(
        f"gateway / bare client: CPU {cpu:.2f} (limit {_MOST_CPU}), "
        f"time {took:.2f} (limit {_MOST_TIME}); MistralLLM / OpenAILLM: CPU {mistral:.2f} "
        f"(limit {_MOST_CPU_OF_MISTRAL})"
    )
    with loopback_process(latency=_LONG_LATENCY) as server:
        ideal = _LONG_ROWS * _LONG_LATENCY / _LONG_IN_FLIGHT
        times = [
            _measured("openai", server, _LONG_ROWS, _LONG_IN_FLIGHT).seconds / ideal
            for _ in range(_TURNS)
        ]
    long = median(times)
    listed = ", ".join(f"{item:.3f}" for item in times)
    print(
        f"{_LONG_ROWS} calls of {_LONG_LATENCY * 1000:.0f} ms, {_LONG_IN_FLIGHT} in flight: "
        f"{listed} times the ideal of {ideal:.1f} s (limit {_MOST_OF_IDEAL})"
    )
    held = cpu <= _MOST_CPU and took <= _MOST_TIME and mistral <= _MOST_CPU_OF_MISTRAL
    return int(not held or long > _MOST_OF_IDEAL)


@dataclass(frozen=True, slots=True)
class _Measured:
    """CPU seconds of the client, and seconds from first request to last answer."""

    cpu: float
    seconds: float


def _measured(side: str, server: LoopbackProcess, rows: int, in_flight: int) -> _Measured:
    command = [
        sys.executable,
        "-m",
        "benchmarks.gateway",
        side,
        server.url,
        str(rows),
        str(in_flight),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdout is not None
        assert client.stdin is not None
        client.stdout.readline()
        server.reset()
        client.stdin.write("go\n")
        client.stdin.flush()
        cpu = json.loads(client.stdout.readline())
    stats = server.stats()
    assert stats.answered == rows, f"{stats.answered} answers for {rows} rows"
    assert stats.first_request is not None
    assert stats.last_answer is not None
    return _Measured(cpu, stats.last_answer - stats.first_request)


def _wait_for_go() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


async def _bare(url: str, rows: int, in_flight: int) -> float:
    from openai import AsyncOpenAI, DefaultAioHttpClient

    slots = asyncio.Semaphore(in_flight)
    async with AsyncOpenAI(
        api_key="none", base_url=url, max_retries=0, http_client=DefaultAioHttpClient()
    ) as client:

        async def ask(number: int) -> str:
            async with slots:
                reply = await client.chat.completions.create(
                    model="loopback",
                    messages=[{"role": "user", "content": _PROMPT.format(number)}],
                    max_tokens=64,
                )
            return reply.choices[0].message.content or ""

        await asyncio.gather(*(ask(-number) for number in range(1, _WARM_UP)))
        await asyncio.to_thread(_wait_for_go)
        started = time.process_time()
        await asyncio.gather(*(ask(number) for number in range(rows)))
        return time.process_time() - started


def _gateway(side: str, url: str, rows: int, in_flight: int) -> float:
    from llms import ChatRequest, CompletionStore, MistralLLM, OpenAILLM, Sample
    from llms.gateway import Budget, Gateway, together
    from llms.model import Price

    price = Price(input=0.15, output=0.6)
    llm = (
        MistralLLM(model="m", endpoint=url, max_concurrent_requests=in_flight, price=price)
        if side == "mistral"
        else OpenAILLM(model="m", base_url=url, max_concurrent_requests=in_flight, price=price)
    ).sampling(max_new_tokens=64)
    with TemporaryDirectory() as folder:
        gateway = Gateway(CompletionStore(f"{folder}/completions.sqlite"))
        budgets = {"run/benchmark": Budget(usd=100.0), "dataset/benchmark/2026-01": None}
        with gateway.purse("benchmark", budgets) as purse:

            def ask(numbers: range) -> None:
                async def ask_all() -> None:
                    await together(
                        [
                            gateway.complete(
                                llm,
                                ChatRequest([{"role": "user", "content": _PROMPT.format(number)}]),
                                Sample(str(number)),
                                purse,
                            )
                            for number in numbers
                        ]
                    )

                gateway.run(ask_all())

            ask(range(-_WARM_UP, 0))
            _wait_for_go()
            started = time.process_time()
            ask(range(rows))
            took = time.process_time() - started
        gateway.close()
    return took


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(main())
    url, rows, in_flight = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if sys.argv[1] == "bare":
        print(json.dumps(asyncio.run(_bare(url, rows, in_flight))), flush=True)
    else:
        print(json.dumps(_gateway(sys.argv[1], url, rows, in_flight)), flush=True)
