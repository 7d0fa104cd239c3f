"""Templates of the page and the charts: Jinja2, everything escaped."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from flows.comparison.excerpts import is_turns
from flows.comparison.wording import number, percent
from flows.reporting.accounts import cost_of
from llms.spending import dollars
from tasks.generated import METADATA

_TEMPLATES = Path(__file__).parent / "templates"
_WEB = re.compile(r"https?://[^\s<>\"]+$", re.IGNORECASE)
_SHORT = 40
_CODE = re.compile(r"`([^`]+)`")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\u202a-\u202e\u2066-\u2069]")


def rendered_text(template: str, **values: Any) -> str:
    """Fill a template; what it makes of the values is escaped."""
    return _ENVIRONMENT.get_template(template).render(values)


def rendered(template: str, **values: Any) -> Markup:
    """Fill a template that becomes part of another one."""
    return Markup(rendered_text(template, **values))


def printable(value: Any) -> str:
    """Return text without the characters that no page may hold or that turn its direction."""
    return _UNPRINTABLE.sub("\ufffd", str(value))


def sentence(text: str) -> Markup:
    """Return a sentence with what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(printable(text)))))


def web_address(link: str) -> bool:
    """Tell whether a link leads to a page, and not to a script."""
    return bool(_WEB.match(link))


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def count(value: float) -> str:
    """Return a whole number with its thousands apart."""
    return f"{value:,.0f}"


def as_json(value: Any) -> str:
    """Return a value as readable JSON."""
    return json.dumps(value, ensure_ascii=False, indent=1)


def clipped(text: str, width: int) -> str:
    """Return one line of text of at most so many letters; wide ones count twice."""
    line = " ".join(text.split())
    taken = 0
    for place, letter in enumerate(line):
        taken += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if taken > width:
            return line[: max(1, place - 1)] + "…"
    return line


@dataclass(frozen=True, slots=True)
class Folded:
    """A text of which the beginning is shown, and the rest on demand."""

    beginning: str
    rest: str


def folded(text: str, letters: int = 420) -> Folded:
    """Cut a text after so many letters, at a space; a text that is a little longer stays whole."""
    if len(text) <= letters * 1.25:
        return Folded(text, "")
    cut = text.rfind(" ", 0, letters)
    cut = cut if cut > letters // 2 else letters
    return Folded(text[:cut], text[cut:].lstrip())


def is_short(value: Any) -> bool:
    """Tell whether a value is a number, a truth value, null or a few words."""
    return (
        value is None
        or isinstance(value, (bool, int, float))
        or (isinstance(value, str) and 0 < len(value) <= _SHORT and "\n" not in value)
    )


def range_of(value: Mapping[str, float] | None, of: Callable[[float], str] = count) -> str:
    """Return what is expected, and in brackets from where to where it may be."""
    if value is None:
        return "unknown"
    low, expected, high = (of(value[name]) for name in ("low", "expected", "high"))
    return expected if low == high else f"{expected} ({low} to {high})"


def _clean(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else value


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=lambda value: value if isinstance(value, Markup) else _clean(value),
)

_ENVIRONMENT.filters.update(
    clipped=clipped,
    count=count,
    dollars=dollars,
    duration=duration,
    folded=folded,
    json=as_json,
    number=number,
    percent=percent,
    sentence=sentence,
)
_ENVIRONMENT.tests.update(turns=is_turns, short=is_short)
_ENVIRONMENT.globals.update(
    range_of=range_of, count_of=count, dollars=dollars, cost_of=cost_of, metadata=METADATA
)
