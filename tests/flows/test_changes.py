"""A run says which step does something else than before, and why rows are made again."""

from __future__ import annotations

from typing import Any

import pytest

from flows import DatasetVersion, Pipeline
from flows.reporting.artifacts import accounts_page
from llms import ScriptedLLM
from tasks import FormatTextGenerationSFT, LoadDataFromDicts, Prompt, TextGeneration, UltraFeedback

pytestmark = pytest.mark.usefixtures("prefect")

ROWS = [{"instruction": "Say hi."}, {"instruction": "Say bye."}]


def run(**parameters: Any) -> DatasetVersion:
    """Run a small pipeline whose answering step has some parameters."""
    with Pipeline("changing") as pipeline:
        llm = parameters.pop("llm", ScriptedLLM())
        load = LoadDataFromDicts(name="load", data=ROWS)
        load >> TextGeneration(name="answer", llm=llm, **parameters) >> formatted()
    return pipeline.run()


def formatted() -> FormatTextGenerationSFT:
    """Return the last step."""
    return FormatTextGenerationSFT(name="chats")


def test_a_first_run_and_one_without_a_change_say_nothing() -> None:
    assert run().changes == ()
    assert run().changes == ()


def test_a_changed_parameter_is_told_with_both_values(capsys: pytest.CaptureFixture[str]) -> None:
    run(num_generations=1)
    version = run(num_generations=2)
    assert version.changes == (
        "Step 'answer' makes its rows again, and those after it (chats) where they differ, "
        "because its parameter num_generations changed from 1 to 2.",
    )
    assert version.changes[0] in capsys.readouterr().err.replace("\n", " ").replace("  ", " ")
    assert version.changes[0] in accounts_page(version)


def test_a_changed_model_and_a_new_template_are_told() -> None:
    run()
    template = "A template that is longer than what is shown in full: {{ instruction }}, please."
    (sentence,) = run(llm=ScriptedLLM(model="newer"), template=template).changes
    assert 'its parameter llm.model changed from "scripted" to "newer"' in sentence
    assert "its parameter template changed" in sentence
    assert "longer than what is shown" not in sentence


def test_a_changed_prompt_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def rated() -> DatasetVersion:
        rows = [{"instruction": "Say hi.", "generations": ["Hi."]}]
        reply = "#### Text 1\nRationale: Kind.\nRating: 5"
        with Pipeline("rated") as pipeline:
            judge = UltraFeedback(name="judge", llm=ScriptedLLM(replies=(reply,)))
            LoadDataFromDicts(name="load", data=rows) >> judge
        return pipeline.run()

    assert rated().changes == ()
    monkeypatch.setattr(Prompt, "text", property(lambda self: f"{self.file} in other words"))
    (sentence,) = rated().changes
    assert "its prompt 'template' changed" in sentence


def test_new_and_removed_steps_are_told() -> None:
    run()
    with Pipeline("changing") as pipeline:
        load = LoadDataFromDicts(name="load", data=ROWS)
        load >> TextGeneration(name="other", llm=ScriptedLLM())
    changes = pipeline.run().changes
    assert "Step 'other' is new." in changes
    assert "Step 'answer' is no longer there." in changes
