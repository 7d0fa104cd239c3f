"""What the store asks of a database engine.

Both engines understand the same SQL where it matters (ON CONFLICT, RETURNING), so every statement
is written once, with `?` for a value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from llms.errors import StoreError

T = TypeVar("T")
Row = tuple[Any, ...]

PATIENCE = 60.0
"""Seconds to wait for another process that holds the database."""
_ROWS_PER_STATEMENT = 500


class Connection(ABC):
    """One connection, used by one thread at a time."""

    @abstractmethod
    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run one statement and return its rows."""

    @abstractmethod
    def transact(self, work: Callable[[], T]) -> T:
        """Run `work`, which executes statements on this connection, as one transaction.

        It is durable when this returns. `work` may run a second time, when the connection was lost
        before the first time was committed.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the connection."""


class Database(ABC):
    """Where a store is: opens connections and knows what differs between engines.

    `name` is shown to users and holds no password. A `local` database answers in microseconds, so
    that an event loop may ask it without a thread.
    """

    name: str
    local: bool

    @abstractmethod
    def prepare(self) -> None:
        """Make the tables if there are none.

        Raises:
            StoreError: the tables are of an unknown layout.
        """

    @abstractmethod
    def connect(self, patience: float = PATIENCE) -> Connection:
        """Open a connection that waits `patience` seconds for locks of other processes."""

    @abstractmethod
    def size(self, connection: Connection) -> int:
        """Return the bytes on disk."""

    @abstractmethod
    def free_space(self, connection: Connection) -> None:
        """Give the room of deleted rows back."""

    @abstractmethod
    def is_busy(self, error: Exception) -> bool:
        """Tell whether an error means that another process holds the database."""

    @abstractmethod
    def advice(self, error: Exception) -> str:
        """Tell a user what to do about an error, as the second half of a sentence."""

    def unusable(self, error: Exception) -> StoreError:
        """Put an error of the engine into one sentence."""
        if isinstance(error, StoreError):
            return error
        reason = " ".join(str(error).split()) or type(error).__name__
        return StoreError(
            f"The completion store {self.name!r} cannot be used ({reason}); {self.advice(error)}."
        )

    def closed(self) -> StoreError:
        """Say that the store was closed."""
        return StoreError(f"The completion store {self.name!r} is closed; open it anew.")

    def of_another_layout(self, found: object, known: int) -> StoreError:
        """Say that another version of this program made the tables."""
        return StoreError(
            f"The completion store {self.name!r} was made by another version of Stillhouse (its "
            f"layout is {found}, this version reads {known}); update Stillhouse, or name another "
            f"store with STILLHOUSE_STORE."
        )


def places(rows: Sequence[Row]) -> str:
    """Return the place holders of some rows of values: `(?, ?), (?, ?)`."""
    row = f"({', '.join('?' * len(rows[0]))})"
    return ", ".join([row] * len(rows))


def flat(rows: Sequence[Row]) -> list[Any]:
    """Return the values of rows in the order of their place holders."""
    return [value for row in rows for value in row]


def portions(items: Sequence[T]) -> Iterator[list[T]]:
    """Cut what is too long for one statement."""
    left = iter(items)
    while portion := list(islice(left, _ROWS_PER_STATEMENT)):
        yield portion
