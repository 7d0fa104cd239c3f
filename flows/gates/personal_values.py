"""Personal data in texts: addresses and numbers that belong to one person."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, get_args

import polars as pl

from flows.gates.columns_of_a_version import VALUE

Kind = Literal["email", "phone", "credit_card", "iban", "ip_address", "us_ssn"]
KINDS: tuple[Kind, ...] = get_args(Kind)

KIND, SHOWN = "kind", "shown"
"""Columns of what is found: what kind of personal data, and its first two characters."""

_EMAIL = re.compile(r"(?<![\w.+-])([\w.+-]+)@((?:[\w-]+\.)+[^\W\d_]{2,})(?![\w-])")
_NOBODY = re.compile(
    r"(?:git|no-?reply)@|.*[@.](?:example(?:\.\w+)?|test|invalid|localhost)$", re.I
)
_CARD = re.compile(r"(?<![\w.-])(?<!\d{4} )\d(?:[ -]?\d){12,18}(?![\w-]| \d{4}(?!\d))")
_ISSUED = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|"
    r"3(?:0[0-59]|[689]\d)\d{11}|35\d{14}|6\d{15,18}"
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_IP = re.compile(r"(?<![\w.:=-])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]{3,39}+)(?![\w:]|\.\d)")
_A_VERSION = re.compile(r"(?:version|release|chapter|section|v)\s*$", re.I)
_SSN = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")
_FICTIONAL = re.compile(r"55501\d\d$")
_PLAIN_NUMBER = 9

_MAY_HOLD: dict[Kind, str] = {
    "email": r"\w@\w",
    "phone": r"[+(\d][\d\s().\-/]{5,}\d",
    "credit_card": r"\d(?:[ -]?\d){12}",
    "iban": r"\b[A-Z]{2}\d{2} ?[A-Z0-9]{4}",
    "ip_address": r"\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f]*:",
    "us_ssn": r"\d{3}-\d{2}-\d{4}",
}
"""What a text must look like for a closer look; polars runs these over a whole column."""


@dataclass(frozen=True, slots=True)
class PersonalValues:
    """Finds personal data of some kinds in texts.

    Cards, IBANs and US social security numbers count if their check digits and ranges are right
    (python-stdnum), telephone numbers if they can be dialled and are written in groups or with a +
    (phonenumbers; without a + they must be of one of the `countries`), IP addresses if they are
    public. What is reserved for examples (example.com, 555-01xx) does not count, nor does what is
    in `ignore`, in small letters.
    """

    kinds: Sequence[Kind] = KINDS
    countries: Sequence[str] = ("US", "GB")
    ignore: frozenset[str] = frozenset()

    def find(self, texts: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of a frame with a column `value` of texts in which something is found.

        The first finding of each kind is in `kind` and `shown`, the latter masked.
        """
        return pl.concat([self._find(kind, texts) for kind in self.kinds])

    def _find(self, kind: Kind, texts: pl.DataFrame) -> pl.DataFrame:
        values_of = _FINDERS[kind]
        likely = texts.filter(pl.col(VALUE).str.contains(_MAY_HOLD[kind]))
        found = [self._first(values_of(text, self.countries)) for text in likely[VALUE]]
        return likely.with_columns(
            pl.lit(kind).alias(KIND), pl.Series(SHOWN, found, dtype=pl.String)
        ).filter(pl.col(SHOWN).is_not_null())

    def _first(self, values: Iterable[str]) -> str | None:
        known = (value for value in values if value.lower() not in self.ignore)
        first = next(known, None)
        return None if first is None else f"{first[:2]}***"


def _emails(text: str, _: Sequence[str]) -> Iterator[str]:
    for match in _EMAIL.finditer(text):
        if not _NOBODY.match(match[0]):
            yield match[0]


def _phones(text: str, countries: Sequence[str]) -> Iterator[str]:
    from phonenumbers import Leniency, PhoneNumberMatcher

    regions: list[str | None] = [*countries] or [None]
    for country in regions:
        matches = PhoneNumberMatcher(text, country, leniency=Leniency.STRICT_GROUPING)
        for match in matches:
            groups = re.findall(r"\d+", match.raw_string)
            abroad = "+" + groups[0] in match.raw_string or groups[0].startswith("00")
            grouped = len(groups) > 1 and max(map(len, groups)) < _PLAIN_NUMBER
            if (abroad or grouped) and not _FICTIONAL.search("".join(groups)):
                yield match.raw_string


def _cards(text: str, _: Sequence[str]) -> Iterator[str]:
    from stdnum import luhn

    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _ISSUED.fullmatch(digits) and luhn.is_valid(digits):
            yield match[0]


def _ibans(text: str, _: Sequence[str]) -> Iterator[str]:
    from stdnum import iban

    for match in _IBAN.finditer(text):
        if iban.is_valid(match[0]):
            yield match[0]


def _ip_addresses(text: str, _: Sequence[str]) -> Iterator[str]:
    for match in _IP.finditer(text):
        try:
            public = ip_address(match[0]).is_global
        except ValueError:
            continue
        if public and not _A_VERSION.search(text, max(0, match.start() - 10), match.start()):
            yield match[0]


def _social_security_numbers(text: str, _: Sequence[str]) -> Iterator[str]:
    from stdnum.us import ssn

    for match in _SSN.finditer(text):
        if ssn.is_valid(match[0]):
            yield match[0]


_FINDERS: dict[Kind, Callable[[str, Sequence[str]], Iterator[str]]] = {
    "email": _emails,
    "phone": _phones,
    "credit_card": _cards,
    "iban": _ibans,
    "ip_address": _ip_addresses,
    "us_ssn": _social_security_numbers,
}
