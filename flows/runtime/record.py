"""What the last finished run of a pipeline did, remembered in the workspace."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from flows.runtime.changes import Parts, parts_of
from flows.runtime.memory import Datasets, Piece, Pieces
from flows.runtime.workspace import Partition, Workspace, write_whole
from tasks.graph import Graph


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What each step was made of, and what it made."""

    steps: dict[str, Parts] = field(default_factory=dict)
    pieces: Pieces = field(default_factory=dict)
    datasets: Datasets = field(default_factory=dict)


def read_record(pipeline: str, workspace: Workspace) -> RunRecord:
    """Return the record of the last finished run; an empty one if there is none."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        value: dict[str, Any] = json.loads(workspace.record_of(pipeline).read_bytes())
        pieces = {
            work: [Piece.from_json(piece) for piece in some]
            for work, some in value["pieces"].items()
        }
        datasets = {
            name: [Partition.from_json(partition) for partition in some]
            for name, some in value["datasets"].items()
        }
        return RunRecord(value["steps"], pieces, datasets)
    return RunRecord()


def write_record(graph: Graph, pieces: Pieces, datasets: Datasets, workspace: Workspace) -> None:
    """Remember what a finished run did, in place of the run before."""
    value = {
        "steps": parts_of(graph),
        "pieces": {work: [piece.as_json() for piece in some] for work, some in pieces.items()},
        "datasets": {name: [part.as_json() for part in some] for name, some in datasets.items()},
    }
    file = workspace.record_of(graph.name)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, (json.dumps(value) + "\n").encode())
