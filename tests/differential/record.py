"""Records what distilabel 1.5.3 makes of the cases, in an environment made for it.

    python -m tests.differential.record [FOLDER]

The environment stays in FOLDER for the next time; without one it is made in a temporary folder. It
takes a few minutes, needs Python 3.11 and asks pip's configured index for distilabel and what it
needs. The record, `distilabel.json`, is committed, so that the tests need none of it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]

RECORD = Path(__file__).with_name("distilabel.json")

REQUIREMENTS = (
    "distilabel==1.5.3",
    # The last releases that it works with.
    "datasets==3.6.*",
    "datasketch==1.6.*",
    "huggingface_hub==0.29.3",
    "pydantic==2.10.*",
    # What it needs and does not declare.
    "numpy",
    "packaging",
    "pandas",
    "requests",
    # What some of its steps need.
    "argilla>=2.8",
    "faiss-cpu",
    "matplotlib",
    "nltk",
    "pillow",
    "pyarrow",
    "scikit-learn",
)


def main() -> None:
    """Make the environment where it is not there yet, and record."""
    if len(sys.argv) > 1:
        record_in(Path(sys.argv[1]).absolute())
        return
    with TemporaryDirectory() as folder:
        record_in(Path(folder))


def record_in(folder: Path) -> None:
    """Record with the environment in a folder."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([python_3_11(), "-m", "venv", str(folder)], check=True)
    for command in (
        [python, "-m", "pip", "install", "--quiet", *REQUIREMENTS],
        [python, "-m", "tests.differential.in_distilabel", RECORD],
    ):
        subprocess.run([str(part) for part in command], check=True, cwd=ROOT)


def python_3_11() -> str:
    """Return a Python that distilabel 1.5.3 runs on."""
    if sys.version_info[:2] == (3, 11):
        return sys.executable
    found = shutil.which("python3.11")
    if found is None:
        sys.exit("distilabel 1.5.3 needs Python 3.11, and no `python3.11` was found.")
    return found


if __name__ == "__main__":
    main()
