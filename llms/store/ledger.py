"""The books: what every account has spent, and what processes have reserved on it.

A reservation lives as long as its process and is renewed; the money of a process that was killed
is free again at once on its own machine, and after two minutes on others. What a batch job may cost
is reserved in the job's own name, and outlives the process.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from llms.spending import Amount, Booking, Limit
from llms.store.database import Connection, flat, places, portions
from llms.store.processes import has_ended

RENEWAL_SECONDS = 120.0
"""A reservation that was not renewed for so long no longer counts."""

_JOB_SECONDS = 30 * 86_400.0
_JOB = "job:"


def job_holder(token: str) -> str:
    """Return the name under which a batch job holds what it may cost."""
    return f"{_JOB}{token}"


def book(connection: Connection, bookings: Iterable[Booking]) -> None:
    """Charge accounts, and take the charges from what their holders had reserved."""
    charged: defaultdict[str, Amount] = defaultdict(Amount)
    held: defaultdict[tuple[str, str], Amount] = defaultdict(Amount)
    for booking in bookings:
        for account in booking.accounts:
            charged[account] += booking.amount
            if booking.holder:
                held[account, booking.holder] += booking.amount
    _add(connection, charged)
    for (account, holder), amount in sorted(held.items(), key=lambda item: item[0]):
        _lower(connection, account, holder, amount)


def close(connection: Connection, account: str, name: str) -> None:
    """Move what was booked to an account to another name."""
    rows = connection.execute(
        "DELETE FROM accounts WHERE account = ? RETURNING nanodollars, tokens, requests", (account,)
    )
    for numbers in rows:
        _add(connection, {name: Amount(*numbers)})


def spent(connection: Connection, account: str) -> Amount:
    """Return what was booked to an account."""
    rows = connection.execute(
        "SELECT nanodollars, tokens, requests FROM accounts WHERE account = ?", (account,)
    )
    return Amount(*rows[0]) if rows else Amount()


def spending(connection: Connection, prefix: str) -> dict[str, Amount]:
    """Return what was booked to every account whose name starts so, in the order of names."""
    rows = connection.execute(
        "SELECT account, nanodollars, tokens, requests FROM accounts "
        "WHERE substr(account, 1, ?) = ?",
        (len(prefix), prefix),
    )
    return {account: Amount(*numbers) for account, *numbers in sorted(rows)}


def reserved(connection: Connection, account: str, now: float, *, jobs: bool) -> Amount:
    """Return what is reserved on an account by processes that live, with or without batch jobs."""
    return _reservations(connection, account, now, jobs=jobs)[0]


def reserve(
    connection: Connection, account: str, holder: str, amount: Amount, limit: Limit, now: float
) -> bool:
    """Reserve an amount if it fits; inside a transaction, which keeps others off the account."""
    # Writing the account first holds it, in both engines, until the transaction ends.
    [numbers] = connection.execute(
        "INSERT INTO accounts (account, nanodollars, tokens, requests) VALUES (?, 0, 0, 0) "
        "ON CONFLICT (account) DO UPDATE SET nanodollars = accounts.nanodollars "
        "RETURNING nanodollars, tokens, requests",
        (account,),
    )
    live, dead = _reservations(connection, account, now, jobs=True)
    for each in dead:
        connection.execute(
            "DELETE FROM reservations WHERE account = ? AND holder = ?", (account, each)
        )
    if not limit.allows(Amount(*numbers) + live + amount):
        return False
    connection.execute(
        "INSERT INTO reservations (account, holder, nanodollars, tokens, requests, renewed) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account, holder) DO UPDATE SET "
        "nanodollars = reservations.nanodollars + excluded.nanodollars, "
        "tokens = reservations.tokens + excluded.tokens, "
        "requests = reservations.requests + excluded.requests, renewed = excluded.renewed",
        (account, holder, *_numbers(amount), now),
    )
    return True


def pass_on(connection: Connection, holder: str, booking: Booking, now: float) -> None:
    """Move an amount that a holder has reserved to the holder of a booking, a batch job."""
    for account in sorted(booking.accounts):
        if _lower(connection, account, holder, booking.amount):
            # As if renewed in the future: nobody renews what a job holds.
            connection.execute(
                "INSERT INTO reservations (account, holder, nanodollars, tokens, requests, renewed)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (account, booking.holder, *_numbers(booking.amount), now + _JOB_SECONDS),
            )


def renew(connection: Connection, holder: str, now: float) -> None:
    """Say that a holder still lives."""
    connection.execute("UPDATE reservations SET renewed = ? WHERE holder = ?", (now, holder))


def release(connection: Connection, holder: str, account: str | None = None) -> None:
    """Drop what a holder has reserved, on one account or on all."""
    connection.execute(
        "DELETE FROM reservations WHERE holder = ? AND account = COALESCE(?, account)",
        (holder, account),
    )


def _lower(connection: Connection, account: str, holder: str, amount: Amount) -> bool:
    """Take an amount from what a holder has reserved; False if it has reserved nothing."""
    lowered = ", ".join(
        f"{part} = CASE WHEN {part} > ? THEN {part} - ? ELSE 0 END"
        for part in ("nanodollars", "tokens", "requests")
    )
    twice = [number for number in _numbers(amount) for _ in range(2)]
    rows = connection.execute(
        f"UPDATE reservations SET {lowered} WHERE account = ? AND holder = ? RETURNING holder",
        [*twice, account, holder],
    )
    return bool(rows)


def _reservations(
    connection: Connection, account: str, now: float, *, jobs: bool
) -> tuple[Amount, list[str]]:
    """Return the sum of the living reservations of an account, with or without those of batch jobs,
    and the holders of dead ones.
    """
    live, dead = Amount(), []
    for holder, renewed, *numbers in connection.execute(
        "SELECT holder, renewed, nanodollars, tokens, requests FROM reservations WHERE account = ?",
        (account,),
    ):
        if now - renewed > RENEWAL_SECONDS or has_ended(holder):
            dead.append(holder)
        elif jobs or not holder.startswith(_JOB):
            live += Amount(*numbers)
    return live, dead


def _numbers(amount: Amount) -> tuple[int, int, int]:
    return amount.nanodollars, amount.tokens, amount.requests


def _add(connection: Connection, amounts: Mapping[str, Amount]) -> None:
    """Add to what was booked, in one order everywhere: two processes cannot lock each other."""
    rows = [(account, *_numbers(amount)) for account, amount in sorted(amounts.items())]
    for portion in portions(rows):
        connection.execute(
            f"INSERT INTO accounts (account, nanodollars, tokens, requests) "
            f"VALUES {places(portion)} ON CONFLICT (account) DO UPDATE SET "
            f"nanodollars = accounts.nanodollars + excluded.nanodollars, "
            f"tokens = accounts.tokens + excluded.tokens, "
            f"requests = accounts.requests + excluded.requests",
            flat(portion),
        )
