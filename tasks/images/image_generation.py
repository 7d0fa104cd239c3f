"""`ImageGeneration`: an image for each prompt."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import polars as pl
from pydantic import Field

from llms.chat import Sample
from llms.digest import digest
from llms.errors import LLMError, RowRejected, RunStopper, TransientError
from llms.gateway import together
from llms.image_generation.model import Image
from llms.image_generation.registry import ImageGenerationField
from llms.spending import Receipt, calls_of
from tasks.chats import text_in
from tasks.frames import derive, frame_of, rows_of
from tasks.images.formats import FORMATS, ImageFormat, converted
from tasks.outcome import Outcome, StepContext
from tasks.packages import check_packages
from tasks.row import KEY, Rejection, Row, derived_key
from tasks.step import Step


class ImageGeneration(Step):
    """Makes an image for each prompt.

    Columns: `prompt` (str) -> `image` (str, the image file in base64), `model_name` (str) and, with
    `save_artifacts`, `image_path` (str, from the dataset's folder; null outside a run).

    `image_generation_model` is an image model or its name, "openai:gpt-image-1" for example. With
    `num_generations` above 1 a row becomes that many rows with different images, or, with
    `group_generations`, one row with lists. `image` is the file as the model made it;
    `image_format` is that of the files that `save_artifacts` writes, one for each row and named by
    its key, and needs Pillow. The rows of a partition are held at once, and 100 images of 2 MB take
    1.4 GB: run large images with a smaller `rows_per_partition`.

    A row without a prompt, or whose prompt the model refuses, is rejected; with `num_generations`
    above 1 only the image that is refused.

    Example:
        >>> from tasks import ImageGeneration
        >>> step = ImageGeneration(image_generation_model="scripted:scripted")
        >>> next(step.process([{"prompt": "A cat on a mat."}]))[0]["image"][:16]
        'iVBORw0KGgoAAAAN'
    """

    version: ClassVar = 1
    inputs: ClassVar = {"prompt": pl.String}

    image_generation_model: ImageGenerationField
    num_generations: int = Field(default=1, ge=1)
    group_generations: bool = False
    save_artifacts: bool = False
    image_format: ImageFormat = "JPEG"

    @property
    def outputs(self) -> dict[str, pl.DataType]:
        text = pl.List(pl.String) if self.group_generations else pl.String()
        paths = {"image_path": text} if self.save_artifacts else {}
        return {"image": text, **paths, "model_name": pl.String()}

    @cached_property
    def requests_digest(self) -> str:
        """Digest of what shapes the requests; steps that share it need samples apart."""
        return digest(["image", self.image_generation_model.identity, self.input_mappings])

    def load(self) -> None:
        self.image_generation_model.check()
        if self.save_artifacts:
            check_packages("ImageGeneration with save_artifacts", "images", "PIL")

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        rows, keys = rows_of(frame), frame[KEY].to_list()
        drawn = context.gateway.run(self._draw_all(rows, keys, context))
        unanswered = [error for row in drawn for error in row.errors(TransientError)]
        if unanswered and (not context.final_attempt or all(row.is_unanswered for row in drawn)):
            raise unanswered[0]
        made: list[_Made] = []
        rejections: list[Rejection] = []
        for index, row in enumerate(drawn):
            for key, result in self._results(row, keys[index]):
                try:
                    made.append(_Made(index, key, self._outputs(result, key)))
                except (RowRejected, LLMError) as error:
                    lost = isinstance(error, TransientError)
                    rejections.append(
                        Rejection(key, keys[index], self.name, str(error), rows[index], None, lost)
                    )
        kept = derive(frame, [one.index for one in made], [one.key for one in made], None)
        columns = frame_of([one.outputs for one in made], self.outputs).select(list(self.outputs))
        receipts = {key: tuple(row.receipts) for key, row in zip(keys, drawn, strict=True)}
        calls = calls_of(receipt for row in drawn for receipt in row.receipts)
        return Outcome(kept.with_columns(columns.get_columns()), tuple(rejections), calls, receipts)

    async def _draw_all(
        self, rows: Sequence[Row], keys: Sequence[str], context: StepContext
    ) -> list[_Drawn]:
        return await together(
            [self._draw_row(row, key, context) for row, key in zip(rows, keys, strict=True)]
        )

    async def _draw_row(self, row: Row, key: str, context: StepContext) -> _Drawn:
        owner = f"{key}/{context.branch}" if context.branch else key
        try:
            prompt = text_in(row, "prompt")
        except RowRejected as error:
            context.observer.finished(self.name, 0, 1)
            return _Drawn([error], [])
        answers = await together(
            [
                self._draw(prompt, Sample(owner, number), context)
                for number in range(self.num_generations)
            ]
        )
        drawn = _Drawn(
            [result for result, _ in answers], [receipt for _, receipt in answers if receipt]
        )
        good = any(isinstance(result, Image) for result in drawn.results)
        context.observer.finished(self.name, int(good), int(not good))
        return drawn

    async def _draw(
        self, prompt: str, sample: Sample, context: StepContext
    ) -> tuple[Image | LLMError, Receipt | None]:
        model = self.image_generation_model
        try:
            image, receipt = await context.gateway.draw(model, prompt, sample, context.purse)
        except RunStopper:
            raise
        except LLMError as error:
            return error, None
        context.observer.called(self.name, receipt.calls)
        return image, receipt

    def _results(self, drawn: _Drawn, key: str) -> list[tuple[str, list[_Result]]]:
        """Return the rows that the images of a row become, each with its key."""
        if self.group_generations or len(drawn.results) == 1:
            return [(key, drawn.results)]
        return [
            (derived_key(key, self.name, number), [result])
            for number, result in enumerate(drawn.results)
        ]

    def _outputs(self, results: list[_Result], key: str) -> Row:
        columns: dict[str, list[str | None]] = {name: [] for name in self.outputs}
        del columns["model_name"]
        for number, result in enumerate(results):
            if not isinstance(result, Image):
                raise result
            columns["image"].append(base64.b64encode(result.data).decode())
            if self.save_artifacts:
                named = f"{key}-{number}" if len(results) > 1 else key
                columns["image_path"].append(self._saved(named, result.data))
        shown = columns.items()
        outputs = dict(shown) if self.group_generations else {name: v[0] for name, v in shown}
        return {**outputs, "model_name": self.image_generation_model.model_name}

    def _saved(self, name: str, data: bytes) -> str | None:
        """Write an image's file and return its path in the dataset; outside a run nothing is."""
        file = f"{name}.{FORMATS[self.image_format]}"
        written: list[str] = []

        def write(folder: Path) -> None:
            (folder / file).write_bytes(converted(data, self.image_format))
            written.append(f"artifacts/{self.name}/images/{file}")

        self.save_artifact("images", write)
        return written[0] if written else None


_Result = Image | LLMError | RowRejected


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What became of one row: an image or an error for each generation, and the receipts."""

    results: list[_Result]
    receipts: list[Receipt]

    def errors(self, kind: type[LLMError]) -> list[LLMError]:
        return [result for result in self.results if isinstance(result, kind)]

    @property
    def is_unanswered(self) -> bool:
        return len(self.errors(TransientError)) == len(self.results)


@dataclass(frozen=True, slots=True)
class _Made:
    """A row that was made: of which one, its key and its columns."""

    index: int
    key: str
    outputs: Row
