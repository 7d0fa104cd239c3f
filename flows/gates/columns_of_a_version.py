"""`Column`: a column of a version in one configuration, as gates read it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from flows.gates.examples import MOST_EXAMPLES, MOST_KEYS, examples_of, excerpt
from flows.gates.texts import text_in
from flows.gates.verdict import Verdict
from flows.versions.saved import SavedVersion
from tasks.column_types import fields_of, inner_of

ROW, VALUE = "row", "value"
"""Columns of what `Column` reads: the number of the row in its configuration, and the value."""


@dataclass(frozen=True)
class Column:
    """A column of a version, in one of its configurations and with all its splits.

    `name` is the column's, or `a.b` for a field of a struct.
    """

    version: SavedVersion
    configuration: str
    name: str
    kind: pl.DataType
    expression: pl.Expr

    @property
    def subject(self) -> str:
        """The name as verdicts have it: with the configuration where there are several."""
        return subject_of(self.version, self.configuration, self.name)

    @property
    def is_list(self) -> bool:
        """Whether each row holds a list of plain values, which are then looked at one by one."""
        return isinstance(self.kind, pl.List) and not inner_of(self.kind).is_nested()

    @property
    def holds_numbers(self) -> bool:
        """Whether it holds numbers, or lists of these."""
        kind = inner_of(self.kind) if isinstance(self.kind, pl.List) else self.kind
        return kind.is_numeric() or kind == pl.Null

    @property
    def holds_text(self) -> bool:
        """Whether there is text anywhere in it."""
        return self.kind == pl.Null or text_in(self.kind, self.expression) is not None

    def values(self) -> pl.DataFrame:
        """Return the value of each row."""
        return self._read(self.expression)

    def items(self) -> pl.DataFrame:
        """Return the values that are not null; those of a list are one by one."""
        values = self.values()
        if self.is_list:
            values = values.explode(VALUE, empty_as_null=True)
        return values.drop_nulls(VALUE)

    def texts(self, separator: str = "\n") -> pl.DataFrame:
        """Return the texts that are not null, those of a list one by one.

        The messages of a chat, and the texts in any other nested value, are joined to one.
        """
        if self.kind == pl.Null:
            return pl.DataFrame(schema={ROW: pl.UInt32, VALUE: pl.String})
        if self.is_list:
            return self.items().with_columns(pl.col(VALUE).cast(pl.String))
        text = text_in(self.kind, self.expression, separator)
        return self._read(pl.lit(None, pl.String) if text is None else text).drop_nulls(VALUE)

    def examples(self, found: pl.DataFrame, *, quoted: bool = True) -> str:
        """Say which rows were found, in brackets: up to three of them with their values."""
        first = found.unique(ROW, keep="first", maintain_order=True).head(MOST_EXAMPLES)
        values = first[VALUE].to_list()
        shown = [excerpt(value) if quoted else str(value) for value in values]
        return examples_of(self.keys(first[ROW]), shown)

    def keys(self, rows: Iterable[int]) -> tuple[str, ...]:
        """Return the keys of up to 20 rows that are named by their numbers."""
        wanted = list(dict.fromkeys(rows))[:MOST_KEYS]
        if not wanted:
            return ()
        return tuple(self.version.keys(self.configuration).gather(wanted))

    def _read(self, values: pl.Expr) -> pl.DataFrame:
        rows = self.version.scan(self.configuration)
        return rows.select(
            pl.int_range(pl.len(), dtype=pl.UInt32).alias(ROW), values.alias(VALUE)
        ).collect()


def in_each_configuration(
    gate: str, version: SavedVersion, name: str, check: Callable[[Column], Iterator[Verdict]]
) -> Iterator[Verdict]:
    """Check a column in every configuration that has it; that none has it is a failed verdict."""
    columns = columns_named(version, name)
    if not columns:
        yield no_such_column(gate, version, name)
    for column in columns:
        yield from check(column)


def columns_named(version: SavedVersion, name: str) -> list[Column]:
    """Return a column in every configuration that has it."""
    found = []
    for configuration in version.configurations:
        schema = version.scan(configuration).collect_schema()
        first, *fields = [name] if name in schema else name.split(".")
        kind, values = schema.get(first), pl.col(first)
        for field in fields:
            kind = fields_of(kind).get(field) if isinstance(kind, pl.Struct) else None
            values = values.struct.field(field)
        if kind is not None:
            found.append(Column(version, configuration, name, kind, values))
    return found


def text_columns(version: SavedVersion) -> list[Column]:
    """Return all columns of all configurations that hold text."""
    names = dict.fromkeys(
        name
        for configuration in version.configurations
        for name in version.scan(configuration).collect_schema().names()
    )
    columns = [column for name in names for column in columns_named(version, name)]
    return [column for column in columns if column.holds_text and column.kind != pl.Null]


def no_such_column(gate: str, version: SavedVersion, name: str) -> Verdict:
    """Return the verdict on a column that does not exist."""
    listed = [
        ", ".join(version.scan(configuration).collect_schema().names())
        + (f" in {configuration!r}" if len(version.configurations) > 1 else "")
        for configuration in version.configurations
    ]
    sentence = f"There is no column {name!r}; the columns are: {'; '.join(listed)}."
    return Verdict(gate, name, False, None, "the column exists", sentence)


def unfit(gate: str, column: Column, wanted: str) -> Verdict:
    """Return the verdict on a column whose type a gate cannot check."""
    sentence = f"The column {column.subject!r} holds no {wanted}; its type is {column.kind}."
    return Verdict(gate, column.subject, False, str(column.kind), wanted, sentence)


def subject_of(version: SavedVersion, configuration: str, name: str) -> str:
    """Name a column, with its configuration where a version has several."""
    several = len(version.configurations) > 1
    return ".".join(part for part in (configuration if several else "", name) if part)
