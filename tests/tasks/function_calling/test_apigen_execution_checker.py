"""`APIGenExecutionChecker`: what it runs, what it finds, and what it never does."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llms.errors import ConfigurationError
from tasks.function_calling.apigen_execution_checker import APIGenExecutionChecker
from tasks.function_calling.sandbox import proof
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

LIBRARY = '''
"""Functions to call."""
import math, os, random, sys, time
from typing import Optional

CALLS = []

def divide(numerator: float, denominator: float) -> float:
    return numerator / denominator

def echo(value): return value

def kind(value): return type(value).__name__

def show(number: int, words: list, deep: Optional[dict] = None): return (number, words, deep)

def count():
    CALLS.append(1)
    return len(CALLS)

def draw(): return random.random()

def names(): return {"alpha", "beta", "gamma", "delta"}

class Thing: ...

def thing(): return Thing()

def endless():
    while True: pass

def sleep(seconds: float): time.sleep(seconds)

def leave(): sys.exit(3)

def vanish(): os._exit(0)

def long(): return "x" * 100_000

def boast(): print("ran 'forged'", flush=True); return "told"

async def later(): return "waited"

def many():
    yield 1
    yield 2

def forever():
    while True: yield 1

def shout(text: str) -> str:
    """Never reads text with eval( or from open(."""
    return text.upper()

def files(): return os.listdir("/")

def secret(name: str): return os.environ.get(name)

def evaluate(text: str): return eval(text)
'''

Write = Callable[..., APIGenExecutionChecker]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A file of functions."""
    path = tmp_path / "library.py"
    path.write_text(LIBRARY)
    return path


def call(name: str, /, **arguments: Any) -> dict[str, Any]:
    """Return a call of a function."""
    return {"name": name, "arguments": arguments}


def check(library: Path, *calls: Any, **parameters: Any) -> tuple[bool, list[str]]:
    """Check one row with some calls."""
    step = APIGenExecutionChecker(libpath=library, **parameters)
    (row,) = next(step.process([{"answers": json.dumps(calls)}]))
    return row["keep_row_after_execution_check"], row["execution_result"]


def test_a_row_is_kept_when_all_its_calls_run(library: Path) -> None:
    kept, results = check(
        library, call("divide", numerator=1, denominator=4), call("echo", value=7)
    )

    assert kept is True
    assert results == ["0.25", "7"]


def test_a_row_is_not_kept_when_one_of_its_calls_fails_and_the_others_still_run(
    library: Path,
) -> None:
    kept, results = check(
        library,
        call("divide", numerator=1, denominator=0),
        call("nothing", value=7),
        call("echo", value=7),
    )

    assert kept is False
    assert results == [
        "failed: ZeroDivisionError: division by zero",
        "failed: the library has no function 'nothing'",
        "7",
    ]


def test_a_row_keeps_its_other_columns_and_its_key(library: Path) -> None:
    rows = [{"id": 1, "answers": json.dumps([call("echo", value=1)]), "tags": ["x"]}]
    step = APIGenExecutionChecker(libpath=library)

    outcome = applied(step, rows)

    assert rows_after(outcome) == [
        {**rows[0], "keep_row_after_execution_check": True, "execution_result": ["1"]}
    ]
    assert keys_of(outcome.frame) == keys_of(keyed(rows))


def test_a_row_without_calls_has_nothing_to_fail(library: Path) -> None:
    assert check(library) == (True, [])


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (None, "the column 'answers' is null"),
        ("", "the column 'answers' is empty"),
        ("no list", "the column 'answers' is no JSON"),
        ('{"name": "echo"}', "the column 'answers' is no list of calls"),
        ("[null]", "call 1 of the column 'answers' has no name"),
        ('[{"arguments": {}}]', "call 1 of the column 'answers' has no name"),
    ],
    ids=["null", "empty", "prose", "an object", "null for a call", "a call without a name"],
)
def test_answers_that_cannot_be_read_are_a_rejection_and_harm_no_neighbour(
    answers: str | None, reason: str, library: Path
) -> None:
    good = json.dumps([call("echo", value=1)])
    step = APIGenExecutionChecker(libpath=library)

    outcome = applied(step, [{"answers": good}, {"answers": answers}, {"answers": good}])

    assert [row["execution_result"] for row in rows_after(outcome)] == [["1"], ["1"]]
    (rejection,) = outcome.rejections
    assert rejection.reason.startswith(reason)


def test_arguments_go_by_name_and_not_by_the_order_in_which_the_model_wrote_them(
    library: Path,
) -> None:
    assert check(library, call("divide", denominator=4, numerator=1)) == (True, ["0.25"])


@pytest.mark.parametrize("text", ["__import__('os').getcwd()", "1 + 1", "print", "[].append(1)"])
def test_a_text_is_passed_as_a_text_and_never_evaluated(text: str, library: Path) -> None:
    assert check(library, call("echo", value=text)) == (True, [repr(text)])


def test_arguments_are_json_values_of_any_type(library: Path) -> None:
    values = [1, 2.5, "x", True, None, [1, [2]], {"a": {"b": 1}}]

    _, results = check(library, *[call("kind", value=value) for value in values])

    assert results == ["'int'", "'float'", "'str'", "'bool'", "'NoneType'", "'list'", "'dict'"]


def test_texts_are_read_as_json_where_the_annotation_wants_something_else(library: Path) -> None:
    kept, results = check(
        library,
        call("show", number="3", words='["a", "b"]', deep="{'c': 1}"),
        call("shout", text="3"),
        call("show", number="three", words=[]),
    )

    assert not kept
    assert results == [
        "(3, ['a', 'b'], {'c': 1})",
        "'3'",
        "failed: 'number' of 'show' is to be int, not str: 'three'",
    ]


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("nothing", {}, "failed: the library has no function 'nothing'"),
        ("math", {}, "failed: the library has no function 'math'"),
        ("divide", {"numerator": 1}, "failed: 'divide' needs 'denominator'"),
        (
            "echo",
            {"value": 1, "more": 2},
            "failed: 'echo' has no parameter 'more'; it takes 'value'",
        ),
        ("leave", {}, "failed: SystemExit: 3"),
    ],
    ids=["unknown function", "a module", "missing argument", "unknown argument", "exit"],
)
def test_a_call_that_cannot_be_made_says_why(
    name: str, arguments: dict[str, Any], reason: str, library: Path
) -> None:
    allowed = {"check_is_dangerous": False}

    assert check(library, call(name, **arguments), **allowed) == (False, [reason])


def test_a_call_that_does_not_end_is_ended_and_says_so(library: Path) -> None:
    started = time.monotonic()

    kept, results = check(
        library, call("echo", value=1), call("endless"), call("echo", value=2), timeout=0.5
    )

    assert not kept
    assert results == [
        "1",
        "failed: it took longer than 0.5 seconds",
        "failed: not run, for a call before it ended the row",
    ]
    assert time.monotonic() - started < 10


def test_every_call_has_its_own_time(library: Path) -> None:
    calls = [call("sleep", seconds=0.6) for _ in range(4)]

    assert check(library, *calls, timeout=2.0) == (True, ["None"] * 4)


def test_time_outs_work_in_threads_where_an_alarm_signal_cannot(library: Path) -> None:
    found = []
    thread = threading.Thread(
        target=lambda: found.append(check(library, call("endless"), timeout=0.3))
    )
    thread.start()
    thread.join()

    assert found == [(False, ["failed: it took longer than 0.3 seconds"])]


def test_a_call_that_ends_the_process_is_no_success(library: Path) -> None:
    kept, results = check(library, call("vanish"), check_is_dangerous=False)

    assert not kept
    assert results == ["failed: it ended early, with status 0"]


def test_what_a_function_prints_is_not_its_result(library: Path) -> None:
    assert check(library, call("boast")) == (True, ["'told'"])


def test_nothing_of_a_library_runs_in_this_process(library: Path, tmp_path: Path) -> None:
    library.write_text(f"import os\nWHERE = os.getpid()\ndef where(): return WHERE\n{LIBRARY}")

    _, (first,) = check(library, call("where"))

    assert int(first) != os.getpid()


def test_rows_never_share_a_process_and_the_calls_of_a_row_do(library: Path) -> None:
    row = {"answers": json.dumps([call("count"), call("count")])}
    step = APIGenExecutionChecker(libpath=library)

    made = next(step.process([row, dict(row)]))

    assert [one["execution_result"] for one in made] == [["1", "2"], ["1", "2"]]


def test_results_are_the_same_in_every_run(library: Path) -> None:
    calls = [call("draw"), call("names"), call("thing")]

    first, second = check(library, *calls), check(library, *calls)

    assert first == second
    assert "0x" not in first[1][2]
    assert "Thing object" in first[1][2]


def test_a_long_result_is_cut(library: Path) -> None:
    kept, (result,) = check(library, call("long"))

    assert kept
    assert len(result) == 2_003
    assert result.endswith("x...")


def test_a_coroutine_is_awaited_and_a_generator_gone_through(library: Path) -> None:
    kept, results = check(library, call("later"), call("many"), call("forever"))

    assert kept
    assert results[:2] == ["'waited'", "[1, 2]"]
    assert results[2].startswith("[1, 1, 1")


@pytest.mark.parametrize(
    ("name", "arguments", "used"),
    [("files", {}, "os.listdir"), ("evaluate", {"text": "1 + 1"}, "eval")],
    ids=["files", "eval"],
)
def test_a_function_that_looks_dangerous_is_not_run_unless_told_to(
    name: str, arguments: dict[str, Any], used: str, library: Path
) -> None:
    kept, (result,) = check(library, call(name, **arguments))

    assert not kept
    assert result.startswith(f"failed: {name!r} looks dangerous and was not run: it uses {used}")


def test_a_function_told_to_run_all_the_same_reaches_nothing(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "sesame")
    calls = [call("files"), call("secret", name="MISTRAL_API_KEY"), call("evaluate", text="1 + 1")]

    kept, results = check(library, *calls, check_is_dangerous=False)

    assert not kept
    assert results == ["failed: PermissionError: [Errno 13] Permission denied: '/'", "None", "2"]


def test_a_word_in_a_docstring_is_no_danger(library: Path) -> None:
    assert check(library, call("shout", text="hi")) == (True, ["'HI'"])


def test_a_folder_holds_functions_in_files_of_their_names_that_may_import_each_other(
    tmp_path: Path,
) -> None:
    (tmp_path / "json.py").write_text("def json(): return 'a file of its own'")
    (tmp_path / "double.py").write_text("from shared import twice\ndef double(n): return twice(n)")
    (tmp_path / "shared.py").write_text("import json\ndef twice(n): return json.loads('2') * n")

    assert check(tmp_path, call("double", n=4), call("json")) == (
        True,
        ["8", "'a file of its own'"],
    )


def test_the_users_library_is_never_written_to(library: Path) -> None:
    source = "def spoil():\n  with open(__file__, 'w') as f: f.write('spoilt')"
    library.write_text(source)

    kept, (result,) = check(library, call("spoil"), check_is_dangerous=False)

    assert not kept
    assert "PermissionError" in result
    assert [path.name for path in library.parent.glob("**/library*")] == ["library.py"]
    assert library.read_text() == source


def test_the_signature_knows_what_a_library_says_and_not_where_it_lies(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one.py", "two/one.py", "three/one.py")]
    for path, source in zip(
        paths, ["def f(): ...", "def f(): ...", "def f(): return 1"], strict=True
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)

    signatures = [APIGenExecutionChecker(libpath=path).signature for path in paths]

    assert signatures[0] == signatures[1] != signatures[2]


def test_a_library_edited_after_the_step_was_made_is_run_as_it_was_then(library: Path) -> None:
    step = APIGenExecutionChecker(libpath=library)
    library.write_text("def echo(value): return 'edited'")

    (row,) = next(step.process([{"answers": json.dumps([call("echo", value=1)])}]))

    assert row["execution_result"] == ["1"]


@pytest.mark.parametrize("source", [None, "x = 1", "def f(:"], ids=["missing", "empty", "broken"])
def test_a_library_without_functions_is_refused_when_the_step_is_made(
    source: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "tools.py"
    if source is not None:
        path.write_text(source)

    with pytest.raises(ConfigurationError, match=r"tools\.py"):
        APIGenExecutionChecker(libpath=path)


def test_a_library_that_cannot_be_loaded_is_refused_before_the_first_row(tmp_path: Path) -> None:
    path = tmp_path / "tools.py"
    path.write_text("import no_such_package\ndef f(): ...")
    step = APIGenExecutionChecker(libpath=path, name="check")

    with pytest.raises(ConfigurationError, match=r"Step 'check' cannot load .* tools\.py: Module"):
        step.load()


def test_a_folder_with_one_broken_file_fails_the_calls_of_that_file_alone(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_package\ndef broken(): ...")
    (tmp_path / "whole.py").write_text("def whole(): return 'fine'")
    APIGenExecutionChecker(libpath=tmp_path).load()

    kept, results = check(tmp_path, call("broken"), call("whole"))

    assert not kept
    assert results == [
        "failed: ModuleNotFoundError: No module named 'no_such_package'",
        "'fine'",
    ]


def test_a_library_may_use_installed_packages(library: Path) -> None:
    library.write_text("import numpy\ndef total(values: list): return int(numpy.sum(values))")

    assert check(library, call("total", values=[1, 2, 3])) == (True, ["6"])


def test_memory_is_limited(library: Path) -> None:
    library.write_text("def grow(): return len(bytearray(400 * 2**20))")

    assert check(library, call("grow"))[0] is True
    assert check(library, call("grow"), memory_limit=256) == (False, ["failed: MemoryError"])


def test_a_machine_that_cannot_shut_functions_in_runs_none(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof._problem.cache_clear()
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    step = APIGenExecutionChecker(libpath=library)

    with pytest.raises(ConfigurationError, match="The functions of a library are not run here"):
        step.load()
    with pytest.raises(ConfigurationError, match="The functions of a library are not run here"):
        next(step.process([{"answers": json.dumps([call("echo", value=1)])}]))
    proof._problem.cache_clear()


def test_many_rows_are_run_at_the_same_time(library: Path) -> None:
    cores = os.cpu_count() or 1
    rows = [{"answers": json.dumps([call("sleep", seconds=1.0)])} for _ in range(2 * cores)]
    step = APIGenExecutionChecker(libpath=library)
    step.load()
    started = time.monotonic()

    made = next(step.process(rows))

    assert all(row["keep_row_after_execution_check"] for row in made)
    assert time.monotonic() - started < 2 * cores * (1.0 if cores > 1 else 2.0)


def test_nothing_is_left_behind(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))

    check(library, call("echo", value=1), call("vanish"), check_is_dangerous=False)

    assert not any(place.iterdir())
