"""How one row of a version came to be."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from flows.refresh.finding_rows import find_key
from flows.refresh.retelling import Retelling, kept_answers, retell
from flows.refresh.rows_on_the_way import shown
from flows.refresh.step_stories import Record, step_stories
from flows.refresh.story import Ending, Story
from flows.versions.archive import kept_sources
from flows.versions.saved import SavedVersion
from tasks.generator_task import GeneratorTask
from tasks.row import KEY, Rejection, Row


def explain(version: SavedVersion, key: str) -> Story:
    """Tell the story of one row, made or rejected.

    `key` is a key, the beginning of one, or `column=value` (see `find_key`). The prompts are made
    again from the kept source row, without a call. Of a step that sees all rows, of those behind it
    and of one that has changed since, there is only what provenance and archive hold.

    Raises:
        NoSuchRow: there is no such row.
        ConfigurationError: several may be meant, the version keeps no provenance, or a step of it
            cannot be found here.
    """
    found = find_key(version, key)
    records = _records(version, pl.col(KEY) == found)
    source, source_key = records[0]["source"], records[0]["source_key"]
    of_source = (pl.col("source") == source) & (pl.col("source_key") == source_key)
    answers = [answer for record in _records(version, of_source) for answer in record["answers"]]
    kept = kept_answers(version, {answer["key"] for answer in answers})
    seed = _seed(version, source, source_key)
    told = Retelling(kept=kept) if seed is None else retell(version, source, seed, kept)
    rejections = _rejections(version, records)
    endings = tuple(_ending(version, record, rejections) for record in records)
    return Story(
        version.name,
        version.manifest.tag,
        found,
        source,
        source_key,
        None if seed is None else shown(seed),
        tuple(step_stories(version, records, endings, rejections, told)),
        endings,
    )


def _records(version: SavedVersion, chosen: pl.Expr) -> list[Record]:
    records = version.provenance()
    assert records is not None
    return records.filter(chosen).collect().to_dicts()


def _seed(version: SavedVersion, source: str, key: str) -> pl.DataFrame | None:
    """Return the source row with its key; None where it is not kept."""
    if isinstance(version.graph.steps.get(source), GeneratorTask):
        return pl.DataFrame({KEY: [key]})
    rows = kept_sources(version).get(source)
    return None if rows is None else rows.filter(pl.col(KEY) == key).collect()


def _rejections(version: SavedVersion, records: Sequence[Record]) -> dict[str, Rejection]:
    """Return the rejections of some records, by step."""
    wanted = {(record["step"], record[KEY]) for record in records if record["status"] != "made"}
    if not wanted:
        return {}
    return {item.step: item for item in version.rejections() if (item.step, item.key) in wanted}


def _ending(version: SavedVersion, record: Record, rejections: dict[str, Rejection]) -> Ending:
    run, is_new = record["run"], record["run"] == version.manifest.run
    if record["status"] == "made":
        configuration = record["configuration"]
        row = _row(version, configuration, record[KEY])
        return Ending("made", run, is_new, row, configuration, record["split"])
    rejection = rejections[record["step"]]
    return Ending(
        "rejected",
        run,
        is_new,
        rejection.row,
        step=rejection.step,
        reason=rejection.reason,
        raw_reply=rejection.raw_reply,
    )


def _row(version: SavedVersion, configuration: str, key: str) -> Row:
    records = version.provenance()
    assert records is not None
    its = (pl.col("status") == "made") & (pl.col("configuration") == configuration)
    place = records.filter(its).select((pl.col(KEY) == key).arg_true()).collect().item(0, 0)
    return shown(version.scan(configuration).slice(place, 1).collect())
