"""Answers as plain data in the database: written by the batch, found by key."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from llms.chat import Completion
from llms.embeddings.model import Embedding
from llms.image_generation.model import Image
from llms.spending import NANODOLLARS
from llms.store.database import Connection, Row, flat, places, portions

Stored = Completion | Embedding | Image

_VECTOR = "<f4"


def pack(value: Stored) -> bytes:
    """Return an answer as bytes: compressed JSON, or a line of JSON before the rest.

    The rest is a vector's float32s, or the file of an image, which is compressed already.
    """
    if isinstance(value, Completion):
        text = json.dumps(value.as_json(), ensure_ascii=False)
        return zlib.compress(text.encode(errors="surrogatepass"), 1)
    if isinstance(value, Embedding):
        about = [value.model, value.input_tokens, value.cost_usd]
        return json.dumps(about).encode() + b"\n" + value.vector.astype(_VECTOR).tobytes()
    said = {name: item for name, item in asdict(value).items() if name != "data"}
    return json.dumps(said).encode() + b"\n" + value.data


def unpack(packed: bytes) -> Stored:
    """Rebuild an answer from `pack`."""
    if packed[:1] not in (b"[", b"{"):
        return _completion(zlib.decompress(packed))
    about, _, rest = packed.partition(b"\n")
    if packed[:1] == b"{":
        return Image(rest, **json.loads(about))
    import numpy as np

    model, input_tokens, cost_usd = json.loads(about)
    return Embedding(np.frombuffer(rest, _VECTOR), model, input_tokens, cost_usd)


def _completion(written: str | bytes) -> Completion:
    return Completion.from_json(json.loads(written))


@dataclass(frozen=True, slots=True)
class ArchivedAnswer:
    """A stored answer outside the store: a completion as JSON, any other answer as bytes.

    So is a completion that no table takes as text.
    """

    key: str
    completion: str | None
    data: bytes | None

    @property
    def packed(self) -> bytes:
        """The answer as the database holds it."""
        if self.completion is None:
            return self.data or b""
        return zlib.compress(self.completion.encode(), 1)


def archived(key: str, packed: bytes) -> ArchivedAnswer:
    """Return an answer of the database as it is kept elsewhere."""
    if packed[:1] in (b"[", b"{"):
        return ArchivedAnswer(key, None, packed)
    try:
        return ArchivedAnswer(key, zlib.decompress(packed).decode(), None)
    except UnicodeDecodeError:  # half of a surrogate pair, as models sometimes write it
        return ArchivedAnswer(key, None, packed)


def row(key: str, value: Stored, packed: bytes, pipeline: str, now: float) -> Row:
    """Return an answer as `insert` takes it."""
    cost = value.cost_usd
    if isinstance(value, Image) and value.address is not None:
        cost = 0.0  # it is counted with the image that will be fetched from there
    price = None if cost is None else round(cost * NANODOLLARS)
    # A model's name comes from a provider: what no database takes as text is replaced.
    model = value.model.encode(errors="replace").decode().replace("\0", "?")
    return key, model, pipeline, price, now, packed


def insert(connection: Connection, rows: Sequence[Row]) -> set[str]:
    """Store rows with different keys; return the keys that were not there before."""
    inserted: set[str] = set()
    for portion in portions(sorted(rows)):
        found = connection.execute(
            f"INSERT INTO completions (key, model, pipeline, nanodollars, created, answer) "
            f"VALUES {places(portion)} ON CONFLICT (key) DO NOTHING RETURNING key",
            flat(portion),
        )
        inserted.update(key for (key,) in found)
    return inserted


def find_one(connection: Connection, key: str) -> Stored | None:
    """Return the answer under a key, or None."""
    rows = connection.execute("SELECT answer FROM completions WHERE key = ?", (key,))
    return unpack(rows[0][0]) if rows else None


def find(connection: Connection, keys: Sequence[str]) -> dict[str, Stored]:
    """Return those of the answers under some keys that are there."""
    found: dict[str, Stored] = {}
    for portion in portions(keys):
        rows = connection.execute(
            f"SELECT key, answer FROM completions WHERE key IN {places([tuple(portion)])}", portion
        )
        found |= {key: unpack(packed) for key, packed in rows}
    return found


def archive(connection: Connection, keys: Sequence[str]) -> Iterator[ArchivedAnswer]:
    """Yield those of the answers under some keys that are there."""
    for portion in portions(keys):
        rows = connection.execute(
            f"SELECT key, answer FROM completions WHERE key IN {places([tuple(portion)])}", portion
        )
        yield from (archived(key, packed) for key, packed in rows)


def known(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Return those of the keys that have an answer."""
    found: set[str] = set()
    for portion in portions(keys):
        rows = connection.execute(
            f"SELECT key FROM completions WHERE key IN {places([tuple(portion)])}", portion
        )
        found.update(key for (key,) in rows)
    return found


def restore(connection: Connection, kept: Sequence[ArchivedAnswer], now: float) -> int:
    """Store answers that are not there, and return how many these were; nothing is booked."""
    rows = []
    for item in kept:
        packed = item.packed
        value = unpack(packed) if item.completion is None else _completion(item.completion)
        rows.append(row(item.key, value, packed, "", now))
    return len(insert(connection, rows))


def count_hits(connection: Connection, hits: dict[str, int], now: float) -> None:
    """Add to the number of times that answers were found again."""
    for portion in portions([(key, number, now) for key, number in sorted(hits.items())]):
        connection.execute(
            f"INSERT INTO uses (key, hits, used) VALUES {places(portion)} ON CONFLICT (key) "
            f"DO UPDATE SET hits = uses.hits + excluded.hits, used = excluded.used",
            flat(portion),
        )
