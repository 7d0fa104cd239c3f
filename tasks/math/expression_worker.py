"""Compares expressions in a process of its own: started by `expressions`, never imported.

It reads a JSON list of pairs and writes a line for each, 1 or 0. A pair that takes too long ends
it, also inside a calculation that no exception reaches.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
from importlib import import_module
from typing import Any

SECONDS = 5
"""Of processor time, for one pair."""


def is_same(library: Any, one: str, other: str) -> bool:
    """Tell whether two expressions in LaTeX have the same value."""
    kinds = [library.LatexExtractionConfig()]
    try:
        first, second = (library.parse(f"${x}$", kinds, parsing_timeout=None) for x in (one, other))
        return bool(first and second and library.verify(first, second, timeout_seconds=None))
    except Exception:
        return False


def main() -> None:
    """Answer the pairs on standard input."""
    logging.disable(logging.CRITICAL)
    library = import_module("math_verify")
    for one, other in json.load(sys.stdin):
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
        print(int(is_same(library, one, other)), flush=True)


if __name__ == "__main__":
    main()
