"""One real Prefect server for the flow tests, and a provider on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.runtime.server import LocalServer, local_server
from tests.loopback import LoopbackProvider, loopback_provider


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """Run a Prefect server for the session."""
    with local_server(folder=tmp_path_factory.mktemp("prefect")) as server:
        yield server
        APILogWorker.drain_all()
        EventsWorker.drain_all()


@pytest.fixture
def prefect(
    prefect_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SyncPrefectClient]:
    """Record flow runs on the session's server; child processes do so too."""
    monkeypatch.setenv("PREFECT_API_URL", prefect_server.api_url)
    with (
        temporary_settings({PREFECT_API_URL: prefect_server.api_url}),
        get_client(sync_client=True) as client,
    ):
        yield client


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    """Run a provider on loopback for a test."""
    with loopback_provider() as running:
        yield running
