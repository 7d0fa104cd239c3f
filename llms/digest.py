"""Digests of content: the same values give the same digest in every process and version."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from hashlib import blake2b
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel


def canonical_json(value: Any) -> str:
    """Write a value as JSON with sorted keys, and types JSON lacks in one fixed form."""
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain
    )


def digest(value: Any) -> str:
    """Return 32 hexadecimal digits that name a value by its content."""
    return blake2b(canonical_json(value).encode(errors="surrogatepass"), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(canonical_json(item) for item in value)
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, (datetime, date, time)):
        return {type(value).__name__: value.isoformat()}
    if isinstance(value, timedelta):
        return {"timedelta": value.total_seconds()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, PurePath):
        return value.as_posix()
    raise TypeError(f"a {type(value).__name__} has no content to take a digest of: {value!r}")
