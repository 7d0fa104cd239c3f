"""The main job: from real documents to preference pairs in a dataset folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest

from flows.pipeline import Pipeline
from flows.quickstart import Quickstart, pipeline
from tests.loopback import LoopbackProvider


def writer_and_judge(body: dict[str, Any]) -> str:
    """Answer as a writer, or rate the first of two texts better as a judge."""
    if "response_format" not in body:
        return f"Text at temperature {body['temperature']}."
    ratings = [{"rationale": "Clear.", "rating": 5}, {"rationale": "Vague.", "rating": 2}]
    return json.dumps({"assessments": ratings})


def quickstart(folder: Path, *options: str, base_url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from flows.command.app import main; main()"]
    models = ["--llm", "openai:writer", "--judge", "openai:judge"]
    return subprocess.run(
        [*command, "run", "quickstart", *models, *options],
        cwd=folder,
        env={**os.environ, "OPENAI_BASE_URL": base_url},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.usefixtures("prefect")
def test_the_quickstart_makes_pairs_that_load_and_costs_nothing_the_second_time(
    tmp_path: Path, provider: LoopbackProvider
) -> None:
    provider.reply = writer_and_judge
    done = quickstart(tmp_path, "--rows", "12", base_url=provider.url)
    assert done.returncode == 0, done.stderr
    assert (
        "quickstart: 12 rows, 0 rejected. 48 model calls, 0 answers reused, $0.00 spent "
        in done.stdout
    )
    folder = tmp_path / "data" / "quickstart"
    rows = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(rows) == 12
    assert rows[0]["chosen"][-1] == {"role": "assistant", "content": "Text at temperature 0.2."}
    assert rows[0]["rejected"][-1]["content"] == "Text at temperature 1.2."
    assert (rows[0]["chosen_rating"], rows[0]["rejected_rating"]) == (5, 2)
    assert len(set(rows["topic"])) == 12
    assert set(os.listdir(folder)) == {
        "README.md",
        "charts",
        "data",
        "manifest.json",
        "pipeline.yaml",
        "provenance",
        "rejections.jsonl",
        "report.html",
    }
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = quickstart(tmp_path, "--rows", "12", base_url=provider.url)
    assert "0 model calls, 48 answers reused, $0.00 spent." in again.stdout
    assert provider.stats().requests == 48
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_pipeline_of_the_quickstart_survives_yaml(tmp_path: Path) -> None:
    made = pipeline(Quickstart(rows=3))
    made.to_file(tmp_path / "pipeline.yaml")
    again = Pipeline.from_yaml(tmp_path / "pipeline.yaml")
    assert {n: s.signature for n, s in again.steps.items()} == {
        n: s.signature for n, s in made.steps.items()
    }
    assert again.edges == made.edges


def test_the_embedded_model_goes_all_the_way() -> None:
    version = pipeline(Quickstart(rows=2)).preview(2)
    assert version.accounts["ratings"].requests == 2
    assert version.accounts["question"].rows_out == 2
    for books in version.accounts.values():
        assert books.rows_in + books.expanded == books.rows_out + books.rejected + books.filtered
