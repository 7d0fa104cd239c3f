"""Rows from dicts, files and samplers."""

from __future__ import annotations

from tests.differential.case import Case

ANIMALS = [
    {"animal": "otter", "legs": 4},
    {"animal": "wren", "legs": 2},
    {"animal": "newt", "legs": 4},
]

CASES = (
    Case("LoadDataFromDicts", "three rows", parameters={"data": ANIMALS}),
    Case("LoadDataFromDicts", "in batches of two", parameters={"data": ANIMALS, "batch_size": 2}),
    Case("LoadDataFromDicts", "no rows", parameters={"data": []}),
    Case(
        "LoadDataFromDicts",
        "a column that the first row lacks",
        parameters={"data": [{"animal": "otter"}, {"animal": "wren", "legs": 2}]},
    ),
    Case(
        "DataSampler",
        "one row to draw from",
        parameters={"data": ANIMALS[:1], "size": 2, "samples": 3},
    ),
    Case(
        "DataSampler",
        "three rows to draw from",
        parameters={"data": ANIMALS, "size": 2, "samples": 5},
        random=True,
    ),
    Case(
        "DataSampler",
        "fewer rows in a batch than samples",
        parameters={"data": ANIMALS[:1], "size": 1, "samples": 5, "batch_size": 2},
    ),
    Case(
        "LoadDataFromFileSystem",
        "lines of JSON",
        parameters={"data_files": "{folder}/animals.jsonl"},
        files={
            "animals.jsonl": '{"animal": "otter", "legs": 4}\n{"animal": "wren", "legs": 2}\n',
        },
    ),
    Case(
        "LoadDataFromFileSystem",
        "a CSV file",
        parameters={"data_files": "{folder}/animals.csv"},
        files={"animals.csv": "animal,legs\notter,4\nwren,2\n"},
    ),
    Case(
        "LoadDataFromFileSystem",
        "a file without a suffix whose type is named",
        parameters={"data_files": "{folder}/animals", "filetype": "csv"},
        files={"animals": "animal,legs\notter,4\nwren,2\n"},
    ),
    Case(
        "LoadDataFromFileSystem",
        "the first rows only",
        parameters={"data_files": "{folder}/animals.csv", "num_examples": 1},
        files={"animals.csv": "animal,legs\notter,4\nwren,2\n"},
    ),
    Case(
        "LoadDataFromFileSystem",
        "no such file",
        parameters={"data_files": "{folder}/nothing.csv"},
    ),
    Case(
        "LoadDataFromDisk",
        "a saved dataset",
        parameters={"dataset_path": "{folder}/dataset"},
        dataset=ANIMALS,
    ),
    Case(
        "LoadDataFromDisk",
        "no such folder",
        parameters={"dataset_path": "{folder}/nothing"},
    ),
)
