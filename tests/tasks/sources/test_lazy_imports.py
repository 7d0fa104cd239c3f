"""What the steps need only at work is not imported with them."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("prefect", "datasets", "openai", "mistralai", "huggingface_hub", "fsspec", "pyarrow")


def test_importing_the_steps_imports_no_optional_or_heavy_package() -> None:
    script = f"import sys, tasks; print([name for name in {HEAVY!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
