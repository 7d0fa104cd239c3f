"""How much of a provider's limits the gateway uses, and how often it is refused.

Run as `python -m benchmarks.limits`. A server with 600 requests and 40,000 tokens a minute tells of
its limits as OpenAI does, or as Mistral does, or not at all (then the user has stated them), and
keeps them by a bucket or by fixed minutes. Each is asked for two minutes, by requests of unequal
lengths. "Used" is the larger share of the two limits over two minutes.
"""

import asyncio
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any, Literal

from tests.loopback import Limits, loopback_process

_REQUESTS = 600
_TOKENS = 40_000
_SECONDS = 120.0
_LEAST_USED = 0.90
_MOST_REFUSED = 0.02


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    kind: Literal["bucket", "window"]
    headers: Literal["openai", "mistral"] | None
    stated: bool
    words: int


_CASES = (
    _Case("bucket, OpenAI's headers, requests bind", "bucket", "openai", False, 20),
    _Case("bucket, OpenAI's headers, tokens bind", "bucket", "openai", False, 120),
    _Case("fixed minutes, Mistral's headers, requests bind", "window", "mistral", False, 20),
    _Case("bucket, no headers, limits stated by the user", "bucket", None, True, 20),
)


def main() -> int:
    """Measure all cases at once and return the exit code."""
    with TemporaryDirectory() as folder:
        results = asyncio.run(_measure_all(folder))
    bad = 0
    for case, (used, refused) in zip(_CASES, results, strict=True):
        print(f"{case.name}: {used:.1%} of the limit used, {refused:.2%} refused")
        bad += used < _LEAST_USED or refused > _MOST_REFUSED
    print(f"limits: at least {_LEAST_USED:.0%} used, at most {_MOST_REFUSED:.0%} refused")
    return int(bad > 0)


async def _measure_all(folder: str) -> list[tuple[float, float]]:
    measured = [
        asyncio.to_thread(_measured, case, f"{folder}/{number}")
        for number, case in enumerate(_CASES)
    ]
    return list(await asyncio.gather(*measured))


def _measured(case: _Case, folder: str) -> tuple[float, float]:
    """Return the share of the limit used, and the share of requests that were refused."""
    from llms import ChatRequest, CompletionStore, Gateway, OpenAILLM, Sample
    from llms.gateway import together

    limits = Limits(_REQUESTS, _TOKENS, kind=case.kind, headers=case.headers, retry_after="seconds")
    stated: dict[str, Any] = {}
    if case.stated:
        stated = {"requests_per_minute": _REQUESTS, "tokens_per_minute": _TOKENS}
    with loopback_process(latency=0.3, limits=limits) as server:
        llm = OpenAILLM(model="m", base_url=server.url, **stated)
        gateway = Gateway(CompletionStore(f"{folder}/completions.sqlite"))

        def request(number: int) -> ChatRequest:
            words = case.words // 2 + number % case.words
            text = f"{number} " + "word " * words
            return ChatRequest([{"role": "user", "content": text}])

        async def ask_until_the_end() -> None:
            rows = [
                gateway.complete(llm, request(number), Sample(str(number)))
                for number in range(4 * _REQUESTS)
            ]
            async with asyncio.timeout(_SECONDS):
                await together(rows)

        began = time.monotonic()
        with suppress(TimeoutError):
            gateway.run(ask_until_the_end())
        minutes = (time.monotonic() - began) / 60
        stats = server.stats()
        gateway.close()
    used = max(stats.answered / _REQUESTS, stats.tokens / _TOKENS) / minutes
    return used, stats.refused / stats.requests


if __name__ == "__main__":
    sys.exit(main())
