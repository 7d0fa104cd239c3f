"""What a client says of the files and chunks it has sent: the binary format of a shard.

After 48 bytes of header come files, then xorbs (blocks of chunks), each a record of 48 bytes and
its entries of 48 bytes; a name of ones ends either list.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_SIZE = 48
_LAST = "f" * 64
_HAS_VERIFICATION = 1 << 31
_HAS_SHA256 = 1 << 30
_FOOTER_SIZE = 200
_NEVER = 4_102_444_800


@dataclass(frozen=True, slots=True)
class Segment:
    """Chunks of a xorb, from `start` to before `end`, that are `size` bytes of a file."""

    xorb: str
    size: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The chunks of a file, in order; `sha256` is empty if the client has not said it."""

    name: str
    sha256: str
    segments: tuple[Segment, ...]

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return sum(segment.size for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Shard:
    """The files of a shard, and the names of the chunks that it says the place of."""

    files: tuple[StoredFile, ...]
    chunks: frozenset[str]


def read_shard(content: bytes) -> Shard:
    """Read a shard as a client sends it."""
    records = _records(content)
    return Shard(tuple(_files(records)), frozenset(_chunks(records)))


def told_to_others(content: bytes) -> bytes:
    """Return a shard as the store sends it: with a footer that says where its lists begin.

    There are no tables to look names up in, no key to the names, and it never expires.
    """
    records = _records(content)
    list(_files(records))
    end = len(content)
    xorbs = end - _SIZE * len(list(records))
    footer = struct.pack("<9Q32s2Q", 1, _SIZE, xorbs, end, 0, end, 0, end, 0, bytes(32), 0, _NEVER)
    footer += bytes(_FOOTER_SIZE - len(footer) - 8) + struct.pack("<Q", end)
    return content[:40] + struct.pack("<Q", _FOOTER_SIZE) + content[48:] + footer


def _records(content: bytes) -> Iterator[bytes]:
    return (content[at : at + _SIZE] for at in range(_SIZE, len(content), _SIZE))


def _files(records: Iterator[bytes]) -> Iterator[StoredFile]:
    while (name := _name((header := next(records))[:32])) != _LAST:
        flags, count = struct.unpack_from("<II", header, 32)
        segments = tuple(_segment(next(records)) for _ in range(count))
        if flags & _HAS_VERIFICATION:
            for _ in range(count):
                next(records)
        sha256 = _name(next(records)[:32]) if flags & _HAS_SHA256 else ""
        yield StoredFile(name, sha256, segments)


def _segment(record: bytes) -> Segment:
    _, size, start, end = struct.unpack_from("<IIII", record, 32)
    return Segment(_name(record[:32]), size, start, end)


def _chunks(records: Iterator[bytes]) -> Iterator[str]:
    while _name((header := next(records))[:32]) != _LAST:
        (count,) = struct.unpack_from("<I", header, 36)
        for _ in range(count):
            yield _name(next(records)[:32])


def _name(raw: bytes) -> str:
    """Return a name as the clients print it: four numbers of eight bytes, lowest byte first."""
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", raw))
