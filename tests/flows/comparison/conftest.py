"""Two versions with planted differences, made once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flows.comparison.preference import Planted, planted_versions


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """Two versions of a preference dataset of about 290 rows."""
    with planted_versions(tmp_path_factory.mktemp("planted")) as versions:
        yield versions
