"""The workspace: rows as Parquet files named by their content, and references to them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from llms.digest import canonical_json
from llms.errors import StillhouseError
from llms.spending import Receipt
from tasks.outcome import Accounts, Outcome
from tasks.row import KEY, PARENT, Rejection

RECEIPTS = {
    PARENT: pl.String(),
    "key": pl.String(),
    "model": pl.String(),
    "request_id": pl.String(),
    "input_tokens": pl.Int64(),
    "output_tokens": pl.Int64(),
    "cost_usd": pl.Float64(),
    "requests": pl.Int64(),
}
"""The columns of a file of receipts: a row that went in, and the fields of a `Receipt`."""


class WorkspaceError(StillhouseError):
    """The workspace cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A reference to some rows of one step: small, and plain JSON when it crosses Prefect.

    `digest` names the Parquet file by its content, `rejections` the file of what was rejected on
    the way, `receipts` that of the answers behind the rows. `unanswered` counts rejections that
    another run may still turn into rows.
    """

    digest: str
    rows: int
    accounts: Accounts
    rejections: str | None = None
    unanswered: int = 0
    receipts: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the reference as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Partition:
        """Rebuild a reference from `as_json`."""
        return cls(**{**value, "accounts": Accounts(**value["accounts"])})


class Workspace:
    """A folder of partitions. Files appear whole or not at all, and equal content only once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = folder / "results"

    def write(self, outcome: Outcome, keys_in: Sequence[str]) -> Partition:
        """Store what a step made of some rows and return the reference."""
        rejections = outcome.rejections
        return Partition(
            digest=self.write_frame(outcome.frame),
            rows=outcome.frame.height,
            accounts=outcome.accounts(keys_in),
            rejections=self._write_rejections(rejections) if rejections else None,
            unanswered=sum(rejection.unanswered for rejection in rejections),
            receipts=self._write_receipts(outcome.receipts),
        )

    def write_frame(self, frame: pl.DataFrame) -> str:
        """Store rows and return the digest that names them."""
        try:
            return self._write_parquet(frame)
        except pl.exceptions.PolarsError as error:
            raise WorkspaceError(
                f"The rows cannot be stored as Parquet ({error}); columns must hold plain values, "
                f"lists or dicts with fields."
            ) from error

    def record_of(self, pipeline: str) -> Path:
        """Return the file that remembers what the last finished run of a pipeline did."""
        return self.folder / "pipelines" / f"{quote(pipeline, safe='')}.json"

    def artifacts(self, signature: str) -> Path:
        """Return the folder for what a step of a signature saves beside the dataset."""
        return self.folder / "artifacts" / signature

    def path(self, digest: str) -> Path:
        """Return the Parquet file of a partition."""
        return self._file(digest, "parquet")

    def read(self, partition: Partition) -> pl.DataFrame:
        """Read the rows of a partition."""
        return pl.read_parquet(self.path(partition.digest))

    def scan(self, partitions: Sequence[Partition]) -> pl.LazyFrame:
        """Read the rows of partitions lazily, with columns and types that suit them all."""
        filled = [partition for partition in partitions if partition.rows] or partitions[:1]
        return pl.concat(
            [pl.scan_parquet(self.path(partition.digest)) for partition in filled],
            how="diagonal_relaxed",
        )

    def keys(self, partition: Partition) -> list[str]:
        """Return the keys of a partition's rows."""
        frame = pl.read_parquet(self.path(partition.digest), columns=[KEY])
        return frame[KEY].to_list()

    def rejections(self, partition: Partition) -> Iterator[Rejection]:
        """Read what was rejected on the way to a partition."""
        if partition.rejections is None:
            return
        file = self._file(partition.rejections, "jsonl")
        with file.open(encoding="utf-8", errors="surrogatepass") as lines:
            for line in lines:
                yield Rejection(**json.loads(line))

    def receipts(self, partitions: Iterable[Partition]) -> pl.DataFrame:
        """Read the receipts behind partitions; `PARENT` is the key of the row that went in."""
        files = [self.path(part.receipts) for part in partitions if part.receipts is not None]
        if not files:
            return pl.DataFrame(schema=RECEIPTS)
        return pl.concat([pl.read_parquet(file) for file in files])

    def has(self, partition: Partition) -> bool:
        """Tell whether all files of a partition are there."""
        return (
            self.path(partition.digest).is_file()
            and (partition.receipts is None or self.path(partition.receipts).is_file())
            and (
                partition.rejections is None or self._file(partition.rejections, "jsonl").is_file()
            )
        )

    def _write_receipts(self, receipts: Mapping[str, Sequence[Receipt]]) -> str | None:
        rows = [
            (
                parent,
                receipt.key,
                receipt.model,
                receipt.request_id,
                receipt.input_tokens,
                receipt.output_tokens,
                receipt.cost_usd,
                receipt.requests,
            )
            for parent, items in receipts.items()
            for receipt in items
        ]
        if not rows:
            return None
        return self._write_parquet(pl.DataFrame(rows, schema=RECEIPTS, orient="row"))

    def _write_parquet(self, frame: pl.DataFrame) -> str:
        buffer = BytesIO()
        frame.write_parquet(buffer, compression="zstd", statistics=False)
        return self._write(buffer.getvalue(), "parquet")

    def _write_rejections(self, rejections: Sequence[Rejection]) -> str:
        lines = "".join(canonical_json(rejection.as_json()) + "\n" for rejection in rejections)
        return self._write(lines.encode(errors="surrogatepass"), "jsonl")

    def _write(self, content: bytes, suffix: str) -> str:
        name = blake2b(content, digest_size=16).hexdigest()
        file = self._file(name, suffix)
        if file.is_file():
            return name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, content)
        except OSError as error:
            raise WorkspaceError(
                f"The workspace {str(self.folder)!r} cannot be written ({error.strerror}); free "
                f"the disk or mend the permissions and run again: what is finished is kept."
            ) from error
        return name

    def _file(self, digest: str, suffix: str) -> Path:
        return self.folder / "partitions" / digest[:2] / f"{digest}.{suffix}"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole or not at all, even if the machine stops."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
