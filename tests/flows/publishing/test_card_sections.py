"""The parts of a card: prompts, papers, how to load and make it again, charts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from flows import DatasetVersion, Pipeline
from flows.publishing.card import card_files, charts_shown
from flows.publishing.card_settings import CardSettings
from flows.publishing.folder import save, write_files
from flows.publishing.papers import papers_of
from flows.versions.staging import Contents
from llms import ScriptedLLM
from tasks import (
    ComplexityScorer,
    LoadDataFromDicts,
    TextGeneration,
    UltraFeedback,
)
from tasks.signature import signature_parts
from tests.flows.versions import saved, version_of


def read(
    version: DatasetVersion, folder: Path, settings: CardSettings | None = None
) -> tuple[dict[str, Any], str]:
    """Return the metadata and the page of a version's card."""
    card = (save(version, folder, card=settings) / "README.md").read_text(encoding="utf-8")
    _, metadata, page = card.split("---\n", 2)
    return yaml.safe_load(metadata), page


def rated() -> DatasetVersion:
    """Return a dataset of steps with prompts and papers."""
    llm = ScriptedLLM(rules={"": "{prompt}"})
    with Pipeline("rated") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"topic": "tea", "instructions": ["a", "b"]}])
        write = TextGeneration(
            name="write",
            llm=llm,
            system_prompt="Be brief.",
            template="About {{ topic }}: ```code``` <b>",
            columns="topic",
            output_mappings={"generation": "text"},
        )
        load >> write >> ComplexityScorer(name="score", llm=llm)
    return pipeline.preview(1)


def test_the_page_has_the_prompts_folded(tmp_path: Path) -> None:
    _, page = read(rated(), tmp_path / "out")
    folded = "<details><summary>Prompt <code>{}</code> of step {}</summary>\n\n"
    assert (
        folded.format("template", "write")
        + "````jinja\nAbout {{ topic }}: ```code``` <b>\n````\n\n</details>"
    ) in page
    assert folded.format("system_prompt", "write") + "```jinja\nBe brief.\n```" in page
    scorer = next(iter(signature_parts(ComplexityScorer(llm=ScriptedLLM()))["prompts"].values()))
    assert scorer.strip() in page


def test_papers_of_the_steps_are_cited_and_tagged(tmp_path: Path) -> None:
    metadata, page = read(rated(), tmp_path / "out")
    assert metadata["tags"] == ["synthetic", "stillhouse", "arxiv:2312.15685"]
    assert "- [arXiv 2312.15685](https://arxiv.org/abs/2312.15685): score" in page
    assert "\n@article{arxiv:2312.15685,\n  eprint = {2312.15685},\n" in page


def test_a_paper_that_two_steps_follow_is_cited_once() -> None:
    with Pipeline("papers") as pipeline:
        UltraFeedback(name="one", llm=ScriptedLLM())
        UltraFeedback(name="two", llm=ScriptedLLM())
    assert papers_of(pipeline) == {"2310.01377": ["one", "two"]}


def test_the_page_says_how_to_load_every_configuration_and_split(tmp_path: Path) -> None:
    rows = [{"n": number} for number in range(40)]
    version = saved(tmp_path / "v", version_of(rows), contents=Contents(test_share=0.5))
    page = card_files(version, repo="maker/numbers")["README.md"].decode()
    for line in (
        'train = load_dataset("maker/numbers", split="train")',
        'test = load_dataset("maker/numbers", split="test")',
        'provenance = load_dataset("maker/numbers", "provenance", split="train")',
        'rows = load_dataset("maker/numbers", split="train", revision="v1")',
        "stillhouse replay maker/numbers@v1  # from the answers kept with it, without a call",
    ):
        assert line in page.splitlines()


def test_without_provenance_the_page_does_not_speak_of_it(tmp_path: Path) -> None:
    version = saved(tmp_path / "v", version_of([{"n": 1}]), contents=Contents(provenance="none"))
    page = card_files(version, repo="maker/numbers")["README.md"].decode()
    assert "provenance" not in page
    assert "replay" not in page
    assert "\nstillhouse run pipeline.yaml" in page


def test_charts_are_files_that_the_page_shows(tmp_path: Path) -> None:
    version = saved(tmp_path / "v", version_of([{"n": 1}]))
    charts = {"rows-by-step.svg": "<svg/>", "n.svg": "<svg>n</svg>"}
    files = card_files(version, charts=charts)
    assert files["charts/n.svg"] == b"<svg>n</svg>"
    page = files["README.md"].decode()
    assert "\n![rows by step](charts/rows-by-step.svg)\n\n![n](charts/n.svg)\n" in page
    assert charts_shown(files["README.md"]) == ["charts/rows-by-step.svg", "charts/n.svg"]


def test_charts_in_the_folder_are_shown_if_none_are_given(tmp_path: Path) -> None:
    version = saved(tmp_path / "v", version_of([{"n": 1}]))
    write_files(version.folder, {"charts/n.svg": b"<svg/>"})
    assert card_files(version).keys() == {"README.md", "charts/n.svg"}
    assert card_files(version, charts={}).keys() == {"README.md"}
