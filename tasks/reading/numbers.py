"""Numbers on a scale, as models write them."""

from __future__ import annotations

import re

from llms.errors import RowRejected

# "4", "**4**", "4/5", "4 out of 5", "4.0", "4 - good"; not "3-4", "3 or 4", "<4>5".
_NUMBER = re.compile(
    r"(?P<before>[^\w\n\-\u2212]*)(?P<sign>[-\u2212]?)(?P<value>\d+(?:\.\d+)?)(?![.,]?\d)"
    r"\s*(?:(?:/|out of|of)\s*(?P<most>\d+))?(?P<rest>\D*)"
)


def on_scale(text: str, low: int, high: int, what: str) -> float:
    """Return the number that the first line of a text gives; `what` says what it is.

    Raises:
        RowRejected: there is none from `low` to `high`, or more than one.
    """
    line = text.strip().partition("\n")[0].strip()
    match = _NUMBER.fullmatch(line)
    found = float(match["value"]) if match else None
    if match is None or match["sign"] or int(match["most"] or high) != high:
        found = None
    if found is None or not low <= found <= high:
        raise RowRejected(f"{what} is {line!r:.80}, not a number from {low} to {high}")
    return found


def whole_on_scale(text: str, low: int, high: int, what: str) -> int:
    """Return the whole number that the first line of a text gives.

    Raises:
        RowRejected: there is none from `low` to `high`, or more than one.
    """
    try:
        found = on_scale(text, low, high, what)
    except RowRejected:
        found = 0.5
    if not found.is_integer():
        line = text.strip().partition("\n")[0].strip()
        raise RowRejected(f"{what} is {line!r:.80}, not a whole number from {low} to {high}")
    return int(found)
