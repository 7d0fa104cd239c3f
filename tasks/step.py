"""`Step`, `GeneratorStep` and `GlobalStep`: rows in, rows out, every one accounted for."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl
from pydantic import Field, field_validator, model_validator

from llms.config import Config, Operational
from llms.digest import digest
from llms.errors import ConfigurationError, RowRejected
from tasks.frames import (
    Schema,
    as_parents,
    derive,
    frame_of,
    misfits,
    require,
    rows_of,
    with_source_keys,
)
from tasks.mappings import seen_by_dataset, seen_by_step
from tasks.outcome import Outcome, StepContext
from tasks.row import KEY, PARENT, Rejection, Row, SourceKeys, copied, derived_key, visible
from tasks.signature import step_signature

Columns = Sequence[str] | Mapping[str, Any]
"""Column names; or names with a polars type, True (needed) or False (optional) for each."""


class StepGraph(Protocol):
    """The graph that steps register with."""

    def name_for(self, cls: type[Step]) -> str:
        """Return a free name for a step of a class."""

    def add(self, step: Step) -> None:
        """Take a step in."""

    def connect(self, source: Step, target: Step) -> None:
        """Draw an edge between two steps."""


current_graph: ContextVar[StepGraph | None] = ContextVar("current_graph", default=None)
"""The graph of the enclosing `with Pipeline(...)` block."""


class Step(Config):
    """Turns rows into rows.

    A step declares `inputs` and `outputs` and overrides one of two methods: `process`, which takes
    lists of rows as dicts, or `transform`, which takes a polars frame. `input_mappings` and
    `output_mappings` are `{name in the step: column of the dataset}`. `input_batch_size` is the
    number of rows that one call of `process` gets.
    """

    name: Operational[str] = Field(default="", pattern=r"^[a-zA-Z0-9_-]*$")
    input_mappings: Mapping[str, str] = Field(default_factory=dict)
    output_mappings: Mapping[str, str] = Field(default_factory=dict)
    input_batch_size: Operational[int] = Field(default=50, ge=1)
    use_cache: Operational[bool] = True
    pipeline: Operational[Any] = Field(default=None, exclude=True, repr=False)

    @property
    def inputs(self) -> Columns:
        """Columns the step reads."""
        return ()

    @property
    def outputs(self) -> Columns:
        """Columns the step makes."""
        return ()

    @cached_property
    def signature(self) -> str:
        """Digest of what the step does."""
        return step_signature(self)

    def load(self) -> None:
        """Prepare to work; called once in a process before the first rows."""

    def unload(self) -> None:
        """Release what `load` took."""

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        """Yield the rows made from some rows; this is also the way to try a step by hand.

        Called by hand, a row that fails is left out with a warning.

        Raises:
            RowRejected: every row failed.
        """
        if not inputs:
            yield []
            return
        keys = SourceKeys(None)
        frame = with_source_keys(frame_of(inputs), keys)
        outcome = self.apply(frame, StepContext())
        if outcome.rejections:
            first = outcome.rejections[0]
            said = f"{len(outcome.rejections)} of {len(inputs)} rows were rejected by step "
            said += f"{self.name!r}, the first because: {first.reason}"
            if not outcome.frame.height:
                raise RowRejected(said)
            warnings.warn(said, stacklevel=2)
        yield rows_of(outcome.frame)

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        """Make the rows of one partition; hidden columns stay on the rows they came with."""
        if type(self).process is Step.process:
            raise ConfigurationError(
                f"{type(self).__name__} overrides neither `process` nor `transform`."
            )
        return _RowByRow(self, frame, context).outcome()

    def apply(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        """Make the rows of one partition, with mappings applied.

        Raises:
            ConfigurationError: a column is missing.
        """
        inputs, outputs = self.input_mappings, self.output_mappings
        reads = typed(self.inputs)
        view = seen_by_step(as_parents(frame), inputs, outputs, self.name, reads)
        require(required(self.inputs), view, self.name)
        outcome = self.transform(view, context)
        made = seen_by_dataset(outcome.frame, inputs, outputs, set(typed(self.made)))
        return replace(outcome, frame=made.select(*visible(made.columns), KEY, PARENT))

    @property
    def made(self) -> Columns:
        """All columns the step makes, with those that its kind of step always adds."""
        return self.outputs

    def columns_after(self, before: Schema) -> Schema:
        """Return the dataset's columns after the step, for the check before a run."""
        made = {
            self.output_mappings.get(name, name): kind for name, kind in typed(self.made).items()
        }
        return {**before, **made}

    def __rshift__(self, other: Step | Sequence[Step]) -> Any:
        """`a >> b` and `a >> [b, c]`: feed this step's rows to others."""
        for target in [other] if isinstance(other, Step) else other:
            self._graph().connect(self, target)
        return other

    def __rrshift__(self, other: Sequence[Step]) -> Step:
        """`[a, b] >> c`: feed the rows of several steps to this one."""
        for source in other:
            source >> self
        return self

    def connect(self, *others: Step) -> None:
        """Feed this step's rows to others; the same as `>>`."""
        self >> others

    if not TYPE_CHECKING:  # as in Config: the signature comes from the fields

        def __init__(self, **data: Any) -> None:
            super().__init__(**data)
            if self.pipeline is not None:
                self.pipeline.add(self)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def _graph(self) -> StepGraph:
        if self.pipeline is None:
            raise ConfigurationError(
                f"Step {self.name!r} is in no pipeline; make it inside `with Pipeline(...):` "
                f"or with pipeline=, then connect it."
            )
        graph: StepGraph = self.pipeline
        return graph

    @model_validator(mode="before")
    @classmethod
    def _find_graph_and_name(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        graph = data.get("pipeline") or current_graph.get()
        name = data.get("name") or (graph.name_for(cls) if graph else f"{snake_case(cls)}_0")
        return {**data, "name": name, "pipeline": graph}


class GeneratorStep(Step):
    """Starts a pipeline: yields rows and takes none.

    It overrides `process`, which yields `(rows, is_last)`, or `frames`, which yields polars frames
    of any height. `key_columns` name the columns that identify a row: with them, an edit of another
    column keeps the row's identity. `batch_size` is the number of rows yielded at a time.
    """

    key_columns: tuple[str, ...] | None = None
    batch_size: Operational[int] = Field(default=50, ge=1)

    def process(self, offset: int = 0) -> Iterator[tuple[list[Row], bool]]:  # type: ignore[override]  # a generator takes no rows
        """Yield `(rows, is_last)` from the row at `offset` on."""
        rows: list[Row] = []
        position = 0
        for frame in self.frames():
            for row in frame.iter_rows(named=True):
                position += 1
                if position <= offset:
                    continue
                if len(rows) == self.batch_size:
                    yield rows, False
                    rows = []
                rows.append(row)
        yield rows, True

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the rows of the source as frames."""
        if type(self).process is GeneratorStep.process:
            raise ConfigurationError(
                f"{type(self).__name__} overrides neither `process` nor `frames`."
            )
        for rows, is_last in self.process():
            if rows:
                yield frame_of(rows, typed(self.outputs))
            if is_last:
                return

    def keyed_frames(self) -> Iterator[pl.DataFrame]:
        """Yield the frames with mappings applied and a key on every row.

        Raises:
            ConfigurationError: a key column is missing.
        """
        keys = SourceKeys(self.key_columns)
        for frame in self.frames():
            renamed = {k: v for k, v in self.output_mappings.items() if k in frame.columns}
            for name, column in renamed.items():
                if column != name and column in frame.columns and column not in renamed:
                    raise ConfigurationError(
                        f"Step {self.name!r} maps {name!r} to {column!r}, but it makes a column "
                        f"{column!r} as well; map that one too."
                    )
            mapped = frame.rename(renamed)
            require(self.key_columns or (), mapped, self.name)
            yield with_source_keys(mapped, keys)


class GlobalStep(Step):
    """Sees the whole dataset at once, for what cannot be done row by row."""

    def apply_to_dataset(self, dataset: pl.LazyFrame, context: StepContext) -> Outcome:
        """Make the rows of the whole dataset; override it to read only the columns needed."""
        return self.apply(dataset.collect(), context)


class FanInStep(Step):
    """Joins the rows of several steps.

    Rows belong together when they have the same key, that is, when they come from the same row. It
    takes no `input_mappings`: name the columns of the dataset.
    """

    @field_validator("input_mappings")
    @classmethod
    def _take_no_mappings(cls, mappings: Mapping[str, str]) -> Mapping[str, str]:
        if mappings:
            raise ValueError("a step that joins rows takes none; name the columns of the dataset")
        return mappings

    def join(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Join frames that hold the same rows in the same order; the first one has the keys."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it joins rows")

    def process(self, *inputs: list[Row]) -> Iterator[list[Row]]:
        """Yield the rows joined by position, one list for each step that feeds this one."""
        if len({len(rows) for rows in inputs}) != 1:
            counts = ", ".join(str(len(rows)) for rows in inputs)
            raise ConfigurationError(
                f"Step {self.name!r} joins rows by position and needs as many of each; it got "
                f"{counts}."
            )
        keys = pl.Series(KEY, [str(index) for index in range(len(inputs[0]))], dtype=pl.String)
        yield rows_of(self.join([frame_of(rows).with_columns(keys) for rows in inputs]))

    def apply_joined(self, frames: Sequence[pl.DataFrame], sources: Sequence[str]) -> Outcome:
        """Join partitions; a row that is not in all of them is rejected."""
        shared = set(frames[0][KEY]).intersection(*(frame[KEY] for frame in frames[1:]))
        order = [key for key in frames[0][KEY] if key in shared]
        wanted = pl.DataFrame({KEY: pl.Series(order, dtype=pl.String)})
        aligned = [
            wanted.join(frame, on=KEY, how="left", maintain_order="left") for frame in frames
        ]
        rejections = []
        lonely: dict[str, list[str]] = {}
        rows: dict[str, Row] = {}
        for frame, source in zip(frames, sources, strict=True):
            for row in frame.filter(~pl.col(KEY).is_in(order)).iter_rows(named=True):
                lonely.setdefault(row[KEY], []).append(source)
                rows.setdefault(row[KEY], {name: row[name] for name in visible(row)})
        for key, found in lonely.items():
            missing = ", ".join(repr(source) for source in sources if source not in found)
            reason = f"the row did not come from {missing}, only from {', '.join(map(repr, found))}"
            rejections.append(Rejection(key, key, self.name, reason, rows[key]))
        outputs = self.output_mappings
        views = [seen_by_step(frame, {}, outputs, self.name) for frame in aligned]
        for view in views:
            require(required(self.inputs), view, self.name)
        joined = seen_by_dataset(self.join(views), {}, outputs, set(typed(self.made)))
        return Outcome(as_parents(joined), tuple(rejections))


class _RowByRow:
    """Runs a step's `process` so that each row made is known by the row it was made from.

    `process` gets `input_batch_size` rows. Where it returns the very dicts it was given, they tell
    which row is which; where it builds new ones, or fails, the rows are given to it one at a time.
    A global step gets all rows once; new rows are taken for the old ones by their position where
    there are as many, and otherwise come from the dataset as a whole.
    """

    def __init__(self, step: Step, frame: pl.DataFrame, context: StepContext) -> None:
        self._step = step
        self._frame = frame
        self._rows = rows_of(frame)
        self._observer = context.observer
        self._needed = required(step.outputs)
        self._indices: list[int] = []
        self._keys: list[str] = []
        self._made: list[Row] = []
        self._rejections: list[tuple[int, Rejection]] = []

    def outcome(self) -> Outcome:
        if isinstance(self._step, GlobalStep):
            self._take_all()
        else:
            size = self._step.input_batch_size
            for start in range(0, len(self._rows), size):
                self._take_batch(start, self._rows[start : start + size])
        declared = typed(self._step.outputs)
        unfit = misfits(self._made, declared)
        for number, reason in unfit.items():
            self._reject(self._indices[number], self._keys[number], reason)
        fit = [number for number in range(len(self._made)) if number not in unfit]
        frame = derive(
            self._frame,
            [self._indices[number] for number in fit],
            [self._keys[number] for number in fit],
            [self._made[number] for number in fit],
            declared,
        )
        ordered = sorted(self._rejections, key=lambda entry: entry[0])
        return Outcome(frame, tuple(rejection for _, rejection in ordered))

    def _take_all(self) -> None:
        given = copied(self._rows)
        position = {id(row): index for index, row in enumerate(given)}
        made = self._process(given) if given else []
        origins = [position.get(id(row)) for row in made]
        last = len(given) - 1
        whole = digest(self._frame[KEY].to_list())
        known = None not in origins and len(set(origins)) == len(origins)
        for number, (origin, row) in enumerate(zip(origins, made, strict=True)):
            index = origin if known and origin is not None else min(number, last)
            if known or len(made) == len(given):
                self._keep(index, self._frame[KEY][index], row)
            else:
                self._keep(index, derived_key(whole, self._step.name, number), row)
        self._observer.finished(self._step.name, len(given), 0)

    def _take_batch(self, start: int, rows: list[Row]) -> None:
        given = copied(rows)
        position = {id(row): start + index for index, row in enumerate(given)}
        if len(given) > 1:
            try:
                made = self._process(given)
            except ConfigurationError:
                raise
            except Exception:
                made = None
            origins = [position.get(id(row)) for row in made or ()]
            if made is not None and None not in origins and len(set(origins)) == len(origins):
                known = {id(row): row for row in made}
                for index, row in enumerate(given, start):
                    if id(row) in known:
                        self._keep(index, self._frame[KEY][index], row)
                self._observer.finished(self._step.name, len(rows), 0)
                return
        for index, row in enumerate(rows, start):
            self._take_row(index, row)

    def _take_row(self, index: int, row: Row) -> None:
        parent = self._frame[KEY][index]
        try:
            made = self._process([copied(row)])
        except ConfigurationError:
            raise
        except Exception as error:
            reason = str(error) if isinstance(error, RowRejected) else describe_error(error)
            self._reject(index, parent, reason)
            self._observer.finished(self._step.name, 0, 1)
            return
        for number, one in enumerate(made):
            single = len(made) == 1
            key = parent if single else derived_key(parent, self._step.name, number)
            self._keep(index, key, one)
        self._observer.finished(self._step.name, 1, 0)

    def _process(self, rows: list[Row]) -> list[Row]:
        made = [row for batch in self._step.process(rows) for row in batch]
        for row in made:
            if not isinstance(row, dict):
                raise TypeError(f"a step yields lists of rows, but in a list was {row!r:.100}")
        return made

    def _keep(self, index: int, key: str, row: Row) -> None:
        if missing := [name for name in self._needed if name not in row]:
            self._reject(index, key, f"the step made no {', '.join(map(repr, missing))}")
            return
        self._indices.append(index)
        self._keys.append(key)
        self._made.append(row)

    def _reject(self, index: int, key: str, reason: str) -> None:
        parent = self._frame[KEY][index]
        rejection = Rejection(key, parent, self._step.name, reason, self._rows[index])
        self._rejections.append((index, rejection))


def describe_error(error: Exception) -> str:
    """Return an unexpected error as a reason: its type and its text."""
    return f"{type(error).__name__}: {error}"


def required(columns: Columns) -> list[str]:
    """Return the names of the columns that must be there."""
    if isinstance(columns, Mapping):
        return [name for name, kind in columns.items() if kind is not False]
    return list(columns)


def typed(columns: Columns) -> dict[str, Any]:
    """Return column names with their polars types, None where unknown."""
    if isinstance(columns, Mapping):
        return {name: None if isinstance(kind, bool) else kind for name, kind in columns.items()}
    return dict.fromkeys(columns)


def snake_case(cls: type) -> str:
    """Return a class's name in snake case: `FormatSFT` -> `format_sft`."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__)
    return name.lower()
