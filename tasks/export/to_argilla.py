"""`ToArgilla`: what steps that send rows to Argilla have in common."""

from __future__ import annotations

import os
from abc import abstractmethod
from typing import ClassVar, Self
from urllib.parse import urlsplit

import polars as pl
from pydantic import Field, SecretStr, model_validator

from llms.config import Operational
from llms.errors import ConfigurationError, RowRejected
from tasks.export.argilla_dataset import ArgillaDataset, Layout, Record
from tasks.export.delivery import held_back
from tasks.frames import derive, rows_of
from tasks.outcome import Outcome, StepContext
from tasks.packages import check_packages
from tasks.row import KEY, Rejection, Row
from tasks.step import Step


class ToArgilla(Step):
    """Sends rows to a dataset on an Argilla server for people to look at, and passes them on.

    The dataset `dataset_name` is made in `dataset_workspace` (the server's first one if not given)
    if it is not there. `api_url` defaults to `ARGILLA_API_URL` and `api_key`, which is never
    written down, to `ARGILLA_API_KEY`. A record's id is made from its content: the same row again
    updates its record, and what annotators answered stays.
    """

    version: ClassVar = 1
    delivers: ClassVar = True

    dataset_name: str = Field(min_length=1)
    dataset_workspace: str | None = None
    api_url: str | None = None
    api_key: Operational[SecretStr | None] = Field(default=None, exclude=True, repr=False)

    @property
    @abstractmethod
    def layout(self) -> Layout:
        """The fields and questions of the dataset."""

    @abstractmethod
    def records(self, input: Row) -> list[Record]:
        """Return the records of a row.

        Raises:
            RowRejected: the row has not got what they are made of.
        """

    def load(self) -> None:
        check_packages(type(self).__name__, "argilla", "argilla")
        if not held_back():
            self._dataset()

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        keys = frame[KEY].to_list()
        records: dict[str, Record] = {}
        sent, rejections = [], []
        for index, row in enumerate(rows_of(frame)):
            try:
                records |= {record.id: record for record in self.records(row)}
            except RowRejected as error:
                rejections.append(Rejection(keys[index], keys[index], self.name, str(error), row))
            else:
                sent.append(index)
        if records and not held_back():
            self._dataset().put(self.layout, list(records.values()))
        context.observer.finished(self.name, len(sent), len(rejections))
        return Outcome(derive(frame, sent, [keys[i] for i in sent], None), tuple(rejections))

    def _dataset(self) -> ArgillaDataset:
        url = self.api_url or os.environ.get("ARGILLA_API_URL")
        given = self.api_key.get_secret_value() if self.api_key else None
        key = given or os.environ.get("ARGILLA_API_KEY")
        if not url or not key:
            raise ConfigurationError(
                f"Step {self.name!r} needs the address and the key of an Argilla server: pass "
                f"api_url= and api_key=, or set ARGILLA_API_URL and ARGILLA_API_KEY."
            )
        return ArgillaDataset(url, key, self.dataset_name, self.dataset_workspace)

    @model_validator(mode="after")
    def _refuse_an_address_with_a_secret(self) -> Self:
        if "@" in urlsplit(self.api_url or "").netloc:
            raise ConfigurationError(
                "api_url holds a password, and addresses are written into datasets; take it out."
            )
        return self
