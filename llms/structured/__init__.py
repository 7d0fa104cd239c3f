"""Answers that follow a JSON schema: one way for all providers."""

from __future__ import annotations

from llms.structured.asking import correction, instructed, shortened
from llms.structured.reading import Unfit, after_reasoning, read
from llms.structured.schemas import as_schema, provider_schema

__all__ = [
    "Unfit",
    "after_reasoning",
    "as_schema",
    "correction",
    "instructed",
    "provider_schema",
    "read",
    "shortened",
]
