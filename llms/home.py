"""Where this process keeps its answers, and the gateway that uses them."""

from __future__ import annotations

import atexit
import os
import threading
from pathlib import Path

from llms.gateway import Gateway
from llms.store import CompletionStore

_opening = threading.Lock()
_opened: dict[Path | str, Gateway] = {}


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


def store_location() -> Path | str:
    """Return where answers are kept: the path or `postgresql://` URL that `STILLHOUSE_STORE`
    names, else a file in `home()`.
    """
    named = os.environ.get("STILLHOUSE_STORE")
    if not named:
        return home() / "completions.sqlite"
    return named if "://" in named else Path(named).expanduser().resolve()


def default_gateway() -> Gateway:
    """Return the process's gateway with the store at `store_location()`."""
    return gateway_at(store_location())


def gateway_at(store: Path | str) -> Gateway:
    """Return the process's gateway with a store; it closes when the process ends."""
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
