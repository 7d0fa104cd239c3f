"""Images for prompts: rows and rejections, samples, files named by row."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image as Pillow
from pydantic import Field

from llms import Gateway
from llms.config import Operational
from llms.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContentFiltered,
    LLMError,
    MissingPackageError,
    ServerFailed,
)
from llms.image_generation.model import ImageReply
from llms.image_generation.scripted import ScriptedImageGeneration
from tasks import Graph, LoadDataFromDicts, packages
from tasks.artifacts import artifacts_in
from tasks.images.formats import ImageFormat
from tasks.images.image_generation import ImageGeneration
from tasks.outcome import StepContext
from tasks.row import KEY, Row
from tests.tasks.conftest import applied, keyed, keys_of, parents_of, rows_after


class TroubledImages(ScriptedImageGeneration):
    """Fails for prompts that hold one of `troubles`, for every sample or for those of odd seeds."""

    troubles: Operational[dict[str, Any]] = Field(default_factory=dict)
    odd_only: Operational[bool] = False

    async def send(self, client: Any, prompt: str, seed: int) -> ImageReply:
        for mark, error in self.troubles.items():
            if mark in prompt and (seed % 2 or not self.odd_only):
                assert isinstance(error, LLMError)
                raise error
        return await super().send(client, prompt, seed)


def step(**parameters: Any) -> ImageGeneration:
    return ImageGeneration(**{"image_generation_model": "scripted:scripted", **parameters})


def opened(image: str) -> Pillow.Image:
    return Pillow.open(io.BytesIO(base64.b64decode(image)))


def test_an_image_is_a_base64_text_with_the_models_name(gateway: Gateway) -> None:
    outcome = applied(step(), [{"prompt": "a cat", "n": 1}], gateway)
    [row] = rows_after(outcome)
    assert opened(row.pop("image")).size == (8, 8)
    assert row == {"prompt": "a cat", "n": 1, "model_name": "scripted"}
    assert outcome.calls.requests == 1
    assert keys_of(outcome.frame) == parents_of(outcome)


def test_rows_with_the_same_prompt_get_images_of_their_own_and_the_same_ones_again(
    gateway: Gateway,
) -> None:
    rows: list[Row] = [{"prompt": "a cat", "n": n} for n in range(3)]
    images = [row["image"] for row in rows_after(applied(step(), rows, gateway))]
    assert len(set(images)) == 3
    again = applied(step(), rows, gateway)
    assert [row["image"] for row in rows_after(again)] == images
    assert again.calls.reused == 3


def test_every_one_of_num_generations_is_a_row(gateway: Gateway) -> None:
    outcome = applied(step(num_generations=3), [{"prompt": "a cat"}, {"prompt": "a dog"}], gateway)
    rows = rows_after(outcome)
    assert [row["prompt"] for row in rows] == ["a cat"] * 3 + ["a dog"] * 3
    assert len({row["image"] for row in rows}) == 6
    assert len(set(keys_of(outcome.frame))) == 6
    assert outcome.accounts(list(dict.fromkeys(parents_of(outcome)))).expanded == 4


def test_grouped_generations_are_lists_in_one_row(gateway: Gateway) -> None:
    grouped = step(num_generations=2, group_generations=True)
    outcome = applied(grouped, [{"prompt": "a cat"}], gateway)
    [row] = rows_after(outcome)
    assert outcome.frame.schema["image"] == pl.List(pl.String)
    assert len(set(row["image"])) == 2
    assert row["model_name"] == "scripted"


@pytest.mark.parametrize("prompt", [None, "", "  "], ids=["null", "empty", "blank"])
def test_a_row_without_a_prompt_is_rejected_and_its_neighbours_are_not(
    prompt: str | None, gateway: Gateway
) -> None:
    outcome = applied(step(), [{"prompt": prompt}, {"prompt": "a cat"}], gateway)
    assert [row["prompt"] for row in rows_after(outcome)] == ["a cat"]
    [rejection] = outcome.rejections
    assert rejection.reason.startswith("the column 'prompt' is ")
    assert not rejection.unanswered


def test_a_refused_prompt_is_a_rejection_with_the_models_reason(gateway: Gateway) -> None:
    model = TroubledImages(troubles={"bad": ContentFiltered("not that")})
    rows = [{"prompt": "a bad cat"}, {"prompt": "a cat"}]
    outcome = applied(step(image_generation_model=model), rows, gateway)
    assert [row["prompt"] for row in rows_after(outcome)] == ["a cat"]
    assert [rejection.reason for rejection in outcome.rejections] == ["not that"]


def test_one_refused_generation_of_several_leaves_the_others(gateway: Gateway) -> None:
    model = TroubledImages(troubles={"": ContentFiltered("not that")}, odd_only=True)
    several = step(image_generation_model=model, num_generations=8)
    outcome = applied(several, [{"prompt": "a cat"}], gateway)
    assert outcome.frame.height + len(outcome.rejections) == 8
    assert 0 < outcome.frame.height < 8
    assert outcome.calls.requests == outcome.frame.height
    grouped = step(image_generation_model=model, num_generations=8, group_generations=True)
    assert [r.reason for r in applied(grouped, [{"prompt": "a cat"}], gateway).rejections] == [
        "not that"
    ]


def test_what_the_provider_failed_is_tried_again_and_then_unanswered(gateway: Gateway) -> None:
    model = TroubledImages(troubles={"bad": ServerFailed("down")})
    failing = step(image_generation_model=model)
    frame = keyed([{"prompt": "bad"}, {"prompt": "a cat"}])
    with pytest.raises(ServerFailed):
        failing.apply(frame, StepContext(gateway, final_attempt=False))
    outcome = failing.apply(frame, StepContext(gateway))
    assert [rejection.unanswered for rejection in outcome.rejections] == [True]
    with pytest.raises(ServerFailed):
        failing.apply(frame.filter(pl.col("prompt") == "bad"), StepContext(gateway))


def test_what_no_request_will_survive_stops_the_run(gateway: Gateway) -> None:
    model = TroubledImages(troubles={"": AuthenticationFailed("wrong key")})
    with pytest.raises(AuthenticationFailed):
        applied(step(image_generation_model=model), [{"prompt": "a cat"}], gateway)


def test_files_are_named_by_row_so_that_equal_prompts_overwrite_nothing(
    gateway: Gateway, tmp_path: Path
) -> None:
    saving = step(save_artifacts=True, name="paint")
    with artifacts_in(tmp_path):
        outcome = applied(saving, [{"prompt": "a cat", "n": n} for n in range(2)], gateway)
    paths = [row["image_path"] for row in rows_after(outcome)]
    assert paths == [f"artifacts/paint/images/{key}.jpeg" for key in outcome.frame[KEY].to_list()]
    files = sorted((tmp_path / "images").iterdir())
    assert sorted(file.name for file in files) == sorted(Path(path).name for path in paths)
    assert {Pillow.open(io.BytesIO(file.read_bytes())).format for file in files} == {"JPEG"}


def test_each_generation_of_a_row_has_a_file(gateway: Gateway, tmp_path: Path) -> None:
    with artifacts_in(tmp_path):
        rows = rows_after(
            applied(step(save_artifacts=True, num_generations=2), [{"prompt": "a"}], gateway)
        )
        grouped = step(save_artifacts=True, num_generations=2, group_generations=True)
        [together] = rows_after(applied(grouped, [{"prompt": "a"}], gateway))
    paths = [row["image_path"] for row in rows] + together["image_path"]
    assert len(set(paths)) == 4
    assert len(list((tmp_path / "images").iterdir())) == 4


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_files_have_the_format_asked_for_transparent_images_too(
    image_format: ImageFormat, gateway: Gateway, tmp_path: Path
) -> None:
    class Transparent(ScriptedImageGeneration):
        def picture(self, prompt: str, seed: int) -> bytes:
            file = io.BytesIO()
            Pillow.new("RGBA", (2, 2), (255, 0, 0, 0)).save(file, format="WEBP", lossless=True)
            return file.getvalue()

    saving = step(
        image_generation_model=Transparent(), save_artifacts=True, image_format=image_format
    )
    with artifacts_in(tmp_path):
        [row] = rows_after(applied(saving, [{"prompt": "glass"}], gateway))
    [file] = (tmp_path / "images").iterdir()
    with Pillow.open(file) as image:
        assert image.format == image_format
        assert image_format != "JPEG" or min(image.getpixel((0, 0))) > 250  # type: ignore[arg-type]  # three numbers
    assert opened(row["image"]).format == "WEBP"


def test_an_image_that_cannot_be_converted_is_a_rejection(gateway: Gateway, tmp_path: Path) -> None:
    class Broken(ScriptedImageGeneration):
        def picture(self, prompt: str, seed: int) -> bytes:
            return super().picture(prompt, seed)[:40]

    with artifacts_in(tmp_path):
        outcome = applied(
            step(image_generation_model=Broken(), save_artifacts=True), [{"prompt": "a"}], gateway
        )
    assert outcome.rejections[0].reason.startswith("the image cannot be turned into JPEG: ")


def test_outside_a_run_no_file_is_written_and_the_path_is_null(gateway: Gateway) -> None:
    [row] = rows_after(applied(step(save_artifacts=True), [{"prompt": "a cat"}], gateway))
    assert row["image_path"] is None


def test_saving_files_needs_pillow_and_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda name: name != "PIL")
    step().load()
    with pytest.raises(MissingPackageError, match=r"pip install 'stillhouse\[images\]'"):
        step(save_artifacts=True).load()


def test_no_rows_have_the_columns_too(gateway: Gateway) -> None:
    frame = keyed([{"prompt": "a"}]).clear()
    outcome = step(save_artifacts=True).apply(frame, StepContext(gateway))
    assert {"image", "image_path", "model_name"} <= set(outcome.frame.columns)


def test_the_model_is_named_in_the_pipelines_file_without_its_key() -> None:
    with Graph("paint") as graph:
        model = {"provider": "openai", "model": "gpt-image-1", "api_key": "sk-planted"}
        LoadDataFromDicts(data=[{"prompt": "a"}]) >> step(image_generation_model=model)
    assert "gpt-image-1" in graph.to_yaml()
    assert "sk-planted" not in graph.to_yaml()
    with pytest.raises(ConfigurationError, match="There is no provider 'opnai' of images"):
        step(image_generation_model="opnai:x")
