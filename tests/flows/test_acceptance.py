"""Sources whose rows a model makes, exactly so many accepted rows, and files beside the dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import ClassVar

import polars as pl
import pytest

from flows import Pipeline
from flows.runtime.acceptance import TooFewAccepted
from llms import ChatType, ScriptedLLM
from llms.errors import ConfigurationError
from tasks import (
    FormatTextGenerationSFT,
    GeneratorTask,
    GlobalStep,
    LoadDataFromDicts,
    Row,
    RowRejected,
    Step,
)

pytestmark = pytest.mark.usefixtures("prefect")


class Invent(GeneratorTask):
    """Writes an instruction about a drawn number."""

    version: ClassVar = 1
    outputs: ClassVar = {"instruction": pl.String, "generation": pl.String}

    def draw(self, random: Random) -> Row:
        return {"number": random.randrange(10**6)}

    def format_input(self, input: Row) -> ChatType:
        return [{"role": "user", "content": f"Ask about {input['number']}."}]

    def format_output(self, output: str | None, input: Row) -> Row:
        return {"instruction": output, "generation": str(input["number"])}


class OneInThree(Step):
    """Takes every third row, by its number."""

    version: ClassVar = 1
    inputs: ClassVar = ("number",)
    outputs: ClassVar = ("number",)

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        for row in inputs:
            if row["number"] % 3:
                raise RowRejected("not a multiple of three")
        yield inputs


def invented(rows: int) -> Pipeline:
    """Return a pipeline that starts with a model."""
    with Pipeline("invented") as pipeline:
        invent = Invent(name="invent", llm=ScriptedLLM(), num_rows=rows)
        invent >> FormatTextGenerationSFT(name="chats")
    return pipeline


def numbers(count: int) -> Pipeline:
    """Return a pipeline that accepts a third of its rows."""
    with Pipeline("numbers") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"number": n} for n in range(count)])
        load >> OneInThree(name="choose")
    return pipeline


def test_a_model_can_be_the_source_and_more_rows_ask_only_for_the_new() -> None:
    first = invented(130).run()
    assert (first.rows, first.calls) == (130, 130)
    assert first.accounts["invent"].rows_out == first.accounts["chats"].rows_in == 130
    more = invented(150).run()
    assert (more.rows, more.calls) == (150, 20)
    assert more.frame()[:130].equals(first.frame())


def test_a_source_that_asks_a_model_can_be_previewed() -> None:
    assert invented(50).preview(rows=3).rows == 3


def test_exactly_as_many_rows_as_wanted_are_made_and_the_books_balance() -> None:
    version = numbers(1_000).run(accepted_rows=120)
    assert version.rows == 120
    assert version.frame()["number"].to_list() == [3 * n for n in range(120)]
    for books in version.accounts.values():
        made = books.rows_out + books.rejected + books.filtered
        assert books.rows_in + books.expanded == made
    assert version.accounts["load"].rows_out < 600


def test_enough_rows_at_once_read_no_further() -> None:
    version = invented(500).run(accepted_rows=20)
    assert (version.rows, version.calls) == (20, 20)


@pytest.mark.parametrize(
    ("rows", "attempts", "message"),
    [
        (90, 5, "Of the 90 rows that the source has, 30 were accepted and not 50"),
        (1_000, 2, "After 100 source rows, 34 were accepted and not 50; allow more"),
    ],
)
def test_too_few_are_told_in_a_sentence(rows: int, attempts: int, message: str) -> None:
    with pytest.raises(TooFewAccepted, match=message):
        numbers(rows).run(accepted_rows=50, attempts_per_row=attempts)


def test_two_leaves_cannot_have_a_number_of_rows() -> None:
    pipeline = invented(3)
    extra = FormatTextGenerationSFT(name="again", pipeline=pipeline)
    pipeline.steps["invent"] >> extra
    with pytest.raises(ConfigurationError, match="ends in chats, again"):
        pipeline.run(accepted_rows=2)


def test_what_a_step_saves_goes_with_the_dataset(tmp_path: Path) -> None:
    class Counted(GlobalStep):
        version: ClassVar = 1
        inputs: ClassVar = ("number",)
        outputs: ClassVar = ("number",)

        def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
            def write(folder: Path) -> None:
                (folder / "count.txt").write_text(str(len(inputs)))

            self.save_artifact("count", write, metadata={"unit": "rows"})
            yield inputs

    with Pipeline("counted") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"number": n} for n in range(7)])
        load >> Counted(name="counted")
    folder = pipeline.run().save_to_disk(tmp_path / "dataset")
    saved = folder / "artifacts" / "counted" / "count"
    assert (saved / "count.txt").read_text() == "7"
    assert "rows" in (saved / "metadata.json").read_text()
