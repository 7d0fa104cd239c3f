"""Images for a conversation, from wherever they are."""

from __future__ import annotations

import sys
from base64 import b64encode
from io import BytesIO
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from llms.chat import ImagePart
from llms.errors import ConfigurationError

if TYPE_CHECKING:
    from PIL.Image import Image

_PREFIXES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def image_part(image: str | PathLike[str] | bytes | Image) -> ImagePart:
    """Return an image as a part of a turn.

    `image` is an `https:` or `data:` URL, the path of a file, the bytes of one, or a PIL image
    (which is sent as PNG). What is not a URL goes with the request as a `data:` URL; its type is
    told from the bytes: PNG, JPEG, GIF or WebP.

    Raises:
        ConfigurationError: there is no such file, or it is no such image.
    """
    if isinstance(image, str) and image.startswith(("https://", "http://", "data:")):
        return _part(image)
    if isinstance(image, (str, PathLike)):
        return _data_part(_bytes_at(Path(fspath(image))), f"The file {fspath(image)!r}")
    if isinstance(image, bytes):
        return _data_part(image, "The value")
    pillow = sys.modules.get("PIL.Image")  # whoever made a PIL image has loaded Pillow
    if pillow is not None and isinstance(image, pillow.Image):
        file = BytesIO()
        image.save(file, format="PNG")
        return _data_part(file.getvalue(), "The image")
    raise ConfigurationError(
        f"An image is a URL, a path, bytes or a PIL image, not a {type(image).__name__}."
    )


def _bytes_at(path: Path) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The image {str(path)!r} cannot be read: {error}.") from error


def media_type(data: bytes) -> str | None:
    """Return the type of an image by its first bytes, None if it is no PNG, JPEG, GIF or WebP."""
    for prefix, named in _PREFIXES.items():
        if data.startswith(prefix):
            return named
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _data_part(data: bytes, what: str) -> ImagePart:
    found = media_type(data)
    if found is None:
        raise ConfigurationError(
            f"{what} is not a PNG, JPEG, GIF or WebP image; models take no other kinds."
        )
    return _part(f"data:{found};base64,{b64encode(data).decode()}")


def _part(url: str) -> ImagePart:
    return {"type": "image_url", "image_url": {"url": url}}
