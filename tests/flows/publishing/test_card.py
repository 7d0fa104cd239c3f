"""The dataset card: what the Hub reads from it and what people do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
import yaml

from flows import DatasetVersion, Pipeline
from flows.publishing.card_metadata import size_category
from flows.publishing.card_settings import CardSettings
from flows.publishing.folder import save
from flows.versions.saved import PROVENANCE
from llms import ScriptedLLM
from llms.llm import GenerationParameters
from tasks import (
    KeepColumns,
    LoadDataFromDicts,
    Row,
    RowRejected,
    Task,
)
from tests.flows.versions import version_of


class Graded(Task):
    """Asks for a grade and refuses what is none."""

    version: ClassVar = 1
    inputs: ClassVar = {"text": pl.String}
    outputs: ClassVar = {"grade": pl.Int64}
    corrections: int = 0

    def format_input(self, input: Row) -> Any:
        return [{"role": "user", "content": input["text"]}]

    def format_output(self, output: str | None, input: Row) -> Row:
        if not (output or "").isdigit():
            raise RowRejected(f"no grade in {output}")
        return {"grade": int(output or "")}


def graded(*texts: str) -> DatasetVersion:
    llm = ScriptedLLM(
        model="grader",
        rules={"bad": "a|b\n<img>", "": "5"},
        generation_kwargs=GenerationParameters(temperature=0.5, stop=("|",)),
    )
    with Pipeline("grades", description="Grades of texts.") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"text": text} for text in texts])
        load >> Graded(name="grade", llm=llm) >> KeepColumns(name="kept", columns=("text", "grade"))
    return pipeline.preview(len(texts))


def read(
    version: DatasetVersion, folder: Path, settings: CardSettings | None = None
) -> tuple[dict[str, Any], str]:
    """Return the metadata and the page of a version's card."""
    card = (save(version, folder, card=settings) / "README.md").read_text(encoding="utf-8")
    _, metadata, page = card.split("---\n", 2)
    return yaml.safe_load(metadata), page


@pytest.mark.usefixtures("one_row_a_shard")
def test_the_metadata_names_the_files_the_features_and_the_sizes(tmp_path: Path) -> None:
    metadata, _ = read(version_of([{"n": 1}], [{"n": 2}]), tmp_path / "out")
    paths = [f"data/train-{number:05}-of-00002.parquet" for number in range(2)]
    size = sum((tmp_path / "out" / path).stat().st_size for path in paths)
    default, provenance = metadata.pop("configs")
    information, of_records = metadata.pop("dataset_info")
    assert metadata == {
        "pretty_name": "numbers",
        "size_categories": ["n<1K"],
        "tags": ["synthetic", "stillhouse"],
    }
    assert default == {
        "config_name": "default",
        "default": True,
        "data_files": [{"split": "train", "path": paths}],
    }
    assert information == {
        "config_name": "default",
        "features": [{"name": "n", "dtype": "int64"}],
        "splits": [{"name": "train", "num_bytes": size, "num_examples": 2}],
        "download_size": size,
        "dataset_size": size,
    }
    records = [f"provenance/rows-{number:05}-of-00002.parquet" for number in range(2)]
    assert provenance == {
        "config_name": "provenance",
        "data_files": [{"split": "train", "path": records}],
    }
    assert of_records["config_name"] == "provenance"
    assert [column["name"] for column in of_records["features"]] == list(PROVENANCE)
    assert [split["num_examples"] for split in of_records["splits"]] == [2]


def test_settings_name_what_no_run_can_know(tmp_path: Path) -> None:
    settings = CardSettings(
        license="apache-2.0",
        language=("en", "no"),
        pretty_name="Numbers of all kinds",
        description="Made to count **on**.",
        tags=("math",),
        task_categories=("text-generation",),
        source_datasets=("owner/digits",),
    )
    metadata, page = read(version_of([{"n": 1}]), tmp_path / "out", settings)
    del metadata["configs"], metadata["dataset_info"]
    assert metadata == {
        "pretty_name": "Numbers of all kinds",
        "license": "apache-2.0",
        "language": ["en", "no"],
        "task_categories": ["text-generation"],
        "source_datasets": ["owner/digits"],
        "size_categories": ["n<1K"],
        "tags": ["synthetic", "stillhouse", "math"],
    }
    assert "\n# Numbers of all kinds\n\nMade to count **on**.\n" in page
    assert "\n## Licence\n\napache-2.0\n" in page


@pytest.mark.parametrize(
    ("rows", "category"), [(999, "n<1K"), (1_000, "1K<n<10K"), (10_000, "10K<n<100K")]
)
def test_the_size_category_is_the_hubs(rows: int, category: str, tmp_path: Path) -> None:
    metadata, page = read(version_of([{"n": number} for number in range(rows)]), tmp_path / "out")
    assert metadata["size_categories"] == [category]
    assert f"\n{rows:,} rows, made by a pipeline of" in page


@pytest.mark.parametrize(
    "name", ["yes", "a: b # c", "--- \n---", "名前 'x' \"y\"", "1.0", "{{ x }}"]
)
def test_any_name_makes_valid_metadata(name: str, tmp_path: Path) -> None:
    metadata, _ = read(version_of([{"n": 1}], name=name), tmp_path / "out")
    assert metadata["pretty_name"] == name
    assert metadata["configs"][0]["data_files"]


def test_the_page_tells_models_accounts_rejections_and_samples(tmp_path: Path) -> None:
    _, page = read(graded("good", "bad", "fair"), tmp_path / "out")
    for line in (
        "# grades",
        "Grades of texts.",
        '    step1["grade<br/><i>Graded</i>"]',
        "    step0 --> step1",
        "| grade | Graded | load | Asks for a grade and refuses what is none. |",
        "| grade | scripted:grader | temperature=0.5, stop=('\\|',) |",
        "| grade | 3 | 0 | 1 | 0 | 2 | 3 | 3 / 4 | $0.00 |",
        "| kept | 2 | 0 | 0 | 0 | 2 |  |  |  |",
        "| grade | no grade in a\\|b &lt;img> | 1 |",
        "## Samples",
        "| `text` | good |",
        "| `grade` | 5 |",
    ):
        assert line in page.splitlines()


def test_a_page_without_rejections_and_models_does_not_speak_of_them(tmp_path: Path) -> None:
    _, page = read(version_of([{"n": 1}]), tmp_path / "out")
    assert "rejections.jsonl" not in page
    assert "| model |" not in page


def test_a_sample_stays_inside_its_cell(tmp_path: Path) -> None:
    rows = [{"a|b": "one | two\n\n# three\r\n<script>", "long": "x" * 1_000, "chat": [{"a": "|"}]}]
    _, page = read(version_of(rows), tmp_path / "out")
    cells = page[page.index("| row 1 |") :].splitlines()
    assert cells[2] == "| `a\\|b` | one \\| two # three &lt;script> |"
    assert cells[3] == f"| `long` | {'x' * 239}… |"
    assert cells[4] == "| `chat` | [{'a': '\\|'}] |"


def test_the_page_shows_the_first_three_rows_of_every_leaf(tmp_path: Path) -> None:
    with Pipeline("leaves") as pipeline:
        LoadDataFromDicts(data=[{"a": f"a{n}", "b": f"b{n}"} for n in range(5)]) >> [
            KeepColumns(name="left", columns=("a",)),
            KeepColumns(name="right", columns=("b",)),
        ]
    metadata, page = read(pipeline.preview(5), tmp_path / "out")
    assert [item["config_name"] for item in metadata["configs"]] == ["left", "right", "provenance"]
    features = [item["features"][0]["name"] for item in metadata["dataset_info"]]
    assert features == ["a", "b", "_row_key"]
    left, right = page.split("## Samples: left")[1].split("## Samples: right")
    assert "a2" in left
    assert "a3" not in left
    assert "b2" in right


@pytest.mark.parametrize(
    ("rows", "category"),
    [
        (0, "n<1K"),
        (99_999, "10K<n<100K"),
        (10_000_000, "10M<n<100M"),
        (999_999_999, "100M<n<1B"),
        (1_000_000_000, "n>1B"),
    ],
)
def test_any_number_of_rows_has_a_category(rows: int, category: str) -> None:
    assert size_category(rows) == category
