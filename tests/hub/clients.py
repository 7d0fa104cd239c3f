"""What makes clients use a Hub: the environment, or the settings they have read from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hub.access import WRITER


def clients_of(url: str, home: Path, *, xet: bool = False) -> dict[str, str]:
    """Return the environment of a process whose clients use a Hub as a writer.

    They keep what they download below `home`.
    """
    environment = {
        "HF_ENDPOINT": url,
        "HF_HOME": str(home),
        "HF_HUB_CACHE": str(home / "hub-cache"),
        "HF_XET_CACHE": str(home / "xet-cache"),
        "HF_DATASETS_CACHE": str(home / "datasets"),
        "HF_XET_CLIENT_RETRY_BASE_DELAY": "10ms",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_TOKEN": WRITER,
    }
    return environment | ({} if xet else {"HF_HUB_DISABLE_XET": "1"})


def lead_to(url: str, home: Path, monkeypatch: pytest.MonkeyPatch, *, xet: bool) -> None:
    """Set what the clients of this process have read at import, and forget what they remember."""
    # A Hub in a process of its own has no clients and starts two seconds sooner without them.
    from datasets import config as datasets_config
    from huggingface_hub import HfFileSystem, constants
    from huggingface_hub.utils import _xet

    from tasks.export import hub_commit

    monkeypatch.delenv("HF_HUB_DISABLE_XET", raising=False)
    for variable, setting in clients_of(url, home, xet=xet).items():
        monkeypatch.setenv(variable, setting)
    downloads = home / "datasets" / "downloads"
    of_the_hub = {
        "ENDPOINT": url,
        "HUGGINGFACE_CO_URL_TEMPLATE": url + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(home / "hub-cache"),
        "HF_TOKEN_PATH": str(home / "no-token"),
        "HF_HUB_DISABLE_XET": not xet,
    }
    of_datasets = {
        "HF_ENDPOINT": url,
        "HUB_DATASETS_URL": url + "/datasets/{repo_id}/resolve/{revision}/{path}",
        "HF_DATASETS_CACHE": home / "datasets",
        "DOWNLOADED_DATASETS_PATH": downloads,
        "EXTRACTED_DATASETS_PATH": downloads / "extracted",
        "HF_MODULES_CACHE": home / "modules",
    }
    for name, value in of_the_hub.items():
        monkeypatch.setattr(constants, name, value)
    for name, place in of_datasets.items():
        monkeypatch.setattr(datasets_config, name, place)
    monkeypatch.setattr(_xet, "XET_CONNECTION_INFO_CACHE", {})
    monkeypatch.setattr(_xet, "_GLOBAL_XET_HOLDER", _xet.XetSessionHolder())
    monkeypatch.setattr(hub_commit, "_FIRST_WAIT_SECONDS", 0.02)
    HfFileSystem.clear_instance_cache()
