"""Blocks of chunks, and the files that are made of them."""

from __future__ import annotations

from tests.hub.xet.shard import StoredFile, read_shard, told_to_others
from tests.hub.xet.xorb import Xorb, read_xorb


class XetStore:
    """`received` are the bytes of the blocks (xorbs) that clients have sent."""

    def __init__(self) -> None:
        self.received = 0
        self.xorbs: dict[str, Xorb] = {}
        self.files: dict[str, StoredFile] = {}
        self._names: dict[str, str] = {}
        self._shards: dict[str, bytes] = {}

    def keep_xorb(self, name: str, data: bytes) -> bool:
        """Keep a block; tell whether it is new."""
        self.received += len(data)
        new = name not in self.xorbs
        self.xorbs.setdefault(name, read_xorb(data))
        return new

    def keep_shard(self, content: bytes) -> bool:
        """Take note of files; tell whether all their blocks are here."""
        shard = read_shard(content)
        named = {segment.xorb for file in shard.files for segment in file.segments}
        if not named <= self.xorbs.keys():
            return False
        for file in shard.files:
            self.files[file.name] = file
            if file.sha256:
                self._names[file.sha256] = file.name
        self._shards.update(dict.fromkeys(shard.chunks, content))
        return True

    def shard_with(self, chunk: str) -> bytes | None:
        """Return a shard that says where a chunk is."""
        shard = self._shards.get(chunk)
        return told_to_others(shard) if shard is not None else None

    def name(self, sha256: str) -> str | None:
        """Return the name that Xet has for a file, None if it did not come by Xet."""
        return self._names.get(sha256)

    def content(self, sha256: str) -> bytes | None:
        """Return the bytes of a file, put together from its chunks."""
        name = self.name(sha256)
        if name is None:
            return None
        segments = self.files[name].segments
        return b"".join(self.xorbs[part.xorb].content(part.start, part.end) for part in segments)
