"""Images that no model made: for tests and dry runs."""

from __future__ import annotations

import asyncio
import struct
import zlib
from hashlib import blake2b
from typing import Any, ClassVar

from pydantic import Field

from llms.chat import Usage
from llms.config import Operational
from llms.image_generation.model import ImageGenerationModel, ImageReply


class ScriptedImageGeneration(ImageGenerationModel):
    """Makes a PNG of one colour, which depends on prompt and sample alone; `size` is in pixels.

    Each image takes `delay` seconds. A test that needs more overrides `picture`.
    """

    provider: ClassVar = "scripted"
    free: ClassVar = True

    model: str = "scripted"
    size: int = Field(default=8, ge=1)
    delay: Operational[float] = Field(default=0.0, ge=0)

    def connect(self) -> Any:
        return None

    async def send(self, client: Any, prompt: str, seed: int) -> ImageReply:
        if self.delay:
            await asyncio.sleep(self.delay)
        return ImageReply(Usage(0, 0), self.model, self.picture(prompt, seed))

    def picture(self, prompt: str, seed: int) -> bytes:
        """Return an image for a prompt; `seed` differs from sample to sample."""
        colour = blake2b(f"{seed}:{prompt}".encode(errors="replace"), digest_size=3).digest()
        line = b"\0" + colour * self.size
        header = struct.pack(">IIBBBBB", self.size, self.size, 8, 2, 0, 0, 0)
        parts = [(b"IHDR", header), (b"IDAT", zlib.compress(line * self.size)), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
