"""Many requests at once in batch mode; run as a process of its own, it is one that tests kill."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from llms import Answer, CompletionStore, Gateway, RemoteLLM, RetryPolicy, Sample
from llms.batches.timing import BatchTiming
from llms.gateway import Budget, together
from llms.model import Price
from llms.spending import Amount
from tests.llms.conftest import chat_request, mistral_model, openai_model
from tests.loopback import LoopbackProcess

ACCOUNT = "run/batches"
QUICK = BatchTiming(quiet=0.08, longest=5.0)
PRICE = Price(input=10.0, output=1_000.0)
HALF = 0.5 * (1 * 10 + 4 * 1_000) / 1e6
"""What an answer costs in a batch, in US dollars: one word in, four out."""

MODELS = {"openai": openai_model, "mistral": mistral_model}


def batched(name: str, provider: Any, **parameters: Any) -> RemoteLLM:
    """Return a model in batch mode that a loopback provider serves."""
    return MODELS[name](
        provider,
        **{
            "use_offline_batch_generation": True,
            "offline_batch_generation_block_until_done": 1,
            "price": PRICE,
            "generation_kwargs": {"max_new_tokens": 20},
            **parameters,
        },
    )


def open_batch_gateway(store: Path, timing: BatchTiming = QUICK, attempts: int = 3) -> Gateway:
    """Open a gateway that gathers and tries again quickly."""
    retries = RetryPolicy(attempts=attempts, first_wait=0.01, longest_wait=0.02)
    return Gateway(CompletionStore(store), retries=retries, batches=timing)


def ask(
    gateway: Gateway, llm: RemoteLLM, texts: Sequence[str], budget: Budget | None = None
) -> list[Answer | Exception]:
    """Ask for the answers to some texts at once, charged to an account."""
    with gateway.purse("test", {ACCOUNT: budget}) as purse:

        async def one(text: str) -> Answer | Exception:
            try:
                return await gateway.complete(llm, chat_request(text), Sample(), purse)
            except Exception as error:
                return error

        async def ask_all() -> list[Answer | Exception]:
            return await together([one(text) for text in texts])

        return gateway.run(ask_all())


def words(count: int) -> list[str]:
    """Return different texts of one word."""
    return [f"word-{number}" for number in range(count)]


def answered(answers: Sequence[Answer | Exception], texts: Sequence[str]) -> int:
    """Count the answers that are there, each of them to its own text."""
    found = 0
    for answer, text in zip(answers, texts, strict=True):
        if isinstance(answer, Answer):
            assert answer.completion.text.endswith(f"to: {text}")
            found += 1
    return found


def booked(gateway: Gateway) -> Amount:
    """Return what was booked to the account."""
    return gateway.run(gateway.store.spent(ACCOUNT))


def left_in(gateway: Gateway) -> tuple[int, int]:
    """Return how many jobs a store still knows, and what is reserved for them in billionths."""
    with closing(sqlite3.connect(gateway.store.name)) as database:
        [(jobs,)] = database.execute("SELECT count(*) FROM jobs")
        [(held,)] = database.execute(
            "SELECT COALESCE(sum(nanodollars), 0) FROM reservations WHERE holder LIKE 'job:%'"
        )
    return int(jobs), int(held)


def main(name: str, port: str, store: str, rows: str, quiet: str) -> None:
    """Ask, with a budget, until somebody kills this process."""
    gateway = open_batch_gateway(Path(store), BatchTiming(quiet=float(quiet)))
    print("asking", flush=True)
    ask(
        gateway, batched(name, LoopbackProcess(int(port), 0)), words(int(rows)), Budget(usd=1_000.0)
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
