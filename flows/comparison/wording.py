"""Numbers, shares and quoted values as sentences have them."""

from __future__ import annotations

_QUOTED = 80


def number(value: float) -> str:
    """Return a number with as many digits as people read."""
    if abs(value) >= 1000 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """Return a share in per cent."""
    digits = 1 if 0 < share < 0.1 or 0.9 < share < 1 else 0
    return f"{100 * share:.{digits}f}".removesuffix(".0") + "%"


def quoted(value: object) -> str:
    """Return a name or a text from the data as code, in which nothing has a meaning."""
    text = " ".join(str(value).replace("`", "'").split()) or '""'
    return f"`{text if len(text) <= _QUOTED else text[: _QUOTED - 1] + '…'}`"
