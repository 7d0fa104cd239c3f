"""The gate `personal_data`: addresses and numbers of people in what would be published."""

from collections.abc import Iterator

import polars as pl
from pydantic import Field, field_validator

from flows.gates.columns_of_a_version import ROW, columns_named, no_such_column, text_columns, unfit
from flows.gates.examples import MOST_EXAMPLES, MOST_KEYS, examples_of, frequencies
from flows.gates.gate import Gate, Share
from flows.gates.personal_values import KIND, KINDS, SHOWN, Kind, PersonalValues
from flows.gates.published_texts import texts_beside
from flows.gates.verdict import Verdict, percent
from flows.versions.saved import SavedVersion
from llms.errors import ConfigurationError
from tasks.packages import check_packages
from tasks.row import KEY


class PersonalData(Gate):
    """Which share of the rows holds personal data, see `PersonalValues`.

    Every row is looked at, and what is published beside the rows: rejected rows with raw replies,
    and the answers and sources that a version keeps. Sentences show the first two characters of
    what was found. Names and postal addresses are not found, nor is anything in artifacts.
    """

    columns: tuple[str, ...] = Field(
        default=(), description="Columns that are looked at; left out: all that hold text"
    )
    kinds: tuple[Kind, ...] = Field(
        default=KINDS, min_length=1, description="Kinds of personal data that are looked for"
    )
    at_most: Share = Field(
        default=0.0, description="Largest share of rows (or answers) that may hold any"
    )
    countries: tuple[str, ...] = Field(
        default=("US", "GB"),
        description="Countries (ISO 3166 codes) whose telephone numbers are known without a +",
    )
    ignore: tuple[str, ...] = Field(
        default=(), description="Values that may be published, such as a support address"
    )
    beside_the_rows: bool = Field(
        default=True, description="Look at rejections, kept answers and kept sources too"
    )

    @field_validator("ignore")
    @classmethod
    def _in_small_letters(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(item.strip().lower() for item in value)

    def prepare(self) -> None:
        check_packages("The gate 'personal_data'", "pii", "phonenumbers", "stdnum")
        from phonenumbers import SUPPORTED_REGIONS

        for country in self.countries:
            if country not in SUPPORTED_REGIONS:
                raise ConfigurationError(
                    f"The gate 'personal_data' does not know the country {country!r}; name it by "
                    f"its ISO 3166 code, such as 'US' or 'DE'."
                )

    def check(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        self.prepare()
        detector = PersonalValues(self.kinds, self.countries, frozenset(self.ignore))
        for name in self.columns:
            if not columns_named(version, name):
                yield no_such_column("personal_data", version, name)
        named = [column for name in self.columns for column in columns_named(version, name)]
        for column in named if self.columns else text_columns(version):
            if not column.holds_text:
                yield unfit("personal_data", column, "text")
                continue
            found = detector.find(column.texts()).unique(ROW, keep="first", maintain_order=True)
            rows = version.rows_of(column.configuration)
            yield self._verdict(column.subject, "rows", rows, found, column.keys(found[ROW]))
        for beside in texts_beside(version) if self.beside_the_rows else ():
            found = detector.find(beside.texts).unique(KEY, keep="first", maintain_order=True)
            keys = tuple(found[KEY].head(MOST_KEYS))
            what = "rejected rows" if beside.place == "rejections" else "records"
            yield self._verdict(beside.place, what, beside.texts.height, found, keys)

    def _verdict(
        self, subject: str, what: str, looked_at: int, found: pl.DataFrame, keys: tuple[str, ...]
    ) -> Verdict:
        share = found.height / looked_at if looked_at else 0.0
        wanted = f"at most {percent(self.at_most)}"
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in frequencies(found[KIND]))
        sentence = (
            f"{percent(share)} of the {what} hold personal data in {subject!r} "
            f"({found.height:,} of {looked_at:,}{': ' if kinds else ''}{kinds})"
        )
        if share <= self.at_most:
            return Verdict("personal_data", subject, True, share, wanted, f"{sentence}.")
        first = found.select(KIND, SHOWN).head(MOST_EXAMPLES).iter_rows()
        shown = [" ".join(finding) for finding in first]
        sentence += f", and {wanted} may{examples_of(keys, shown)}."
        return Verdict("personal_data", subject, False, share, wanted, sentence, keys)
