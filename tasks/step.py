"""`Step`, `GeneratorStep` and `GlobalStep`: rows in, rows out, every one accounted for."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import polars as pl
from pydantic import Field, model_validator

from llms.config import Config, Operational
from llms.errors import ConfigurationError, RowRejected
from tasks.artifacts import save_artifact
from tasks.declaration import Columns, required, typed
from tasks.frames import (
    Schema,
    as_parents,
    frame_of,
    require,
    rows_of,
    with_source_keys,
)
from tasks.mappings import seen_by_dataset, seen_by_step
from tasks.outcome import Outcome, StepContext
from tasks.row import KEY, PARENT, Rejection, Row, SourceKeys, visible
from tasks.row_by_row import RowByRow
from tasks.signature import step_signature


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

    delivers: ClassVar[bool] = False
    """Whether the step sends rows out of the pipeline: a plan does not count for having done so."""

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

    @property
    def requests_digest(self) -> str | None:
        """Digest of what shapes the requests of a step that asks a model; None for others.

        Steps of a graph that share it get samples of their own.
        """
        return None

    def load(self) -> None:
        """Prepare to work, and raise `ConfigurationError` where that cannot be.

        Called once in a process before a run's first call of any model.
        """

    def unload(self) -> None:
        """Release what `load` took."""

    def save_artifact(
        self,
        name: str,
        write_function: Callable[[Path], None],
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Save files beside the dataset: `write_function` fills the folder it is given."""
        save_artifact(name, write_function, metadata)

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
        yield self.rows_by_hand(frame)

    def rows_by_hand(self, frame: pl.DataFrame) -> list[Row]:
        """Return the rows made from a frame with keys, and warn of those that failed.

        Raises:
            RowRejected: every row failed.
        """
        outcome = self.apply(frame, StepContext())
        if outcome.rejections:
            first = outcome.rejections[0]
            said = f"{len(outcome.rejections)} of {frame.height} rows were rejected by step "
            said += f"{self.name!r}, the first because: {first.reason}"
            if not outcome.frame.height:
                raise RowRejected(said)
            warnings.warn(said, stacklevel=3)
        return rows_of(outcome.frame)

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        """Make the rows of one partition; hidden columns stay on the rows they came with."""
        if type(self).process is Step.process:
            raise ConfigurationError(
                f"{type(self).__name__} overrides neither `process` nor `transform`."
            )
        return RowByRow(self, frame, context, at_once=isinstance(self, GlobalStep)).outcome()

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
    """Sees the whole dataset at once, for what cannot be done row by row.

    With `reads_inputs_only` it overrides `transform` and leaves alone every column that is not
    among its `inputs`: these are read when it is done, and put beside the rows it made.
    """

    reads_inputs_only: ClassVar[bool] = False

    def apply_to_dataset(self, dataset: pl.LazyFrame, context: StepContext) -> Outcome:
        """Make the rows of the whole dataset.

        Raises:
            ConfigurationError: a column is missing.
        """
        if not self.reads_inputs_only:
            return self.apply(dataset.collect(), context)
        columns = dataset.collect_schema()
        reads = {name: self.input_mappings.get(name, name) for name in typed(self.inputs)}
        needed = [reads[name] for name in required(self.inputs)]
        require(needed, pl.DataFrame(schema=columns), self.name)
        read = [name for name in columns if name in reads.values()]
        outcome = self.apply(dataset.select(*read, KEY).collect(), context)
        made = set(outcome.frame.columns)
        unread = [name for name in visible(columns) if name not in made.union(read)]
        return _beside(outcome, dataset.select(pl.col(KEY).alias(PARENT), *unread), columns)

    def rejecting(self, frame: pl.DataFrame, reasons: pl.Series) -> Outcome:
        """Return the rows with no reason against them, that is, null; the others are rejected."""
        refused = frame.filter(reasons.is_not_null())
        found = zip(refused[KEY], reasons.drop_nulls(), rows_of(refused), strict=True)
        rejections = tuple(Rejection(key, key, self.name, why, row) for key, why, row in found)
        return Outcome(frame.filter(reasons.is_null()), rejections)


def _beside(outcome: Outcome, unread: pl.LazyFrame, order: Iterable[str]) -> Outcome:
    """Put columns that a step did not read beside the rows it made, and into its rejections."""
    joined = outcome.frame.lazy().join(unread, on=PARENT, how="left", maintain_order="left")
    frame = joined.collect()
    known = [name for name in visible(order) if name in frame.columns]
    made = [name for name in visible(frame.columns) if name not in known]
    parents = [rejection.parent for rejection in outcome.rejections]
    rejected = unread.filter(pl.col(PARENT).is_in(parents)).collect()
    rows = {row.pop(PARENT): row for row in rejected.iter_rows(named=True)}
    return replace(
        outcome,
        frame=frame.select(*known, *made, KEY, PARENT),
        rejections=tuple(
            replace(rejection, row={**rows.get(rejection.parent, {}), **rejection.row})
            for rejection in outcome.rejections
        ),
    )


def snake_case(cls: type) -> str:
    """Return a class's name in snake case: `FormatSFT` -> `format_sft`."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__)
    return name.lower()
