"""Running Python programs that nobody has read."""

from __future__ import annotations

from tasks.function_calling.sandbox.limits import MEBIBYTE, Limits
from tasks.function_calling.sandbox.proof import prove
from tasks.function_calling.sandbox.sandbox import Sandbox
from tasks.function_calling.sandbox.watch import Finished, Unguarded

__all__ = ["MEBIBYTE", "Finished", "Limits", "Sandbox", "Unguarded", "prove"]
