"""What steps made of rows before: a row that is the same again is not made again."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from flows.runtime.recalled import Recalled, in_one_table
from flows.runtime.recent_files import RecentFiles
from flows.runtime.row_index import PLACE, RowIndex, located
from flows.runtime.workspace import Partition, Workspace
from llms.digest import digest
from llms.spending import Receipt, calls_of
from tasks.fan_in import FanInStep
from tasks.graph import Graph
from tasks.outcome import Outcome
from tasks.row import KEY, PARENT, Rejection
from tasks.step import GlobalStep

Pieces = Mapping[str, list["Piece"]]
"""Work (see `work_of`) to the pieces that were done."""

Datasets = Mapping[str, list[Partition]]
"""Work on a whole dataset (see `dataset_of`) to what was made of it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A partition that a step was given, by its digest, and what it made of it."""

    given: str
    made: Partition

    def as_json(self) -> dict[str, Any]:
        """Return the piece as plain values."""
        return {"given": self.given, "made": self.made.as_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Piece:
        """Rebuild a piece from `as_json`."""
        return cls(value["given"], Partition.from_json(value["made"]))


def pieces_of(
    graph: Graph, branches: Mapping[str, int], made: Mapping[str, Sequence[Partition | None]]
) -> Pieces:
    """Return what the steps that work row by row made of which partition; None is not made."""
    found: dict[str, list[Piece]] = {}
    for name, step in graph.steps.items():
        sources = graph.sources_of(name)
        if len(sources) == 1 and not isinstance(step, (GlobalStep, FanInStep)):
            pairs = zip(made[sources[0]], made[name], strict=True)
            work = work_of(step.signature, branches.get(name, 0))
            found[work] = [Piece(given.digest, its) for given, its in pairs if given and its]
    return found


def work_of(signature: str, branch: int) -> str:
    """Name what a step does: rows that are given to equal work become equal rows."""
    return digest([signature, branch])


def dataset_of(work: str, taken: Sequence[Sequence[Partition]]) -> str:
    """Name the work on a whole dataset by all that goes in."""
    return digest([work, [[partition.digest for partition in source] for source in taken]])


@dataclass(frozen=True, slots=True)
class _Index:
    """The rows that a work was given, and the pieces that they were in."""

    rows: RowIndex
    pieces: list[Piece]


@dataclass(slots=True)
class Memory:
    """What was made before: of rows by work, key and content, of whole datasets by their digest.

    Only what is still there counts, and no row that was left unanswered.
    """

    workspace: Workspace
    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    datasets: dict[str, list[Partition]] = field(default_factory=dict)
    _indices: dict[str, _Index] = field(default_factory=dict)
    _files: RecentFiles = field(default_factory=RecentFiles)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, pieces: Pieces, datasets: Datasets) -> None:
        """Remember more."""
        for work, some in pieces.items():
            self.pieces.setdefault(work, []).extend(some)
            self._indices.pop(work, None)
        self.datasets.update(datasets)

    def dataset(self, name: str) -> list[Partition] | None:
        """Return what a step made of a whole dataset; see `dataset_of`."""
        known = self.datasets.get(name)
        if not known or any(part.unanswered or not self.workspace.has(part) for part in known):
            return None
        return known

    def whole(self, work: str, given: str) -> Partition | None:
        """Return what the work made of all rows of a partition, if nothing of it was left open."""
        for piece in reversed(self.pieces.get(work, [])):
            if piece.given == given and not piece.made.unanswered:
                return piece.made if self.workspace.has(piece.made) else None
        return None

    def recall(self, work: str, frame: pl.DataFrame) -> Recalled | None:
        """Return what the work made of those rows of a frame that it was given before."""
        if not self.pieces.get(work) or not frame.height:
            return None
        index = self._index(work)
        found = index.rows.find(frame)
        outcome = self._made_of(found, index.pieces) if found.height else None
        return Recalled(found[KEY], outcome) if outcome else None

    def _index(self, work: str) -> _Index:
        with self._lock:
            if work not in self._indices:
                self._indices[work] = self._indexed(self.pieces[work])
            return self._indices[work]

    def _indexed(self, pieces: Iterable[Piece]) -> _Index:
        there = [
            piece
            for piece in pieces
            if self.workspace.path(piece.given).is_file() and self.workspace.has(piece.made)
        ]
        files = []
        for number, piece in enumerate(there):
            given = pl.read_parquet(self.workspace.path(piece.given))
            if lost := self._unanswered(piece.made):
                given = given.filter(~pl.col(KEY).is_in(lost))
            files.append(located(given, number))
        return _Index(RowIndex.of(files), there)

    def _unanswered(self, made: Partition) -> list[str]:
        if not made.unanswered:
            return []
        return [item.parent for item in self.workspace.rejections(made) if item.unanswered]

    def _made_of(self, found: pl.DataFrame, pieces: Sequence[Piece]) -> Outcome | None:
        """Return what pieces made of rows; None if that does not fit into one table."""
        made = {place: pieces[place].made for place in found[PLACE].unique(maintain_order=True)}
        rows = self._of_rows(found, {place: part.digest for place, part in made.items()})
        if rows is None:
            return None
        rejections = [
            rejection
            for place, part in made.items()
            if part.rejections
            for rejection in self._rejections(part, found.filter(pl.col(PLACE) == place)[KEY])
        ]
        files = {place: part.receipts for place, part in made.items() if part.receipts}
        receipts: dict[str, tuple[Receipt, ...]] = {}
        paid = self._of_rows(found, files) if files else None
        for row in paid.iter_rows() if paid is not None else ():
            parent, key, model, request_id, read, written, cost, requests = row
            receipt = Receipt(key, model, request_id, read, written, cost, requests, reused=True)
            receipts[parent] = (*receipts.get(parent, ()), receipt)
        calls = calls_of(receipt for some in receipts.values() for receipt in some)
        return Outcome(rows, tuple(rejections), calls, receipts)

    def _of_rows(self, found: pl.DataFrame, files: Mapping[int, str]) -> pl.DataFrame | None:
        """Return those rows of files that belong to rows found there."""
        frames = [
            self._files.read(self.workspace.path(digest)).with_columns(
                pl.lit(place, pl.UInt32).alias(PLACE)
            )
            for place, digest in files.items()
        ]
        rows = in_one_table(frames)
        if rows is None:
            return None
        theirs = found.select(pl.col(KEY).alias(PARENT), PLACE)
        return rows.join(theirs, on=[PARENT, PLACE], how="semi").drop(PLACE)

    def _rejections(self, made: Partition, parents: pl.Series) -> list[Rejection]:
        its = set(parents)
        return [item for item in self.workspace.rejections(made) if item.parent in its]
