"""Every recipe runs from end to end, and accepts every row of a model that does as it is told."""

from __future__ import annotations

import json
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import datasets
import pytest
from prefect.utilities.callables import parameter_schema

from flows.command.loading import find_flow, project_flows
from flows.pipeline import Pipeline
from tests.flows.obliging import obliging
from tests.loopback import LoopbackProvider

SETTINGS: dict[str, dict[str, Any]] = {
    "clair": {},
    "deita": {"evolutions": 1, "diversity_threshold": 0.0, "data_budget": 5},
    "function_calling": {"queries": 1},
    "instructions": {"instructions_per_row": 2, "evolutions": 2},
    "judge": {},
    "magpie": {"pre_query_template": "qwen2"},
    "math_steps": {"solutions": 2, "completions": 2},
    "oss_instruct": {},
    "preference": {},
    "retrieval": {"tasks": 2},
}
"""Recipe to the settings of its trial."""

RECIPES = [name for name in project_flows() if name != "quickstart"]


def test_every_recipe_has_a_trial() -> None:
    assert set(RECIPES) == set(SETTINGS)


@pytest.mark.usefixtures("prefect")
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_runs_with_full_acceptance_and_costs_nothing_the_second_time(
    recipe: str, provider: LoopbackProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.reply = obliging
    monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
    monkeypatch.setenv("VLLM_BASE_URL", provider.url)
    module = import_module(f"flows.{recipe}")
    found = find_flow(recipe)
    llm = "vllm:writer" if recipe == "magpie" else "openai:writer"
    settings = found.settings(llm=llm, rows=4, output=str(tmp_path / "data"), **SETTINGS[recipe])
    summary = getattr(module, recipe)(settings)
    assert summary["rejected"] == 0, summary["reasons"]
    assert summary["rows"] > 0
    assert summary["calls"] >= provider.stats().requests > 0
    for name in datasets.get_dataset_config_names(str(tmp_path / "data")):
        rows = datasets.load_dataset(
            str(tmp_path / "data"), name, split="train", cache_dir=str(tmp_path / "cache")
        )
        assert len(rows) > 0
    again = getattr(module, recipe)(settings)
    assert (again["calls"], again["rows"]) == (0, summary["rows"])


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_pipeline_of_a_recipe_survives_yaml(recipe: str, tmp_path: Path) -> None:
    found = find_flow(recipe)
    assert found.pipeline is not None
    made = found.pipeline(found.settings(**SETTINGS[recipe]))
    made.validate()
    made.to_file(tmp_path / "pipeline.yaml")
    again = Pipeline.from_yaml(tmp_path / "pipeline.yaml")
    assert {n: s.signature for n, s in again.steps.items()} == {
        n: s.signature for n, s in made.steps.items()
    }


@pytest.mark.parametrize("recipe", project_flows())
def test_the_settings_make_a_form_with_a_word_for_each_field(recipe: str) -> None:
    flow = find_flow(recipe).flow
    assert len(signature(flow.fn).parameters) == 1
    schema = parameter_schema(flow.fn).model_dump()
    (settings,) = (
        definition
        for name, definition in schema["definitions"].items()
        if name == find_flow(recipe).settings.__name__
    )
    for name, field in settings["properties"].items():
        assert field.get("description"), name
        assert "discriminator" not in json.dumps(field), name
