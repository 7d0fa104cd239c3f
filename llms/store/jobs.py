"""Batch jobs of providers that a later process may have to fetch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from llms.spending import Amount, Booking
from llms.store.database import Connection


@dataclass(frozen=True, slots=True)
class BatchJob:
    """A job at a provider: the answers it brings (`keys`), and to whom they are charged.

    `token` is our own name for it, known before the provider's `job_id`; `created` is in seconds
    since 1970. `submitter` is the process that submits it, by `this_process()`.
    """

    token: str
    account: str
    job_id: str | None
    keys: tuple[str, ...]
    created: float
    booking: Booking
    submitter: str = ""


def save(connection: Connection, job: BatchJob) -> None:
    """Store a job in place of the one with its token."""
    keys, booking = json.dumps(job.keys), json.dumps(asdict(job.booking))
    connection.execute(
        "INSERT INTO jobs (token, account, job_id, keys, created, booking, submitter) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (token) DO UPDATE SET "
        "account = excluded.account, job_id = excluded.job_id, keys = excluded.keys, "
        "created = excluded.created, booking = excluded.booking, submitter = excluded.submitter",
        (job.token, job.account, job.job_id, keys, job.created, booking, job.submitter),
    )


def of_account(connection: Connection, account: str) -> list[BatchJob]:
    """Return the jobs of an account, oldest first."""
    rows = connection.execute(
        "SELECT token, account, job_id, keys, created, booking, submitter FROM jobs "
        "WHERE account = ? "
        "ORDER BY created, token",
        (account,),
    )
    return [
        BatchJob(
            token, owner, job_id, tuple(json.loads(keys)), created, _booking(booking), submitter
        )
        for token, owner, job_id, keys, created, booking, submitter in rows
    ]


def remove(connection: Connection, token: str) -> list[str]:
    """Forget a job and return the holder of its booking."""
    rows = connection.execute("DELETE FROM jobs WHERE token = ? RETURNING booking", (token,))
    return [_booking(booking).holder for (booking,) in rows]


def _booking(written: str) -> Booking:
    value = json.loads(written)
    accounts, amount = tuple(value["accounts"]), Amount(**value["amount"])
    return Booking(accounts, value["pipeline"], value["holder"], amount)
