"""Answers that follow a JSON schema: one way for all providers."""

from __future__ import annotations

from llms.structured.asking import correction, instructed
from llms.structured.reading import Unfit, read
from llms.structured.schemas import as_schema, provider_schema

__all__ = ["Unfit", "as_schema", "correction", "instructed", "provider_schema", "read"]
