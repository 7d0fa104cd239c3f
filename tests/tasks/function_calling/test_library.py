"""Reading a library of functions without running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from llms.errors import ConfigurationError
from tasks.function_calling.library import CallFailed, Library


def write(folder: Path, **files: str) -> Path:
    """Write Python files into a folder."""
    for name, source in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return folder


def test_a_file_is_a_library_of_its_functions(tmp_path: Path) -> None:
    write(tmp_path, tools="def add(a): ...\nasync def wait(): ...\nclass C:\n  def m(self): ...")

    library = Library.at(tmp_path / "tools.py")

    assert library.function("add").file == "tools.py"
    assert library.function("wait").name == "wait"
    with pytest.raises(CallFailed, match="no function 'm'"):
        library.function("m")


def test_in_a_folder_the_file_of_its_own_name_defines_a_function(tmp_path: Path) -> None:
    library = Library.at(write(tmp_path, add="def add(): ...", other="def add(): ..."))

    assert library.function("add").file == "add.py"


def test_in_a_folder_any_file_may_define_a_function_that_no_other_defines(tmp_path: Path) -> None:
    library = Library.at(write(tmp_path, maths="def add(): ...", texts="def join(): ..."))

    assert library.function("join").file == "texts.py"
    assert library.files == ["maths.py", "texts.py"]


def test_a_function_that_two_files_define_is_not_guessed(tmp_path: Path) -> None:
    library = Library.at(write(tmp_path, one="def add(): ...", two="def add(): ..."))

    with pytest.raises(CallFailed, match=r"several functions 'add', in one\.py, two\.py"):
        library.function("add")


def test_functions_under_a_condition_count_and_the_last_of_a_name_wins(tmp_path: Path) -> None:
    source = "def f(a): ...\ntry:\n  import x\nexcept ImportError:\n  def f(b): ...\n"

    library = Library.at(write(tmp_path, tools=source) / "tools.py")

    assert library.function("f").definition.args.args[0].arg == "b"


@pytest.mark.parametrize(
    "name", ["sqrt", "os", "system", "C", "__builtins__", "eval", "os.system", ""]
)
def test_what_a_library_only_imports_cannot_be_called(name: str, tmp_path: Path) -> None:
    source = "import os\nfrom math import sqrt\nfrom os import system\nclass C: ...\ndef f(): ..."
    library = Library.at(write(tmp_path, tools=source))

    with pytest.raises(CallFailed, match="has no function"):
        library.function(name)


def test_the_digest_knows_what_the_files_say_and_not_where_they_lie(tmp_path: Path) -> None:
    one = Library.at(write(tmp_path / "one", add="def add(): ..."))
    moved = Library.at(write(tmp_path / "two", add="def add(): ..."))
    edited = Library.at(write(tmp_path / "three", add="def add(): return 1"))

    assert one.digest == moved.digest != edited.digest


def test_a_copy_has_all_files_and_packages_and_nothing_else(tmp_path: Path) -> None:
    files = {"add": "def add(): ...", "kit/__init__": "", "kit/inner": "x = 1", "data/x": "x = 1"}
    write(tmp_path / "from", **files)
    (tmp_path / "from" / ".env").write_text("KEY=sesame")
    (tmp_path / "to").mkdir()

    Library.at(tmp_path / "from").write(tmp_path / "to")

    copied = sorted(str(p.relative_to(tmp_path / "to")) for p in tmp_path.glob("to/**/*.*"))
    assert copied == ["add.py", "kit/__init__.py", "kit/inner.py"]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / "missing.py", "cannot be read"),
        (lambda folder: folder / "missing", "neither a .py file nor a folder"),
        (lambda folder: folder, "defines no functions"),
        (lambda folder: write(folder, tools="x = 1"), "defines no functions"),
        (lambda folder: write(folder, tools="def f(:"), "'tools.py' is no valid Python"),
        (lambda folder: write(folder, tools="x = '\0'"), "'tools.py' is no valid Python"),
    ],
    ids=["no file", "no folder", "empty", "no function", "broken", "null bytes"],
)
def test_what_is_no_library_is_refused(make: object, reason: str, tmp_path: Path) -> None:
    assert callable(make)
    path = make(tmp_path)

    with pytest.raises(ConfigurationError, match=reason):
        Library.at(path)


def test_reading_a_library_runs_nothing_of_it(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    source = f"open({str(mark)!r}, 'w')\ndef f(a=open({str(mark)!r}, 'w')): ..."

    library = Library.at(write(tmp_path, tools=source) / "tools.py")
    library.code("tools.py")

    assert not mark.exists()
