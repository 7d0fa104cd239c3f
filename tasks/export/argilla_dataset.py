"""A dataset on an Argilla server, made if it is not there, and records put into it."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from llms.errors import (
    ConfigurationError,
    ConnectionFailed,
    LLMError,
    ServerFailed,
    StillhouseError,
)

_RECORDS_PER_REQUEST = 250
_TRANSIENT = {408, 409, 425, 429}  # 409: another process is making the dataset
_making = threading.Lock()
"""Held while a dataset is looked up or made, so that partitions at work together make one."""


@dataclass(frozen=True, slots=True)
class Question:
    """What annotators are asked; a rating has the values 1 to 5, `labels` are value to title."""

    name: str
    title: str
    kind: Literal["label", "rating", "text"]
    required: bool
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of a dataset, name to whether it is required, and its questions."""

    fields: Mapping[str, bool]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A record: the same `id` again replaces it. `suggestions` are question to value."""

    id: str
    fields: Mapping[str, str]
    suggestions: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class ArgillaDataset:
    """Where records go; without a `workspace` into the first one of the server."""

    url: str
    key: str = field(repr=False)
    name: str
    workspace: str | None

    def put(self, layout: Layout, records: Sequence[Record]) -> None:
        """Add records, or replace those with the same ids.

        Raises:
            ConfigurationError: the key is refused, there is no such workspace, or the dataset has
                not got the fields and questions needed.
            TransientError: the server cannot be reached, or failed.
        """
        with self._translated():
            argilla = _imported()
            client = argilla.Argilla.__new__(argilla.Argilla)
            try:
                # Apart from its making: it asks the server who we are, and when that fails leaves
                # its connections open.
                client.__init__(api_url=self.url, api_key=self.key)
                with _making:
                    dataset = self._dataset(argilla, client, layout)
                for start in range(0, len(records), _RECORDS_PER_REQUEST):
                    self._send(argilla, dataset, records[start : start + _RECORDS_PER_REQUEST])
            finally:
                if hasattr(client, "http_client"):
                    client.http_client.close()

    def _send(self, argilla: Any, dataset: Any, records: Sequence[Record]) -> None:
        models = []
        for record in records:
            made = argilla.Record(
                id=record.id,
                fields=dict(record.fields),
                suggestions=[
                    argilla.Suggestion(question_name=name, value=value, type="model")
                    for name, value in record.suggestions.items()
                ],
            )
            made.dataset = dataset
            models.append(made.api_model())
        # `dataset.records.log` does the same and draws a progress bar for each partition.
        dataset._client.api.records.bulk_upsert(dataset_id=dataset.id, records=models)

    def _dataset(self, argilla: Any, client: Any, layout: Layout) -> Any:
        workspaces = {workspace.name: workspace for workspace in client.workspaces.list()}
        name = self.workspace or next(iter(workspaces), None)
        if name not in workspaces:
            raise ConfigurationError(
                f"Argilla at {self.url} has no workspace {name!r}; its workspaces are: "
                f"{', '.join(workspaces) or 'none'}."
            )
        found = client.api.datasets.get_by_name_and_workspace_id(self.name, workspaces[name].id)
        if found is not None:
            dataset = argilla.Dataset.from_model(found, client)
            dataset.settings.get()
            self._check(dataset.settings, layout)
            if found.status == "ready":
                return dataset
            dataset.delete()  # it was being made by a run that was killed; it has no records yet
        settings = _settings(argilla, client, layout)
        return argilla.Dataset(self.name, workspaces[name], settings, client).create()

    def _check(self, settings: Any, layout: Layout) -> None:
        there = {item.name for item in [*settings.fields, *settings.questions]}
        wanted = {*layout.fields, *(question.name for question in layout.questions)}
        is_draft = settings.dataset._model.status == "draft"
        strange = there - wanted if is_draft else wanted - there
        if strange:
            raise ConfigurationError(
                f"The dataset {self.name!r} on Argilla is another one: it has the fields and "
                f"questions {', '.join(sorted(there))}, and {', '.join(sorted(wanted))} are "
                f"needed; choose another dataset_name."
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import httpx

        try:
            yield
        except StillhouseError:
            raise
        except httpx.TransportError as error:
            raise ConnectionFailed(
                f"Argilla at {self.url} cannot be reached ({error}); check api_url= or "
                f"ARGILLA_API_URL, and that the server runs."
            ) from error
        except Exception as error:
            raise self._meant_by(error) from error

    def _meant_by(self, error: Exception) -> ConfigurationError | LLMError:
        status, said = _told_by(error)
        if status is None:
            raise error
        if status == 401:
            return ConfigurationError(
                f"Argilla at {self.url} refuses the key; check api_key= or ARGILLA_API_KEY."
            )
        if status >= 500 or status in _TRANSIENT:
            return ServerFailed(f"Argilla at {self.url} failed ({status}): {said}")
        return ConfigurationError(
            f"Argilla at {self.url} refuses the dataset {self.name!r} ({status}): {said}"
        )


def _told_by(error: Exception) -> tuple[int | None, str]:
    """Return the status and the words of the server's answer behind an error of the client.

    The client wraps its errors in others, whose status is their own guess.
    """
    answers = [one for one in _chain(error) if getattr(one, "status_code", None) is not None]
    if not answers:
        return None, ""
    said = " ".join(str(answers[-1]).split())
    return int(answers[-1].status_code), (said.partition("Details: ")[2] or said)[:500]


def _chain(error: BaseException | None) -> Iterator[Any]:
    while error is not None:
        yield error
        error = error.__cause__


def _settings(argilla: Any, client: Any, layout: Layout) -> Any:
    fields = [
        argilla.TextField(name=name, required=required, client=client)
        for name, required in layout.fields.items()
    ]
    return argilla.Settings(
        fields=fields, questions=[_question(argilla, client, item) for item in layout.questions]
    )


def _question(argilla: Any, client: Any, question: Question) -> Any:
    common = {"name": question.name, "title": question.title, "required": question.required}
    if question.kind == "label":
        return argilla.LabelQuestion(**common, labels=question.labels, client=client)
    if question.kind == "rating":
        return argilla.RatingQuestion(**common, values=[1, 2, 3, 4, 5], client=client)
    return argilla.TextQuestion(**common, client=client)


def _imported() -> Any:
    with warnings.catch_warnings():
        # Argilla's own classes are written for an older pydantic.
        warnings.filterwarnings("ignore", "Support for class-based `config`", DeprecationWarning)
        import argilla  # type: ignore[import-untyped]  # it has no types
    return argilla
