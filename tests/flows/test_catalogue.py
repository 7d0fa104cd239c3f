"""The catalogue tells of every step, its page is true, and its examples run."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import tasks
from flows.command.catalogue import catalogue, catalogue_page
from flows.command.new_task import write_task
from flows.command.steps import list_steps
from llms.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
ENTRIES = catalogue()


def test_the_page_is_what_the_docstrings_say() -> None:
    written = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")
    assert written == catalogue_page(), "run `make docs`"


@pytest.mark.parametrize("name", ENTRIES)
def test_every_step_tells_its_columns_and_has_an_example(name: str) -> None:
    entry = ENTRIES[name]
    assert "Columns" in entry.text
    assert ">>> " in entry.example


@pytest.mark.parametrize("name", ENTRIES)
def test_the_example_runs(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    cls = getattr(tasks, name)
    (example,) = doctest.DocTestFinder(recurse=False).find(cls, name)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report: list[str] = []
    runner.run(example, out=report.append)
    assert not runner.failures, "".join(report)


def test_one_step_is_told_whole(capsys: pytest.CaptureFixture[str]) -> None:
    list_steps("UltraFeedback")
    told = capsys.readouterr().out
    for part in ("instruction", "generations", "ratings", "aspect", "2310.01377", ">>> "):
        assert part in told


def test_an_unknown_step_is_told_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'UltraFeedback'"):
        list_steps("UltraFeedbak")


def test_a_new_task_comes_with_a_test_that_passes(tmp_path: Path) -> None:
    write_task("RateAnswers", tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout
    with pytest.raises(ConfigurationError, match="exists already"):
        write_task("RateAnswers", tmp_path)


@pytest.mark.parametrize("name", ["rate answers", "rate", "1st", "UltraFeedback"])
def test_a_new_task_needs_a_name_that_is_free(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="name"):
        write_task(name, tmp_path)
    assert not list(tmp_path.iterdir())
