"""Parquet files that were read lately, for rows that lie scattered over many."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

_MOST_BYTES = 256_000_000


@dataclass(slots=True)
class RecentFiles:
    """Reads Parquet files, which never change, and keeps the latest of them up to some bytes."""

    most_bytes: int = _MOST_BYTES
    _kept: dict[Path, pl.DataFrame] = field(default_factory=dict)
    _bytes: float = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, file: Path) -> pl.DataFrame:
        """Return the rows of a file."""
        with self._lock:
            if (kept := self._kept.pop(file, None)) is not None:
                self._kept[file] = kept
                return kept
        frame = pl.read_parquet(file)
        with self._lock:
            if file not in self._kept:
                self._kept[file] = frame
                self._bytes += frame.estimated_size()
            while self._bytes > self.most_bytes:
                oldest = next(iter(self._kept))
                self._bytes -= self._kept.pop(oldest).estimated_size()
        return frame
