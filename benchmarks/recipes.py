"""Every recipe on the embedded model: few rows, short answers, rejections tolerated.

    python -m benchmarks.recipes [RECIPE ...]

A small model leaves most judges' forms unfilled; what is shown is that every recipe runs from end
to end, accounts for every row and ends with a dataset or with a sentence. It fails if one does not.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from flows.command.loading import find_flow, project_flows
from flows.runtime.run import EverythingRejected
from flows.runtime.session import prefect_session, quiet_console

_FEW: dict[str, dict[str, Any]] = {
    "deita": {"evolutions": 1, "diversity_threshold": 0.0, "max_new_tokens": 256},
    "function_calling": {"queries": 1},
    "instructions": {"instructions_per_row": 1, "evolutions": 1},
    "math_steps": {"solutions": 1, "completions": 1},
    "retrieval": {"tasks": 1},
}


def main() -> None:
    """Run the recipes named, or all, and print what came of each."""
    recipes = sys.argv[1:] or [name for name in project_flows() if name != "quickstart"]
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STILLHOUSE_HOME"] = str(Path(folder) / "home")
        with prefect_session(), quiet_console():
            for recipe in recipes:
                began = time.monotonic()
                said = _trial(recipe, Path(folder) / recipe)
                print(f"{recipe:18} {time.monotonic() - began:6.1f} s  {said}", flush=True)
                if said.startswith("failed"):
                    failed.append(recipe)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _trial(recipe: str, folder: Path) -> str:
    few = {"rows": 3, "max_new_tokens": 96, **_FEW.get(recipe, {})}
    settings = find_flow(recipe).settings(output=str(folder), **few)
    state = getattr(import_module(f"flows.{recipe}"), recipe)(settings, return_state=True)
    result = state.result(raise_on_failure=False)
    if isinstance(result, EverythingRejected):
        return f"no row left: {result}"
    if not state.is_completed():
        return f"failed: {result!r}"
    return f"{result['rows']} rows, {result['rejected']} rejected, {result['calls']} calls"


if __name__ == "__main__":
    main()
