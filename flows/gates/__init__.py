"""Gates: what a staged version must pass before it is published."""

from flows.gates.gates import Gates
from flows.gates.verdict import GateFailed, Verdict, raise_if_failed, verdicts_table

__all__ = ["GateFailed", "Gates", "Verdict", "raise_if_failed", "verdicts_table"]
