"""`Date`: a day or a moment between two others."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from random import Random
from typing import Annotated, Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from llms.errors import ConfigurationError
from tasks.row import Row
from tasks.samplers.sampler import Sampler


def _as_moment(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError(
                f"{value!r} is no date; write it like 2026-01-31 or 2026-01-31T12:00"
            ) from error
    if not isinstance(value, date):
        raise ValueError(f"a date is text like 2026-01-31, not a {type(value).__name__}")
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    if moment.tzinfo is not None:
        raise ValueError("it has a time zone; leave that out")
    return moment


_Moment = Annotated[
    date | str, PlainValidator(_as_moment), PlainSerializer(datetime.isoformat, when_used="json")
]


class Date(Sampler):
    """Draws a day from `start` to `end`, or with a smaller `unit` a moment, both ends included.

    Moments are whole units after `start`. The column holds dates, with a unit below "day" dates
    with times, and with a `format` (of Python's `strftime`, such as "%d.%m.%Y") text.

    Raises:
        ConfigurationError: a date cannot be read, has a time zone, or `start` is after `end`.

    Example:
        >>> from random import Random
        >>> from tasks.samplers import Date
        >>> Date(start="2026-01-01", end="2026-12-31").draw(Random(1), {})
        datetime.date(2026, 3, 10)
        >>> month = Date(start="2026-01-01", end="2026-12-31", format="%B %Y")
        >>> month.draw(Random(1), {})
        'March 2026'
    """

    kind: ClassVar = "date"

    start: _Moment
    end: _Moment
    unit: Literal["day", "hour", "minute", "second"] = "day"
    format: str | None = Field(default=None, min_length=1)

    @property
    def dtype(self) -> pl.DataType:
        if self.format is not None:
            return pl.String()
        return pl.Date() if self.unit == "day" else pl.Datetime("us")

    def draw(self, random: Random, row: Row) -> date | str:
        unit = timedelta(**{f"{self.unit}s": 1})
        moment = self._start + random.randint(0, (self._end - self._start) // unit) * unit
        if self.format is not None:
            return moment.strftime(self.format)
        return moment.date() if self.unit == "day" else moment

    @property
    def _start(self) -> datetime:
        return _as_moment(self.start)

    @property
    def _end(self) -> datetime:
        return _as_moment(self.end)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self._start > self._end:
            raise ConfigurationError(
                f"Date: start={self._start.isoformat()} is after end={self._end.isoformat()}; swap "
                f"them."
            )
        return self
