"""A dataset with two steps that ask a model, on the Hub of the tests, refreshed in a flow run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient

from flows import Pipeline
from flows.runtime.session import quiet_console
from flows.settings import FlowSettings
from llms import OpenAILLM
from tasks import KeepColumns, LoadDataFromDicts, Row, TextGeneration
from tests.hub import FakeHub, hub_of_this_process
from tests.loopback import LoopbackProvider

REPO = "maker/answers"

Refresh = Callable[..., dict[str, Any]]


def instructions(*numbers: int) -> list[Row]:
    """Return source rows with the key `id`."""
    return [{"id": number, "instruction": f"Say {number:04}."} for number in numbers]


def edited(rows: list[Row]) -> list[Row]:
    """Drop the first row, change the second, and add one."""
    changed = [{**rows[1], "instruction": "Say something else."}, *rows[2:]]
    return [*changed, {"id": 999_999, "instruction": "Say more."}]


def answers(url: str, rows: list[Row], second: str = "Shorten: {{ long }}") -> Pipeline:
    """Return a pipeline whose two steps with a model make one call a row each."""
    llm = OpenAILLM(model="loopback", base_url=url)
    with Pipeline("answers") as made:
        load = LoadDataFromDicts(name="load", data=rows, key_columns=("id",))
        long = TextGeneration(name="long", llm=llm, output_mappings={"generation": "long"})
        short = TextGeneration(
            name="short",
            llm=llm,
            template=second,
            columns="long",
            output_mappings={"generation": "short"},
        )
        keep = KeepColumns(name="keep", columns=("id", "instruction", "long", "short"))
        load >> long >> short >> keep
    return made


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Serve an empty Hub to the clients in this process, and be logged in as a writer."""
    with hub_of_this_process(tmp_path, monkeypatch) as hub:
        yield hub


@pytest.fixture
def refresh(prefect: SyncPrefectClient, provider: LoopbackProvider, tmp_path: Path) -> Refresh:
    """Return a function that refreshes `answers` from some rows, as a flow run."""

    def refreshed(rows: list[Row], *, second: str | None = None, **settings: Any) -> dict[str, Any]:
        chosen = FlowSettings(output=str(tmp_path / "dataset"), **settings)
        made = answers(provider.url, rows, *([second] if second else []))

        def answered() -> dict[str, Any]:
            return chosen.refresh(made)

        flow: Flow[[], dict[str, Any]] = Flow(answered, name="answers", persist_result=False)
        with quiet_console():
            state: Any = flow(return_state=True)
        found = state.result(raise_on_failure=False)
        if isinstance(found, BaseException):
            raise found
        return found  # type: ignore[no-any-return]  # what the flow returned

    return refreshed
