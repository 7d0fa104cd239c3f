"""`PushToHub`: the rows so far as a split of a dataset on the Hugging Face Hub."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl
from pydantic import Field, SecretStr

from llms.config import Operational
from llms.errors import ConfigurationError
from tasks.export.delivery import held_back
from tasks.export.hub_card import with_split
from tasks.outcome import Outcome, StepContext
from tasks.row import visible
from tasks.step import GlobalStep

if TYPE_CHECKING:
    from tasks.export.hub_commit import Head

_SHARD_BYTES = 500_000_000
"""Size in memory of the rows in one file; compressed it is a fraction of that."""
_CARD = "README.md"


class PushToHub(GlobalStep):
    """Puts the dataset's rows on the Hugging Face Hub, as one commit, and passes them on.

    Columns: all are pushed and none is made. The rows become the split `split` of the repository
    `repo_id` ("owner/name", made if it is not there, then `private` if asked) and replace what the
    split held; other splits and files stay. The same rows again make no commit, and neither do no
    rows at all. A preview pushes nothing.

    The token is `token`, else `HF_TOKEN` or the one of `hf auth login`; it is never written down.
    To publish a whole run with its card and accounts use the run's own `push_to_hub` instead.

    Raises:
        ConfigurationError: no `repo_id`.
        HubError: the Hub refuses or cannot be reached.

    Example:
        >>> from tasks import PushToHub
        >>> from tasks.export.delivery import nothing_delivered
        >>> with nothing_delivered():
        ...     next(PushToHub(repo_id="maker/numbers").process([{"n": 1}]))
        [{'n': 1}]
    """

    version: ClassVar = 1
    delivers: ClassVar = True

    repo_id: str | None = None
    split: str = Field(default="train", pattern=r"^\w+(\.\w+)*$")
    private: bool = False
    token: Operational[SecretStr | None] = Field(default=None, exclude=True, repr=False)

    def load(self) -> None:
        repo_id = self._repository()
        if not held_back():
            from tasks.export.hub_access import check_access

            check_access(repo_id, self._token())

    def apply_to_dataset(self, dataset: pl.LazyFrame, context: StepContext) -> Outcome:
        return self.apply(dataset.collect(), context)

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        repo_id = self._repository()
        rows = frame.select(visible(frame.columns))
        if rows.height and not held_back():
            with TemporaryDirectory() as folder:
                self._push(repo_id, rows, Path(folder))
        context.observer.finished(self.name, rows.height, 0)
        return Outcome(frame)

    def _push(self, repo_id: str, rows: pl.DataFrame, folder: Path) -> None:
        from tasks.export.hub_commit import Changes, commit

        shards = self._write(rows, folder)

        def changes(head: Head) -> Changes:
            old = re.compile(rf"data/{re.escape(self.split)}-\d{{5}}-of-\d{{5}}(-\w+)?\.parquet")
            there = [path for path in head.files() if old.fullmatch(path)]
            return Changes(
                f"{self.split}: {rows.height} rows",
                {**shards, **self._card(head, folder)},
                tuple(path for path in there if path not in shards),
            )

        commit(repo_id, changes, private=self.private, token=self._token())

    def _write(self, rows: pl.DataFrame, folder: Path) -> dict[str, Path]:
        height = math.ceil(rows.height * min(1.0, _SHARD_BYTES / max(1, rows.estimated_size())))
        count = math.ceil(rows.height / height)
        shards = {}
        for number, shard in enumerate(rows.iter_slices(height)):
            file = folder / f"{number}.parquet"
            # Without polars' own schema, in which a text is a "large string" to other readers.
            plain: dict[str, Any] = {"store_schema": False}
            shard.write_parquet(file, use_pyarrow=True, pyarrow_options=plain)
            shards[f"data/{self.split}-{number:05}-of-{count:05}.parquet"] = file
        return shards

    def _card(self, head: Head, folder: Path) -> dict[str, Path]:
        """Return the card if there is one and it says of this split what is no longer so."""
        from huggingface_hub import metadata_load, metadata_save

        card = head.download(_CARD)
        metadata = metadata_load(card) if card else None
        if card is None or not metadata:
            return {}
        changed = with_split(metadata, self.split)
        if changed == metadata:
            return {}
        copy = shutil.copyfile(card, folder / _CARD)
        metadata_save(copy, changed)
        return {_CARD: copy}

    def _repository(self) -> str:
        if not self.repo_id:
            raise ConfigurationError(f"Step {self.name!r} needs repo_id=, as owner/name.")
        return self.repo_id

    def _token(self) -> str | None:
        return self.token.get_secret_value() if self.token else None
