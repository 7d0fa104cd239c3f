"""A home of its own for every test, and one real Prefect server for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llms.home import close_gateways


@pytest.fixture(autouse=True)
def stillhouse_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep answers and partitions of a test in a folder of its own."""
    home = tmp_path / "home"
    monkeypatch.setenv("STILLHOUSE_HOME", str(home))
    monkeypatch.delenv("STILLHOUSE_STORE", raising=False)
    yield home
    close_gateways()
