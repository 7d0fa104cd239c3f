"""TextGenerationWithImage: a picture in any of its forms goes along, as what it is."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from llms import Gateway, LlamaCppLLM, ScriptedLLM
from llms.chat import ContentPart
from llms.errors import ConfigurationError, RowRejected
from tasks.generation.text_generation_with_image import TextGenerationWithImage
from tests.tasks.conftest import applied, rows_after

PNG = b"\x89PNG\r\n\x1a\n" + b"the rest of a picture"
GIF = b"GIF89a" + b"the rest"
URL = "https://pictures.example/1.png"


def task(**parameters: Any) -> TextGenerationWithImage:
    llm = ScriptedLLM(rules={"Who": "A cat."}, replies=("no",))
    return TextGenerationWithImage(**{"llm": llm, **parameters})


def parts_of(step: TextGenerationWithImage, image: Any, **more: Any) -> list[ContentPart]:
    turns = step.format_input({"instruction": "Who is it?", "image": image, **more})
    content = turns[-1]["content"]
    assert isinstance(content, list)
    return content


def sent_url(step: TextGenerationWithImage, image: Any) -> str:
    text, picture = parts_of(step, image)
    assert text == {"type": "text", "text": "Who is it?"}
    assert picture["type"] == "image_url"
    return picture["image_url"]["url"]


@pytest.mark.parametrize(
    ("kind", "image", "url"),
    [
        ("url", URL, URL),
        ("url", "data:image/png;base64,AAAA", "data:image/png;base64,AAAA"),
        ("base64", b64encode(PNG).decode(), f"data:image/png;base64,{b64encode(PNG).decode()}"),
        ("PIL", PNG, f"data:image/png;base64,{b64encode(PNG).decode()}"),
        (
            "PIL",
            {"bytes": GIF, "path": "cat.gif"},
            f"data:image/gif;base64,{b64encode(GIF).decode()}",
        ),
    ],
    ids=["address", "data address", "base 64", "bytes", "as datasets keep it"],
)
def test_a_picture_is_sent_as_the_type_it_is_and_not_always_as_jpeg(
    kind: str, image: Any, url: str
) -> None:
    assert sent_url(task(image_type=kind), image) == url


def test_the_answer_is_kept_as_it_is(gateway: Gateway) -> None:
    rows = [{"instruction": "Who is it?", "image": PNG}]
    (row,) = rows_after(applied(task(image_type="PIL"), rows, gateway))
    assert row["generation"] == "A cat."
    assert row["image"] == PNG


def test_the_rows_system_prompt_is_not_ignored() -> None:
    step = task(system_prompt="Be brief.")
    row = {"instruction": "Who is it?", "image": URL}
    assert step.format_input(row)[0] == {"role": "system", "content": "Be brief."}
    own = step.format_input({**row, "system_prompt": "Be long."})
    assert own[0] == {"role": "system", "content": "Be long."}
    assert [turn["role"] for turn in own] == ["system", "user"]


def test_template_and_columns_work_as_without_a_picture() -> None:
    step = task(template="Is it a {{ animal }}?", columns="animal")
    assert step.inputs == {"animal": True, "image": True, "system_prompt": False}
    (turn,) = step.format_input({"animal": "cat", "image": URL})
    assert turn["content"][0] == {"type": "text", "text": "Is it a cat?"}


def test_a_picture_made_here_is_sent_whole() -> None:
    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (2, 2), "red").save(file, format="JPEG")
    url = sent_url(task(image_type="PIL"), file.getvalue())
    assert url.startswith("data:image/jpeg;base64,")


@pytest.mark.parametrize(
    ("kind", "image", "reason"),
    [
        ("url", None, "the column 'image' is null"),
        ("url", " ", "the column 'image' is empty"),
        ("url", "pictures/1.png", "is 'pictures/1.png', not a web or data: address"),
        ("base64", "not base 64!", "the column 'image' is no base 64"),
        ("base64", b64encode(b"notes").decode(), "holds no picture: .* not a PNG, JPEG, GIF"),
        ("PIL", None, "holds no bytes of a picture"),
        ("PIL", {"path": "cat.gif"}, "holds no bytes of a picture"),
        ("PIL", {"bytes": None, "path": "cat.gif"}, "holds no bytes of a picture"),
        ("PIL", b"notes", "holds no picture"),
    ],
    ids=str,
)
def test_a_row_without_a_picture_is_a_rejection_that_says_why(
    kind: str, image: Any, reason: str, gateway: Gateway
) -> None:
    with pytest.raises(RowRejected, match=reason):
        parts_of(task(image_type=kind), image)


def test_no_file_is_read_because_a_row_names_it(tmp_path: Path) -> None:
    path = tmp_path / "private.png"
    path.write_bytes(PNG)
    for kind in ("url", "base64", "PIL"):
        with pytest.raises(RowRejected):
            parts_of(task(image_type=kind), str(path))


def test_a_model_without_eyes_is_refused_at_construction() -> None:
    with pytest.raises(ConfigurationError, match=r"LlamaCppLLM takes no pictures; .* openai"):
        task(llm=LlamaCppLLM())


def test_an_empty_answer_is_a_rejection(gateway: Gateway) -> None:
    step = task(llm=ScriptedLLM(replies=(" ",)), corrections=0)
    outcome = applied(step, [{"instruction": "Who is it?", "image": URL}], gateway)
    assert outcome.rejections[0].reason == "the reply is empty"
