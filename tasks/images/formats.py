"""The formats that images are written in."""

from __future__ import annotations

from io import BytesIO
from typing import Literal

from llms.errors import RowRejected
from llms.images import media_type

ImageFormat = Literal["JPEG", "PNG", "WEBP", "GIF"]

FORMATS: dict[ImageFormat, str] = {"JPEG": "jpeg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}
"""Format to the ending of its files."""


def converted(data: bytes, image_format: ImageFormat) -> bytes:
    """Return an image file in a format, as it is where it has that already.

    JPEG knows no transparency: what is transparent becomes white.

    Raises:
        RowRejected: it cannot be read.
    """
    if media_type(data) == f"image/{FORMATS[image_format]}":
        return data
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data)) as image:
            seen = image.convert("RGBA")
        if image_format == "JPEG":
            opaque = Image.new("RGBA", seen.size, "white")
            seen = Image.alpha_composite(opaque, seen).convert("RGB")
        file = BytesIO()
        seen.save(file, format=image_format)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise RowRejected(f"the image cannot be turned into {image_format}: {error}") from error
    return file.getvalue()
