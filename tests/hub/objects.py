"""How the Hub names the content of a file and which files it keeps outside git."""

from __future__ import annotations

from hashlib import sha1, sha256

_LARGE_SUFFIXES = (".arrow", ".gz", ".jpg", ".parquet", ".png", ".zip", ".zst")
_LARGE_BYTES = 10 * 2**20

ATTRIBUTES = "".join(f"*{suffix} filter=lfs\n" for suffix in _LARGE_SUFFIXES).encode()
"""The `.gitattributes` that a new repository begins with."""


def is_large(path: str, size: int) -> bool:
    """Tell whether the Hub stores a file outside git."""
    return path.endswith(_LARGE_SUFFIXES) or size > _LARGE_BYTES


def object_id(path: str, content: bytes) -> str:
    """Return the id by which clients see that a file has not changed."""
    return sha256(content).hexdigest() if is_large(path, len(content)) else git_blob(content)


def git_blob(content: bytes) -> str:
    """Return the id that git gives a file."""
    return sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()


def pointer(content: bytes) -> bytes:
    """Return what git holds in place of a large file."""
    oid = sha256(content).hexdigest()
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"
    return text.encode()
