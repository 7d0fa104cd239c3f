"""Where two makings of one version are other bytes, and why."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow.parquet as pq

from flows.runtime.changes import changed_parts, parts_of
from flows.runtime.row_index import hashed
from flows.versions.manifest import Manifest
from flows.versions.saved import REJECTIONS, SavedVersion
from tasks.generator_task import GeneratorTask
from tasks.step import GeneratorStep

_UNEXPLAINED = (
    "no step has changed and no answer is missing, so that a step's rows depend on chance, on the "
    "time or on the version of a library"
)


def compared_files(manifest: Manifest) -> list[str]:
    """Return the files of rows and rejections."""
    splits = [its for item in manifest.configurations.values() for its in item.splits.values()]
    return [*(shard.path for shards in splits for shard in shards), REJECTIONS]


def differences(version: SavedVersion, made: SavedVersion) -> Iterator[str]:
    for name in version.configurations:
        for split in dict.fromkeys([*version.splits(name), *made.splits(name)]):
            if _digests(version, name, split) != _digests(made, name, split):
                where = split if name == "default" else f"{split} of {name!r}"
                yield f"{where} {_difference(version, made, name, split)}"
    then, now = version.manifest.files[REJECTIONS], made.manifest.files[REJECTIONS]
    if then != now:
        rejected = version.manifest.rejected, made.manifest.rejected
        counts = f" ({rejected[1]:,} and not {rejected[0]:,})" if rejected[0] != rejected[1] else ""
        yield f"{REJECTIONS} differs{counts}"


def _digests(version: SavedVersion, name: str, split: str) -> list[str]:
    shards = version.manifest.configurations[name].splits.get(split, ())
    return [shard.sha256 for shard in shards]


def _difference(then: SavedVersion, now: SavedVersion, name: str, split: str) -> str:
    if split not in then.splits(name) or split not in now.splits(name):
        return f"is {'not there' if split in then.splits(name) else 'new'}"
    before, after = then.frame(name, split), now.frame(name, split)
    if before.height != after.height:
        return f"has {after.height:,} rows and not {before.height:,}"
    if before.schema != after.schema:
        return "has other columns"
    other = int((hashed(before) != hashed(after)).sum())
    return f"differs in {other:,} of {after.height:,} rows" if other else "has the same rows"


def reasons(version: SavedVersion, made: SavedVersion) -> Iterator[str]:
    changed = [*changed_steps(version), *_another_writer(version, made)]
    yield from changed or [_UNEXPLAINED]


def changes_of(version: SavedVersion, name: str) -> list[str]:
    """Return what of a step is not in this checkout as it was for a version, as half sentences.

    A source does not count, because its rows are kept.
    """
    step, then = version.graph.steps[name], version.manifest.steps[name]
    is_kept = isinstance(step, GeneratorStep) and not isinstance(step, GeneratorTask)
    if is_kept or step.signature == then.signature:
        return []
    now = parts_of(version.graph)[name]
    return list(changed_parts(then.parts, now)) or ["its signature changed"]


def changed_steps(version: SavedVersion) -> Iterator[str]:
    for name in version.manifest.steps:
        if parts := changes_of(version, name):
            yield f"step {name!r} does something else in this checkout: {' and '.join(parts)}"


def _another_writer(version: SavedVersion, made: SavedVersion) -> Iterator[str]:
    then, now = (
        pq.read_metadata(one.folder / compared_files(one.manifest)[0]).created_by
        for one in (version, made)
    )
    if then != now:
        yield f"the files were written by {then}, and here by {now}"
