"""The one road to any model."""

from __future__ import annotations

from llms.budget import Budget, Purse
from llms.gateway.embedder import embedding_key
from llms.gateway.gateway import Gateway, answer_key
from llms.retries import RetryPolicy
from llms.waiting import together

__all__ = ["Budget", "Gateway", "Purse", "RetryPolicy", "answer_key", "embedding_key", "together"]
