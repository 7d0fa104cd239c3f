"""`BatchDesk`: answers requests by batch jobs of their account."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llms.batches.account import AccountJobs
from llms.batches.timing import BatchTiming
from llms.chat import Completion
from llms.errors import TransientError
from llms.providers.batched import BatchedLLM
from llms.retries import RetryPolicy
from llms.spending import NOTHING, Amount, Booking
from llms.store import CompletionStore

if TYPE_CHECKING:
    from llms.budget import Purse


class BatchDesk:
    """Answers requests by batch jobs of their account.

    Requests that come soon after each other go into one job. A job is written down before it is
    submitted, and bears our name for it: after a kill at any moment it is found again, and nothing
    is submitted twice. Each answer is stored and charged when it is fetched, whether or not anybody
    still waits for it; what failed or expired is submitted again while somebody does.
    """

    def __init__(self, store: CompletionStore, policy: RetryPolicy, timing: BatchTiming) -> None:
        self._store = store
        self._policy = policy
        self._timing = timing
        self._accounts: dict[str, asyncio.Task[AccountJobs]] = {}

    async def answer(
        self,
        llm: BatchedLLM,
        key: str,
        body: Mapping[str, Any],
        most: Amount,
        purse: Purse | None,
    ) -> Completion:
        """Return the answer to a request once its job is done; it is stored and charged then.

        `most` is the most that it can cost.

        Raises:
            BatchPending: the job goes on, and the model says not to wait for it.
            LLMError: no answer came.
        """
        account = await self._account(llm)
        look_every = llm.offline_batch_generation_block_until_done
        attempt = 1
        while True:
            try:
                if account.asks(key):
                    return await account.wait(key, look_every)
                stored = await self._store.get(key)
                account.claim(key)
                if isinstance(stored, Completion):
                    return stored
                return await self._ask(account, key, body, most, purse, look_every)
            except TransientError as error:
                if attempt >= self._policy.attempts:
                    raise
                await asyncio.sleep(self._policy.wait_after(attempt, error))
                attempt += 1

    def claim(self, key: str) -> bool:
        """Tell, once, whether a job brought an answer that nobody waited for."""
        opened = [task.result() for task in self._accounts.values() if _succeeded(task)]
        return any(account.claim(key) for account in opened)

    async def close(self) -> None:
        """Stop looking at jobs; they go on, and a later process fetches them."""
        for opening in self._accounts.values():
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
            if _succeeded(opening):
                await opening.result().close()
        self._accounts.clear()

    async def _ask(
        self,
        account: AccountJobs,
        key: str,
        body: Mapping[str, Any],
        most: Amount,
        purse: Purse | None,
        look_every: float | None,
    ) -> Completion:
        """Put a request into a job; what the purse reserves for it becomes the job's."""
        if purse is None:
            return await account.ask(key, body, NOTHING, Booking(), look_every)
        await purse.reserve(most)
        try:
            return await account.ask(key, body, most, purse.booking(NOTHING), look_every)
        finally:
            kept = account.withdraw(key)
            purse.settle(most, NOTHING if kept else most)

    async def _account(self, llm: BatchedLLM) -> AccountJobs:
        """Return the account's jobs, taken up once."""
        opening = self._accounts.get(llm.account)
        if opening is None or (opening.done() and not _succeeded(opening)):
            opening = self._accounts[llm.account] = asyncio.create_task(self._opened(llm))
        return await asyncio.shield(opening)

    async def _opened(self, llm: BatchedLLM) -> AccountJobs:
        account = AccountJobs(llm, self._store, self._policy, self._timing)
        try:
            await account.open()
        except BaseException:
            await account.close()
            raise
        return account


def _succeeded(opening: asyncio.Task[AccountJobs]) -> bool:
    return opening.done() and not opening.cancelled() and opening.exception() is None
