"""Argilla on loopback, for the steps that send rows there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.argilla import KEY, FakeArgilla, fake_argilla


@pytest.fixture
def argilla(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeArgilla]:
    """An Argilla without datasets, named by the environment."""
    with fake_argilla() as server:
        monkeypatch.setenv("ARGILLA_API_URL", server.url)
        monkeypatch.setenv("ARGILLA_API_KEY", KEY)
        yield server
