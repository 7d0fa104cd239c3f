"""The tables of a store; `{bytes}` is the engine's type for bytes."""

from __future__ import annotations

LAYOUT = 1
"""Number of this layout; a store with another one is refused."""

TABLES = (
    """CREATE TABLE completions (
        key TEXT PRIMARY KEY,
        model TEXT NOT NULL,
        pipeline TEXT NOT NULL,
        nanodollars BIGINT,
        created DOUBLE PRECISION NOT NULL,
        answer {bytes} NOT NULL
    )""",
    # Apart from the answers: a hit then writes a few bytes, not the answer once more.
    """CREATE TABLE uses (
        key TEXT PRIMARY KEY,
        hits BIGINT NOT NULL,
        used DOUBLE PRECISION NOT NULL
    )""",
    """CREATE TABLE accounts (
        account TEXT PRIMARY KEY,
        nanodollars BIGINT NOT NULL,
        tokens BIGINT NOT NULL,
        requests BIGINT NOT NULL
    )""",
    """CREATE TABLE reservations (
        account TEXT NOT NULL,
        holder TEXT NOT NULL,
        nanodollars BIGINT NOT NULL,
        tokens BIGINT NOT NULL,
        requests BIGINT NOT NULL,
        renewed DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (account, holder)
    )""",
    """CREATE TABLE jobs (
        token TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        job_id TEXT,
        keys TEXT NOT NULL,
        created DOUBLE PRECISION NOT NULL,
        booking TEXT NOT NULL,
        submitter TEXT NOT NULL
    )""",
)
