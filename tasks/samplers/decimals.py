"""Numbers with a fixed count of decimals."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from llms.errors import ConfigurationError

_LARGEST = 2**53
"""Beyond it a float does not hold every whole number."""


def steps_between(low: float, high: float, decimals: int) -> range:
    """Return the numbers of so many decimals from `low` to `high`, counted in their last decimal.

    Raises:
        ConfigurationError: there is none, or they have more digits than a number holds.
    """
    first = Decimal(repr(low)).scaleb(decimals).to_integral_value(ROUND_CEILING)
    last = Decimal(repr(high)).scaleb(decimals).to_integral_value(ROUND_FLOOR)
    if first > last:
        raise ConfigurationError(
            f"There is no number with decimals={decimals} between low={low:g} and high={high:g}."
        )
    if max(abs(first), abs(last)) > _LARGEST:
        raise ConfigurationError(
            f"Numbers between low={low:g} and high={high:g} with decimals={decimals} have more "
            f"digits than a column of numbers holds; use fewer decimals."
        )
    return range(int(first), int(last) + 1)
