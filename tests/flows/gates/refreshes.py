"""Versions to check, made without a flow run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import polars as pl

from flows import Pipeline
from flows.gates import Gates, Verdict
from flows.versions.saved import SavedVersion
from flows.versions.staging import Contents
from tasks import KeepColumns, LoadDataFromDicts, LoadPythonDocs, Row, RowRejected, Task
from tasks.row import KEY
from tests.flows.versions import saved, version_of

QUESTION = (
    "A shop sells pencils in boxes of twelve, and a school orders thirty boxes of them; how many "
    "pencils does each of the nine classes get?"
)
OTHER = (
    "The river rises every spring when the snow melts in the mountains, and the meadows along its "
    "banks are under water until May."
)

EVERYTHING = """
rows: {at_least: 100, at_most: 1000, at_least_of: {sft: 50}, largest_drop: 0.1, largest_rise: 2}
rejection_rate: {at_most: 0.05, by_step: {ask: 0.02}}
missing: {generation: 0}
duplicates: {columns: [instruction], at_most: 0, near_at_most: 0.01, similarity: 0.8}
lengths:
  generation: {shortest: 1, longest: 4000, share_outside: 0.01, mean_at_least: 20,
               mean_at_most: 900}
labels:
  topic: {shares: {law: {at_least: 0.1, at_most: 0.5}}, only: [law, art]}
ratings:
  rating: {mean_at_least: 2, mean_at_most: 4.5, within: [1, 5]}
columns: {types: {generation: String, ratings: List(Int64)}, unchanged: true}
language: {columns: [generation], language: en, at_least: 0.9, sample: 500}
personal_data: {columns: [generation], kinds: [email, phone], at_most: 0.01, countries: [DE],
                ignore: [help@stillhouse.dev], beside_the_rows: false}
contamination:
  sets:
    gsm8k: evaluation/gsm8k.jsonl
    mmlu: {source: "hub:cais/mmlu", columns: [question], config: all, split: test}
  columns: [instruction]
  words: 10
  similarity: 0.7
  at_most: 2
judge: {column: rating, mean_at_least: 3, low_below: 2, low_at_most: 0.1}
drift: {at_most: 0.3, columns: {rating: 0.1}}
"""
"""All gates, with every option, as YAML."""


class Graded(Task):
    """Asks for a grade and refuses what is none."""

    version: ClassVar = 1
    inputs: ClassVar = {"text": pl.String}
    outputs: ClassVar = {"grade": pl.Int64}
    corrections: int = 0

    def format_input(self, input: Row) -> Any:
        return [{"role": "user", "content": input["text"]}]

    def format_output(self, output: str | None, input: Row) -> Row:
        if not (output or "").isdigit():
            raise RowRejected("the reply has no grade")
        return {"grade": int(output or "")}


def refreshed(
    folder: Path, rows: Sequence[Row], before: SavedVersion | None = None, **contents: Any
) -> SavedVersion:
    """Stage a version with these rows."""
    return saved(folder, version_of(rows), before, Contents(**contents))


def made_by(folder: Path, pipeline: Pipeline, **contents: Any) -> SavedVersion:
    """Stage the version that the steps of a pipeline make of up to 1,000 rows."""
    return saved(folder, pipeline.preview(1_000), None, Contents(**contents))


def configured(folder: Path, rows: Sequence[Row], **columns: Sequence[str]) -> SavedVersion:
    """Stage a version with a configuration for each name, which has some of the columns."""
    with Pipeline("numbers") as pipeline:
        load = LoadDataFromDicts(name="load", data=list(rows))
        load >> [KeepColumns(name=name, columns=kept) for name, kept in columns.items()]
    return made_by(folder, pipeline)


def gates(**wanted: Any) -> Gates:
    """Declare gates as YAML does."""
    return Gates(**wanted)


def verdicts(
    version: SavedVersion, before: SavedVersion | None = None, **wanted: Any
) -> list[Verdict]:
    """Return what the gates find that these parameters declare."""
    return gates(**wanted).check(version, before)


def verdict(version: SavedVersion, before: SavedVersion | None = None, **wanted: Any) -> Verdict:
    """Return the only thing that the gates find."""
    (only,) = verdicts(version, before, **wanted)
    return only


@cache
def passages() -> list[str]:
    """Return different texts of 40 to 90 words that people wrote, in an order that is always so."""
    found = pl.concat(LoadPythonDocs(name="docs").frames())["passage"]
    texts = [" ".join(passage.split()[:90]) for passage in found]
    long = [text for text in texts if len(text.split()) >= 40]
    Random(1).shuffle(long)
    return long


def key_of(version: SavedVersion, row: int, configuration: str = "default") -> str:
    """Return the key of a row."""
    return str(version.keyed(configuration)[KEY][row])


def evaluation(folder: Path, *texts: str, **columns: Sequence[str]) -> str:
    """Write an evaluation set and return its path."""
    folder.mkdir(exist_ok=True)
    file = folder / "set.jsonl"
    rows = [{"question": text} for text in texts]
    rows += [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(file)
