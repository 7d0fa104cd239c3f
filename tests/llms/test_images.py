"""Images from wherever they are."""

from __future__ import annotations

from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from llms.errors import ConfigurationError
from llms.images import image_part
from tests.llms.conftest import run_python


def _bytes(format: str) -> bytes:
    file = BytesIO()
    Image.new("RGB", (2, 2), "red").save(file, format)
    return file.getvalue()


_FORMATS = {"PNG": "png", "JPEG": "jpeg", "GIF": "gif", "WEBP": "webp"}


@pytest.mark.parametrize("url", ["https://images.example/a.png", "data:image/png;base64,AAAA"])
def test_a_url_stays_as_it_is(url: str) -> None:
    assert image_part(url) == {"type": "image_url", "image_url": {"url": url}}


@pytest.mark.parametrize("format", _FORMATS)
def test_the_type_is_told_from_the_bytes(format: str, tmp_path: Path) -> None:
    data = _bytes(format)
    path = tmp_path / "picture.without-meaning"
    path.write_bytes(data)
    url = f"data:image/{_FORMATS[format]};base64,{b64encode(data).decode()}"
    for image in (data, path, str(path)):
        assert image_part(image)["image_url"]["url"] == url


def test_a_pil_image_goes_as_png() -> None:
    image = Image.new("RGB", (2, 2), "red")
    head, data = image_part(image)["image_url"]["url"].split(",")
    assert head == "data:image/png;base64"
    assert list(Image.open(BytesIO(b64decode(data))).tobytes()) == list(image.tobytes())


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (b"BM not one of them", "The value is not a PNG, JPEG, GIF or WebP image"),
        ("no-such-file.png", "The image 'no-such-file.png' cannot be read"),
        (7, "An image is a URL, a path, bytes or a PIL image, not a int."),
    ],
    ids=["another type", "no file", "a number"],
)
def test_what_is_no_image_is_a_configuration_error(image: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        image_part(image)
    assert str(caught.value).startswith(sentence)


def test_pillow_is_loaded_only_by_who_has_a_pil_image() -> None:
    script = (
        "import sys; from llms.images import image_part; image_part(b'GIF89a');"
        "print('PIL' in sys.modules)"
    )
    assert run_python(script) == "False"
