"""Functions of real Python files as rows."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from llms.errors import ConfigurationError
from tasks import Row
from tasks.sources.load_python_functions import LoadPythonFunctions

FILE = '''\
def add(a, b=1):
    """Return the sum."""
    total = a + b
    # the sum of both
    return total


def undocumented(a):
    b = a
    c = b
    d = c
    return d


def _private():
    """Hide."""
    a = 1
    b = 2
    return a + b


class Thing:
    def method(self):
        """Not a function of the module."""
        a = 1
        return a
'''


def rows(step: LoadPythonFunctions) -> list[Row]:
    """Return all rows of the source."""
    return [row for frame in step.frames() for row in frame.to_dicts()]


def test_public_functions_with_a_docstring_are_taken(tmp_path: Path) -> None:
    (tmp_path / "sums.py").write_text(FILE)
    (tmp_path / "broken.py").write_text("def (")
    (row,) = rows(LoadPythonFunctions(path=str(tmp_path)))
    assert row["module"] == "sums"
    assert row["func_name"] == "add"
    assert row["func_desc"] == "add(a, b=1)\n\nReturn the sum."
    assert row["code_snippet"] == FILE.partition("\n\n\n")[0]


def test_the_functions_of_python_itself_are_the_default_and_diverse() -> None:
    taken = rows(LoadPythonFunctions(num_examples=50))
    assert len({row["module"] for row in taken}) == 50
    for row in taken:
        assert ast.parse(row["code_snippet"])
        assert 5 <= row["code_snippet"].count("\n") + 1 <= 60
    assert taken == rows(LoadPythonFunctions())[:50]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"path": "/nowhere/at/all"}, "no file or folder '/nowhere/at/all'"),
        ({"modules": ("nothing_like_it",)}, "found no function"),
    ],
)
def test_a_source_without_functions_is_told(parameters: Row, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        rows(LoadPythonFunctions(**parameters))


def test_the_place_of_the_files_is_not_what_decides(tmp_path: Path) -> None:
    keys = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "sums.py").write_text(FILE)
        step = LoadPythonFunctions(name="load", path=str(tmp_path / folder))
        keys.append((step.signature, next(iter(step.keyed_frames()))["_row_key"][0]))
    assert keys[0] == keys[1]
