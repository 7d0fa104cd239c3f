"""Large files, which the Hub keeps outside git under their SHA-256."""

from __future__ import annotations

from hashlib import md5, sha256

from tests.hub.xet.store import XetStore


class Storage:
    """What came by LFS, whole or in parts, and what came by Xet.

    `received` are the bytes that came by LFS; an upload that broke off does not count.
    """

    def __init__(self) -> None:
        self.received = 0
        self.xet = XetStore()
        self._files: dict[str, bytes] = {}
        self._parts: dict[str, dict[int, bytes]] = {}

    @property
    def uploaded_bytes(self) -> int:
        """Bytes of large files that were really sent, not counting lists of their chunks."""
        return self.received + self.xet.received

    def content(self, oid: str) -> bytes | None:
        """Return a file, None if it has not come."""
        if oid not in self._files and (content := self.xet.content(oid)) is not None:
            self._files[oid] = content
        return self._files.get(oid)

    def keep(self, oid: str, content: bytes) -> bool:
        """Keep a file unless its name is not the one of its content; tell whether it is kept."""
        right = sha256(content).hexdigest() == oid
        if right:
            self._files[oid] = content
        return right

    def keep_part(self, oid: str, number: int, content: bytes) -> str:
        """Keep a part of a file, counted from 1, and return the tag of its content."""
        self._parts.setdefault(oid, {})[number] = content
        return _tag(content)

    def join(self, oid: str, tags: list[str]) -> bool:
        """Make a file of its parts; tell whether they are all there and right."""
        parts = self._parts.get(oid, {})
        if [_tag(parts[number]) for number in sorted(parts)] != tags:
            return False
        return self.keep(oid, b"".join(parts[number] for number in sorted(parts)))


def _tag(content: bytes) -> str:
    return f'"{md5(content).hexdigest()}"'
