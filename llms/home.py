"""Where this process keeps its answers, and the gateway that uses them."""

from __future__ import annotations

import atexit
import os
import threading
from pathlib import Path

from llms.gateway import Gateway
from llms.store import CompletionStore

_opening = threading.Lock()
_opened: dict[Path, Gateway] = {}


def home() -> Path:
    """Return the folder for answers and partitions.

    `STILLHOUSE_HOME`, else the nearest `.stillhouse` in this folder or above it, else a new one
    here.
    """
    if named := os.environ.get("STILLHOUSE_HOME"):
        return Path(named).expanduser().resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".stillhouse").is_dir():
            return folder / ".stillhouse"
    return here / ".stillhouse"


def default_gateway() -> Gateway:
    """Return the process's gateway with the store in `home()`."""
    return gateway_at(home() / "completions.sqlite")


def gateway_at(store: Path) -> Gateway:
    """Return the process's gateway with the store in a file; it closes when the process ends."""
    with _opening:
        if store not in _opened:
            _opened[store] = Gateway(CompletionStore(store))
        return _opened[store]


@atexit.register
def close_gateways() -> None:
    """Close the process's gateways; the next call opens new ones."""
    with _opening:
        while _opened:
            _opened.popitem()[1].close()
