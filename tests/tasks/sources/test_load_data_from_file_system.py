"""Rows from files: nothing is dropped, and what cannot be read is named with its line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest

from llms.errors import ConfigurationError
from tasks import Graph, LoadDataFromFileSystem
from tests.tasks.sources.conftest import KEY_OF_THE_STORE

ROWS = [{"id": 1, "text": "one"}, {"id": 2, "text": "zwei, ü\n2"}, {"id": 3, "text": None}]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def memory() -> Iterator[Any]:
    """The file system `memory://`, empty before and after."""
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()


def lines(*rows: Any) -> str:
    return "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)


def write(name: str, content: str | bytes) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def loaded(data_files: Any, **parameters: Any) -> list[dict[str, Any]]:
    step = LoadDataFromFileSystem(data_files=data_files, **parameters)
    return pl.concat(step.frames()).to_dicts()


def error_of(data_files: Any, **parameters: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        loaded(data_files, **parameters)
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


def written(filetype: str, name: str) -> str:
    frame = pl.DataFrame(ROWS)
    match filetype:
        case "parquet":
            frame.write_parquet(name)
        case "csv":
            frame.write_csv(name)
        case "jsonl":
            write(name, lines(*ROWS))
        case "json":
            write(name, json.dumps(ROWS, indent=2))
    return name


@pytest.mark.parametrize("filetype", ["parquet", "csv", "jsonl", "json"])
def test_every_file_type_gives_the_same_rows(filetype: str) -> None:
    assert loaded(written(filetype, f"rows.{filetype}")) == ROWS


def test_a_json_file_may_hold_one_object_a_line() -> None:
    assert loaded(write("rows.json", lines(*ROWS))) == ROWS


def test_the_filetype_may_be_named() -> None:
    assert loaded(written("jsonl", "rows.txt"), filetype="jsonl") == ROWS


def test_rows_have_keys_of_their_content_not_of_their_file() -> None:
    steps = [
        LoadDataFromFileSystem(data_files=written("jsonl", "a.jsonl")),
        LoadDataFromFileSystem(data_files=written("parquet", "b.parquet")),
    ]
    one, other = (pl.concat(step.keyed_frames()) for step in steps)
    assert one.equals(other)


def test_by_hand_it_yields_batches() -> None:
    step = LoadDataFromFileSystem(data_files=written("csv", "rows.csv"), batch_size=2)
    assert list(step.process(offset=1)) == [(ROWS[1:], True)]


def test_blank_lines_and_a_byte_order_mark_are_fine() -> None:
    write("rows.jsonl", b"\xef\xbb\xbf" + lines(ROWS[0], "", "  ", ROWS[1]).encode())
    assert loaded("rows.jsonl") == ROWS[:2]
    write("rows.csv", b"\xef\xbb\xbfid,text\r\n\r\n1,one\r\n\r\n")
    assert loaded("rows.csv") == ROWS[:1]


# Late keys, types and struct fields


def test_a_key_a_type_and_a_struct_field_that_come_late_are_not_dropped() -> None:
    early = {"a": 1, "s": {"x": 1}, "l": [{"x": 1}]}
    late = {"a": "text", "s": {"x": 1.5, "y": [True]}, "l": [{"z": "q"}], "new": 7}
    rows = loaded(write("rows.jsonl", lines(*[early] * 3000, late)))
    assert rows[0] == {
        "a": "1",
        "s": {"x": 1.0, "y": None},
        "l": [{"x": 1, "z": None}],
        "new": None,
    }
    assert rows[-1] == {
        "a": "text",
        "s": {"x": 1.5, "y": [True]},
        "l": [{"x": None, "z": "q"}],
        "new": 7,
    }


def test_every_frame_has_the_same_columns_and_types_and_a_bounded_height() -> None:
    write("rows.jsonl", lines(*[{"a": 1}] * 2500, {"a": 0.5, "b": "x"}))
    frames = list(LoadDataFromFileSystem(data_files="rows.jsonl").frames())
    assert all(frame.schema == {"a": pl.Float64, "b": pl.String} for frame in frames)
    assert max(frame.height for frame in frames) <= 1000


def test_a_late_type_in_csv_counts_for_the_whole_column() -> None:
    rows = loaded(write("rows.csv", "a,b\n" + "1,true\n" * 3000 + "x,false\n"))
    assert rows[0] == {"a": "1", "b": True}
    assert rows[-1] == {"a": "x", "b": False}


@pytest.mark.parametrize(
    ("cells", "held"),
    [
        pytest.param(["1", "-2", ""], [1, -2, None], id="whole numbers, an empty cell is null"),
        pytest.param(["1", "2.5", "1e3"], [1.0, 2.5, 1000.0], id="floats"),
        pytest.param(["007", "1"], ["007", "1"], id="leading zeros are text"),
        pytest.param(["12345678901234567890"], ["12345678901234567890"], id="long ids are text"),
        pytest.param(["True", "false"], [True, False], id="truth values"),
        pytest.param(["true", "1"], ["true", "1"], id="mixtures are text"),
        pytest.param(['"a,b"', '"say ""hi""\nthere"'], ["a,b", 'say "hi"\nthere'], id="quotes"),
    ],
)
def test_csv_cells_get_the_type_that_keeps_them_all(cells: list[str], held: list[Any]) -> None:
    text = "a,row\n" + "".join(f"{cell},{number}\n" for number, cell in enumerate(cells))
    assert [row["a"] for row in loaded(write("rows.csv", text))] == held


def test_files_with_different_columns_give_the_columns_of_all() -> None:
    pl.DataFrame({"a": [1], "s": [{"x": 1}]}).write_parquet("1.parquet")
    pl.DataFrame({"a": [1.5], "s": [{"y": "q"}], "b": ["z"]}).write_parquet("2.parquet")
    write("3.csv", "b,a\nw,2\n")
    assert loaded(["1.parquet", "2.parquet", "3.csv"]) == [
        {"a": 1.0, "s": {"x": 1, "y": None}, "b": None},
        {"a": 1.5, "s": {"x": None, "y": "q"}, "b": "z"},
        {"a": 2.0, "s": None, "b": "w"},
    ]


# Given types


@pytest.mark.parametrize("filetype", ["parquet", "csv", "jsonl"])
def test_a_given_type_is_the_type_of_the_column(filetype: str) -> None:
    rows = loaded(written(filetype, f"rows.{filetype}"), column_types={"id": "String"})
    assert [row["id"] for row in rows] == ["1", "2", "3"]


def test_a_column_given_as_text_keeps_objects_as_json() -> None:
    write("rows.jsonl", lines({"a": {"x": [1, "ü"]}}, {"a": "plain"}, {"a": {}}))
    rows = loaded("rows.jsonl", column_types={"a": "String"})
    assert [row["a"] for row in rows] == ['{"x": [1, "ü"]}', "plain", "{}"]


def test_a_column_that_is_always_null_can_be_given_a_type() -> None:
    step = LoadDataFromFileSystem(
        data_files=write("rows.jsonl", lines({"a": None})), column_types={"a": "List(String)"}
    )
    assert next(step.frames()).schema["a"] == pl.List(pl.String)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("r.csv", "a\n1\nx\n", "r.csv, line 3: 'x' is not of the type Int64", id="csv"),
        pytest.param("r.jsonl", lines({"a": 1}, {"a": "x"}), "r.jsonl, line 2: ", id="jsonl"),
    ],
)
def test_a_value_that_is_not_of_its_given_type_is_named(name: str, content: str, said: str) -> None:
    assert said in error_of(write(name, content), column_types={"a": "Int64"})


def test_a_nested_parquet_column_cannot_be_given_as_text() -> None:
    pl.DataFrame({"a": [{"x": 1}]}).write_parquet("rows.parquet")
    assert "the column 'a' is Struct" in error_of("rows.parquet", column_types={"a": "String"})


def test_a_given_type_of_no_column_is_an_error() -> None:
    said = error_of(written("csv", "rows.csv"), column_types={"ID": "String"})
    assert "column_types names 'ID', which is not in the files; the columns are: id, text" in said


def test_an_unknown_column_type_is_an_error_before_anything_is_read() -> None:
    with pytest.raises(ConfigurationError, match="There is no column type 'varchar'"):
        LoadDataFromFileSystem(data_files="rows.csv", column_types={"a": "varchar"})


# Which files


def test_a_folder_gives_its_files_and_those_in_its_folders_in_order() -> None:
    for name in ("f/b.jsonl", "f/a/z.jsonl", "f/a.jsonl", "f/.cache/x.jsonl", "f/_log.jsonl"):
        write(name, lines({"file": name}))
    write("f/README.md", "read me")
    assert [row["file"] for row in loaded("f")] == ["f/a.jsonl", "f/a/z.jsonl", "f/b.jsonl"]


def test_a_folder_with_several_types_needs_to_be_told_which() -> None:
    write("f/a.csv", "a\n1\n")
    write("f/b.jsonl", lines({"a": 2}))
    assert "holds files of the types csv, jsonl; say which" in error_of("f")
    assert loaded("f", filetype="jsonl") == [{"a": 2}]
    assert "holds no file ending in .parquet" in error_of("f", filetype="parquet")


def test_a_glob_and_a_list_give_each_file_once() -> None:
    for number in range(3):
        write(f"part-{number}.jsonl", lines({"n": number}))
    assert loaded("part-*.jsonl") == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert loaded(["part-2.jsonl", "part-*.jsonl"]) == [{"n": 2}, {"n": 0}, {"n": 1}]


@pytest.mark.parametrize("many", [False, True], ids=["alone", "in a list"])
def test_a_path_may_be_a_path(many: bool) -> None:
    path = Path(write("a.jsonl", lines({"id": 1})))
    assert loaded([path] if many else path) == [{"id": 1}]
    with Graph("g") as graph:
        step = LoadDataFromFileSystem(data_files=path)
    assert Graph.from_dict(graph.to_dict()).steps[step.name].signature == step.signature


def test_a_file_whose_name_looks_like_a_glob_is_a_file() -> None:
    assert loaded(write("part[1].jsonl", lines({"n": 1}))) == [{"n": 1}]


@pytest.mark.parametrize(
    "entry", ["memory://data", "memory://data/*.jsonl"], ids=["folder", "glob"]
)
def test_files_of_any_fsspec_url_are_read(memory: Any, entry: str) -> None:
    memory.pipe("/data/a.jsonl", lines({"n": 1}).encode())
    memory.pipe("/data/b.jsonl", lines({"n": 2, "late": "x"}).encode())
    assert loaded(entry) == [{"n": 1, "late": None}, {"n": 2, "late": "x"}]


def test_storage_options_are_forwarded_to_the_file_system(locked: Any) -> None:
    locked.pipe("/rows.jsonl", lines(*ROWS).encode())
    assert "asks for its key" in error_of("locked://rows.jsonl")
    options = {"key": KEY_OF_THE_STORE}
    assert loaded("locked://rows.jsonl", storage_options=options) == ROWS


def test_storage_options_are_written_nowhere_and_decide_nothing() -> None:
    plain = LoadDataFromFileSystem(data_files="x")
    with Graph("g") as graph:
        step = LoadDataFromFileSystem(data_files="x", storage_options={"key": KEY_OF_THE_STORE})
    assert KEY_OF_THE_STORE not in graph.to_yaml() + repr(step)
    assert step.signature == plain.signature


def test_an_option_that_the_file_system_does_not_take_is_one_sentence(locked: Any) -> None:
    options = {"no_such_option": 1}
    assert "no_such_option" in error_of("locked://rows.jsonl", storage_options=options)


def test_an_error_in_a_remote_file_names_its_url(memory: Any) -> None:
    memory.pipe("/data/a.jsonl", b"{oops\n")
    assert error_of("memory://data/a.jsonl").startswith("memory:///data/a.jsonl, line 1: ")


@pytest.mark.parametrize(
    ("data_files", "said"),
    [
        pytest.param("no.jsonl", "There is no file 'no.jsonl'", id="file"),
        pytest.param("no/*.jsonl", "There is no file 'no/*.jsonl'", id="glob"),
        pytest.param("rows.xlsx", "The type of '{folder}/rows.xlsx' cannot be told", id="type"),
        pytest.param("empty", "The folder 'empty' holds no file ending in .csv", id="folder"),
        pytest.param("nope://x.csv", "'nope://x.csv' cannot be read: Protocol not known", id="url"),
        pytest.param(None, "needs data_files=", id="nothing"),
    ],
)
def test_a_file_that_is_missing_or_of_no_known_type_is_one_sentence(
    in_an_empty_folder: Path, data_files: str | None, said: str
) -> None:
    write("rows.xlsx", "x")
    Path("empty").mkdir()
    assert said.replace("{folder}", str(in_an_empty_folder)) in error_of(data_files)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("r.jsonl", "\n\n", id="blank lines"),
        pytest.param("r.jsonl", "", id="no bytes"),
        pytest.param("r.json", "[]", id="empty array"),
        pytest.param("r.csv", "a,b\n", id="header only"),
        pytest.param("r.csv", "", id="no header"),
    ],
)
def test_an_empty_source_is_an_error(name: str, content: str) -> None:
    assert "hold no rows" in error_of(write(name, content))


def test_an_empty_parquet_file_is_an_error() -> None:
    pl.DataFrame(schema={"a": pl.String}).write_parquet("rows.parquet")
    assert "hold no rows" in error_of("rows.parquet")


# Lines that cannot be read


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param(
            "r.jsonl", lines({"a": 1}, "", '{"a": 2'), "line 3: this is not valid JSON", id="cut"
        ),
        pytest.param(
            "r.jsonl",
            lines({"a": 1}, "[1]"),
            "line 2: a row is a JSON object, not a list",
            id="list",
        ),
        pytest.param(
            "r.jsonl", b'{"a": "\xff"}\n', "line 1: this is not valid JSON", id="not UTF-8"
        ),
        pytest.param(
            "r.jsonl",
            lines({"a": 1}, {"a": [1]}),
            "line 2: the column 'a' holds values of the types Int64 and List(Int64)",
            id="clash",
        ),
        pytest.param(
            "r.json", '[\n{"a": 1},\n{"a" 2}]', "line 3: this is not valid JSON", id="array"
        ),
        pytest.param(
            "r.json", '[{"a": 1}, 5]', "item 2: a row is a JSON object, not a int", id="array item"
        ),
        pytest.param(
            "r.csv", "a,b\n1,2\n3\n", "line 3: 1 cells where the header has 2", id="short"
        ),
        pytest.param(
            "r.csv", 'a,b\n1,"x\ny"\n3,4,5\n', "line 4: 3 cells where the header has 2", id="long"
        ),
        pytest.param("r.csv", 'a\n"open\n', "line 2: this is not valid CSV", id="quote"),
        pytest.param("r.csv", b"a\n\xff\n", "this is not UTF-8", id="csv not UTF-8"),
        pytest.param(
            "r.csv", "a,a\n1,2\n", "line 1: the header names 'a' twice", id="header twice"
        ),
        pytest.param(
            "r.csv", "a,\n1,2\n", "line 1: the header has a column without a name", id="no name"
        ),
        pytest.param(
            "r.parquet", "PAR1 not really", "r.parquet cannot be read as Parquet", id="parquet"
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_named_before_any_row_is_yielded(
    name: str, content: str | bytes, said: str
) -> None:
    assert said in error_of(write(name, content))


def test_an_object_that_is_empty_in_every_row_is_an_error_with_a_way_out() -> None:
    said = error_of(write("rows.jsonl", lines({"a": {}, "b": 1})))
    assert "The column 'a' of the files of step" in said
    assert "column_types={column: 'String'} reads it as JSON text" in said


# How much


def test_num_examples_takes_exactly_so_many_rows() -> None:
    write("a.jsonl", lines(*({"n": number} for number in range(1200))))
    write("b.jsonl", lines(*({"n": number} for number in range(1200, 1300))))
    for wanted in (1, 1000, 1201, 5000):
        rows = loaded(["a.jsonl", "b.jsonl"], num_examples=wanted)
        assert [row["n"] for row in rows] == list(range(min(wanted, 1300)))


def test_a_part_of_the_rows_has_the_types_of_all_so_that_its_keys_are_theirs() -> None:
    write("rows.jsonl", lines({"a": 1}, {"a": "x"}))
    assert loaded("rows.jsonl", num_examples=1) == [{"a": "1"}]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
@pytest.mark.parametrize("filetype", ["jsonl", "parquet"])
def test_a_file_is_never_held_in_memory_whole(filetype: str) -> None:
    text, rows = "word " * 500, 60_000 if filetype == "parquet" else 16_000
    if filetype == "parquet":
        texts = pl.DataFrame({"id": range(rows)}).select(
            "id", t=pl.col("id").cast(pl.String) + pl.lit(text)
        )
        texts.head(1).write_parquet("small.parquet")
        texts.write_parquet("big.parquet")
    else:
        write("small.jsonl", lines({"id": 0, "t": text}))
        write("big.jsonl", lines(*({"id": number, "t": text} for number in range(rows))))
    script = f"""
import re, pathlib
from tasks import LoadDataFromFileSystem

def peak():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) * 1024

def rows_in(name):
    return sum(frame.height for frame in LoadDataFromFileSystem(data_files=name).frames())

rows_in("small.{filetype}")
before = peak()
print(rows_in("big.{filetype}"), peak() - before)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    counted, grown = map(int, ran.stdout.split())
    assert counted == rows
    assert grown < rows * len(text) / 2


def test_the_step_goes_to_yaml_and_back() -> None:
    with Graph("g") as graph:
        LoadDataFromFileSystem(data_files=["a.csv"], filetype="csv", column_types={"a": "String"})
    assert Graph.from_dict(graph.to_dict()).to_yaml() == graph.to_yaml()
