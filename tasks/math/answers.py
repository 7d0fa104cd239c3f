"""Telling whether two final answers are the same."""

from __future__ import annotations

import re
from fractions import Fraction

_WORDS = re.compile(r"\\(?:text|textbf|mathrm|mbox)\s*\{([^{}]*)\}")
_SPACING = re.compile(r"\\(?:left|right)(?![a-zA-Z])|\\[!,;: ]|~")
_DEGREES = re.compile(r"\^\s*(?:\\circ|\{\s*\\circ\s*\})|\u00b0|\\degree(?![a-zA-Z])")
_FRACTION = re.compile(r"\\[dt]frac(?![a-zA-Z])")
_SHORT_FRACTION = re.compile(r"\\frac\s*(?:\{([^{}]*)\}|(\w))\s*(?:\{([^{}]*)\}|(\w))")
_DRESS = ((_WORDS, r" \1 "), (_SPACING, " "), (_DEGREES, ""), (_FRACTION, r"\\frac"))
_VARIABLE = re.compile(r"^\s*[a-zA-Z]\s*=\s*(?=[^=]*$)")
_DIGITS = r"(?:\d{1,3}(?:(?:,|\{,\}|[\u00a0\u202f])\d{3})+|\d{1,100})"
_NUMBER = re.compile(
    rf"[\s~\u2248$\u20ac\u00a3\u00a5\u20b9]*(?:(?P<sign>[-+])[\s$\u20ac\u00a3\u00a5\u20b9]*)?"
    rf"(?:(?P<whole>{_DIGITS})?[ ]*\\frac\{{(?P<above>\d{{1,100}})\}}\{{(?P<below>\d{{1,100}})\}}"
    rf"|(?:(?P<count>{_DIGITS})[ ]+)?(?P<over>{_DIGITS})[ ]*/[ ]*(?P<under>\d{{1,100}})"
    rf"|(?P<value>{_DIGITS}(?:\.\d{{0,100}})?|\.\d{{1,100}})"
    r"(?:[ ]*(?:e|(?:\\times|\\cdot|\u00d7|\*)[ ]*10[ ]*\^)[ ]*\{?(?P<exponent>[-+]?\d{1,3})\}?)?)"
    r"(?P<unit>\s*[%\u20ac\u00a3\u00a5\u20b9]|\s+[^\W\d_]{2}[^\d\\^_=+*/<>()\[\]{}]*)?\s*",
    re.IGNORECASE,
)
_LONGEST_NUMBER = 200
"""Characters, with the unit."""
_NO_UNITS = re.compile(
    r"\s*(?:pi|sqrt|sin|cos|tan|log|ln|dozen|hundred|thousand|million|billion|trillion|or|and|to)\b",
    re.IGNORECASE,
)


def same_answer(one: str, other: str) -> bool:
    """Tell whether two answers are the same number, or else the same text.

    Numbers may have separators of thousands, a currency, a unit or a percent sign, which do not
    count, and be decimals, fractions (also in LaTeX), mixed numbers or in scientific notation.
    Texts are compared without letter case, space and the dress of LaTeX.
    """
    numbers = number_in(one), number_in(other)
    if None not in numbers:
        return numbers[0] == numbers[1]
    return _squeezed(one) == _squeezed(other)


def number_in(text: str) -> Fraction | None:
    """Return the number that a text is, without its unit; None if it is no single number."""
    match = _NUMBER.fullmatch(undressed(text)) if len(text) <= _LONGEST_NUMBER else None
    if match is None or (match["unit"] and _NO_UNITS.match(match["unit"])):
        return None
    try:
        if match["above"]:
            value = _plain(match["whole"]) + Fraction(int(match["above"]), int(match["below"]))
        elif match["over"]:
            value = _plain(match["count"]) + _plain(match["over"]) / int(match["under"])
        else:
            value = _plain(match["value"]) * Fraction(10) ** int(match["exponent"] or 0)
    except ZeroDivisionError:
        return None
    return -value if match["sign"] == "-" else value


def _plain(digits: str | None) -> Fraction:
    return Fraction(re.sub(r"[^\d.]", "", digits or "0").rstrip(".") or "0")


def undressed(text: str) -> str:
    """Return an answer in one form of LaTeX, without what only makes it look good."""
    text = text.replace("\u2212", "-").replace("\\%", "%").replace("\\$", "$")
    for pattern, replacement in _DRESS:
        text = pattern.sub(replacement, text)
    text = _SHORT_FRACTION.sub(
        lambda found: f"\\frac{{{found[1] or found[2]}}}{{{found[3] or found[4]}}}", text
    )
    text = text.strip().removesuffix(".").strip()
    if len(text) > 2 and text[0] == text[-1] == "$":
        text = text[1:-1].strip()
    return _VARIABLE.sub("", text)


def _squeezed(text: str) -> str:
    return "".join(undressed(text).split()).casefold()
