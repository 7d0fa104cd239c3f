"""Prefect flows: one deployable flow a file, and the machinery that runs them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.dataset import DatasetVersion
    from flows.pipeline import Pipeline

_HOMES = {"DatasetVersion": "flows.dataset", "Pipeline": "flows.pipeline"}

__all__ = ["DatasetVersion", "Pipeline"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
