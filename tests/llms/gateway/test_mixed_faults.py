"""A step over a provider that fails in every way at once."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from llms import CompletionStore, Gateway
from llms.gateway import Budget
from tasks import Row, StepContext, TextGeneration
from tasks.frames import frame_of, rows_of, with_source_keys
from tasks.row import SourceKeys
from tests.llms.conftest import openai_model
from tests.loopback import Fault, LoopbackProvider, Reset, Status, Truncated

ROWS = 500
SEED = 20
WAYS_TO_FAIL: dict[str, tuple[float, Fault]] = {
    "rate limit": (0.05, Status(429, {"Retry-After": "1"})),
    "server error": (0.03, Status(500)),
    "connection reset": (0.02, Reset()),
    "truncated body": (0.01, Truncated()),
}


def test_of_500_rows_none_is_lost_and_none_is_asked_again_once_answered(
    provider: LoopbackProvider, store_path: Path
) -> None:
    happened: list[str] = []
    chance = random.Random(SEED)

    def fault(number: int, body: dict[str, Any]) -> Fault | None:
        names = [*WAYS_TO_FAIL, ""]
        shares = [share for share, _ in WAYS_TO_FAIL.values()]
        (name,) = chance.choices(names, [*shares, 1 - sum(shares)])
        if not name:
            return None
        happened.append(name)
        return WAYS_TO_FAIL[name][1]

    provider.fail_with(fault)
    provider.latency = 0.05
    llm = openai_model(
        provider,
        price={"input": 1.0, "output": 3.0},
        generation_kwargs={"max_new_tokens": 50},
        max_concurrent_requests=64,
    )
    step = TextGeneration(name="answer", llm=llm)
    rows: list[Row] = [{"instruction": f"Say {number}."} for number in range(ROWS)]
    gateway = Gateway(CompletionStore(store_path))
    try:
        with gateway.purse("faults", {"run/faults": Budget(usd=10.0)}) as purse:
            frame = with_source_keys(frame_of(rows), SourceKeys(None))
            outcome = step.apply(frame, StepContext(gateway, purse=purse, final_attempt=False))
        booked = gateway.run(gateway.store.spent("run/faults"))
        reserved = gateway.run(gateway.store.reserved("run/faults"))
        stored = gateway.store.count()
    finally:
        gateway.close()
    stats = provider.stats()
    made = rows_of(outcome.frame)
    assert set(happened) == set(WAYS_TO_FAIL)
    assert [row["instruction"] for row in made] == [row["instruction"] for row in rows]
    assert all(row["generation"].endswith(f"to: {row['instruction']}") for row in made)
    assert outcome.rejections == ()
    assert stats.requests == ROWS + len(happened)
    assert stats.answered == stored == booked.requests == len(stats.contents) == ROWS
    assert stats.after_answer == 0
    assert booked.usd == round(outcome.calls.cost_usd, 9)
    assert reserved.requests == 0
