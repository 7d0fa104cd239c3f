"""Whether a share of rows rose or fell by more than chance would do."""

from __future__ import annotations

import math

_WORTH_NAMING = 0.02


def moved(now: int, of_now: int, before: int, of_before: int, *, deviations: float) -> bool:
    """Tell whether a share moved by two points and by more than so many standard errors."""
    if not of_now or not of_before:
        return False
    both = (now + before) / (of_now + of_before)
    error = math.sqrt(both * (1 - both) * (1 / of_now + 1 / of_before))
    difference = abs(now / of_now - before / of_before)
    return difference > _WORTH_NAMING and difference > deviations * error
