"""How gates are declared: in YAML, as a form and as options, with mistakes found at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.utilities.callables import parameter_schema
from pydantic import BaseModel, Field, TypeAdapter

from flows.command.loading import FlowFile, read_settings
from flows.gates import Gates
from flows.settings import FlowSettings
from llms.errors import ConfigurationError
from tests.flows.gates.refreshes import (
    EVERYTHING,
    gates,
)


class Settings(FlowSettings):
    """Settings of a flow that has gates."""

    output: str = "data"
    gates: Gates = Field(default_factory=Gates, description="Checks before publishing")


def settings_from(*options: str) -> Settings:
    """Read settings as the command line does."""
    flow: Flow[Any, Any] = Flow(lambda settings: settings, name="made")
    found = FlowFile("made", flow, Settings, None)
    settings = read_settings(found, options, "run")
    assert isinstance(settings, Settings)
    return settings


def test_gates_are_declared_in_yaml_and_come_back_from_json() -> None:
    wanted = Gates(**yaml.safe_load(EVERYTHING))
    assert wanted.rows is not None
    assert wanted.rows.at_least_of == {"sft": 50}
    assert wanted.contamination is not None
    assert wanted.contamination.sets["gsm8k"].source == "evaluation/gsm8k.jsonl"
    assert Gates(**json.loads(wanted.model_dump_json())) == wanted
    assert all(getattr(wanted, name) for name in Gates.model_fields)
    assert len(list(wanted.declared)) == len(Gates.model_fields)


def test_every_field_of_the_form_says_what_it_is() -> None:
    schema = TypeAdapter(Gates).json_schema()
    unexplained = [
        f"{model['title']}.{name}"
        for model in [schema, *schema["$defs"].values()]
        for name, field in model["properties"].items()
        if not field.get("description")
    ]
    assert unexplained == []


def test_the_form_of_a_flow_shows_the_gates() -> None:
    def flow(settings: Settings) -> None:
        """A flow with settings."""

    flow.__annotations__["settings"] = Settings
    definitions = parameter_schema(flow).definitions
    assert "at_least" in definitions["Rows"]["properties"]
    assert definitions["Settings"]["properties"]["gates"]["description"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--gates.rows.at-least", "100"], {"rows": {"at_least": 100}}),
        (["--gates.missing.generation", "0.05"], {"missing": {"generation": 0.05}}),
        (
            ["--gates.lengths.generation.shortest", "1", "--gates.lengths.title.longest", "80"],
            {"lengths": {"generation": {"shortest": 1}, "title": {"longest": 80}}},
        ),
        (
            ["--gates.contamination.sets.gsm8k", "gsm8k.jsonl"],
            {"contamination": {"sets": {"gsm8k": "gsm8k.jsonl"}}},
        ),
        (
            ["--gates.labels.topic.shares.law.at-least", "0.1"],
            {"labels": {"topic": {"shares": {"law": {"at_least": 0.1}}}}},
        ),
    ],
    ids=["a number", "by column", "several columns", "an evaluation set", "a label"],
)
def test_gates_are_options_of_the_command_line(options: list[str], expected: Any) -> None:
    assert settings_from(*options).gates == Gates(**expected)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"rows": {}}, "Rows checks nothing; it takes one or more of: at_least, at_most"),
        ({"rows": {"at_least": 5, "at_most": 4}}, "at_least (5) is above at_most (4)"),
        ({"missing": {"text": 1.5}}, "less than or equal to 1"),
        ({"lengths": {"text": {}}}, "LengthBounds checks nothing"),
        ({"labels": {"topic": {}}}, "LabelBounds checks nothing"),
        ({"ratings": {"rating": {"within": [5, 1]}}}, "5 is above 1"),
        ({"judge": {"column": "rating", "low_below": 2, "mean_at_least": 1}}, "together"),
        ({"columns": {"types": {"text": "string"}}}, "'string', wanted for 'text', is no type"),
        ({"drift": {"at_most": 2}}, "less than or equal to 1"),
        ({"duplicates": {"at_most": 0, "similarity": 0}}, "greater than 0"),
        ({"rejection_rate": {}}, "RejectionRate checks nothing"),
        ({"personal_data": {"kinds": ["name"]}}, "'email'"),
        ({"row": {"at_least": 5}}, "Did you mean 'rows'?"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_gate_that_cannot_be_meant_is_refused_in_one_sentence(wanted: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        gates(**wanted)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_bound_of_zero_is_a_bound() -> None:
    wanted = gates(duplicates={"at_most": 0}, drift={"at_most": 0}, rows={"at_least": 0})
    assert len(list(wanted.declared)) == 3


class Nested(BaseModel):
    """Gates inside another model, as parameters of a flow have them."""

    gates: Gates = Field(default_factory=Gates)


def test_gates_inside_other_parameters_are_checked_too() -> None:
    with pytest.raises(ConfigurationError, match="Rows has no parameter 'atleast'"):
        Nested(gates={"rows": {"atleast": 3}})  # type: ignore[arg-type]  # as read from JSON
