"""A block of compressed chunks, as a client sends it.

Each chunk has eight bytes of header: a version, its length (three bytes, lowest first), how it is
compressed, and its length when it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

_HEADER = 8
_STORED, _LZ4, _GROUPED_LZ4 = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Xorb:
    """`data` are the bytes as they came, `ends` the place in them where each chunk ends."""

    data: bytes
    ends: tuple[int, ...]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return where chunks are in the data: the first byte, and the one after the last."""
        return (self.ends[start - 1] if start else 0), self.ends[end - 1]

    def content(self, start: int, end: int) -> bytes:
        """Return what chunks hold, from one to before another."""
        return b"".join(self._chunk(number) for number in range(start, end))

    def _chunk(self, number: int) -> bytes:
        first, after = self.place(number, number + 1)
        size = _length(self.data, first + 5)
        compression, packed = self.data[first + 4], self.data[first + _HEADER : after]
        if compression == _STORED:
            return packed
        plain = bytes(pa.decompress(packed, decompressed_size=size, codec="lz4", asbytes=True))
        return plain if compression == _LZ4 else _ungrouped(plain)


def read_xorb(data: bytes) -> Xorb:
    """Find the chunks of a xorb."""
    ends, at = [], 0
    while at < len(data):
        at += _HEADER + _length(data, at + 1)
        ends.append(at)
    return Xorb(data, tuple(ends))


def _length(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 3], "little")


def _ungrouped(plain: bytes) -> bytes:
    """Undo the grouping of every fourth byte, which makes numbers compress better."""
    grouped = np.frombuffer(plain, np.uint8)
    content = np.empty_like(grouped)
    at = 0
    for first in range(4):
        size = len(content[first::4])
        content[first::4] = grouped[at : at + size]
        at += size
    return content.tobytes()
