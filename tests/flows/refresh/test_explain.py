"""The story of one row: source, prompts, replies, columns, and the run that made it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from flows import Pipeline
from flows.command.explain import explain_row
from flows.command.transcript import printable
from flows.refresh.explain import explain
from flows.refresh.finding_rows import AmbiguousRow, NoSuchRow
from flows.refresh.story import StepStory, Story
from flows.versions.saved import SavedVersion
from llms import ChatType, ScriptedLLM
from llms.errors import ConfigurationError
from tasks import LoadDataFromDicts, Row, Task, TextGeneration
from tasks.row import KEY
from tests.flows.refresh.kept_versions import (
    Shout,
    Voice,
    answers,
    everything,
    followed_by,
    impatient_gateway,
    invented,
    kept,
    rows,
)


def step_of(story: Story, name: str) -> StepStory:
    """Return what a step did in a story."""
    (found,) = [step for step in story.steps if step.step == name]
    return found


def key_where(
    version: SavedVersion, column: str, value: object, configuration: str = "default"
) -> str:
    """Return the key of the first row with a value."""
    keyed = version.keyed(configuration).filter(pl.col(column) == value)
    return str(keyed[KEY][0])


@pytest.fixture(scope="module")
def all_shapes(tmp_path_factory: pytest.TempPathFactory) -> SavedVersion:
    """Return a version with all shapes."""
    folder = tmp_path_factory.mktemp("all-shapes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLHOUSE_HOME", str(folder / "home"))
        dataset = everything(rows("mumble one", "silent one", count=6)).preview(8)
        return kept(folder / "version", dataset)


def test_a_row_has_its_source_prompt_reply_columns_and_run(tmp_path: Path) -> None:
    version = kept(tmp_path / "version", followed_by(Shout(name="loud"), rows()).preview(4))
    Voice.calls.clear()
    story = explain(version, "instruction=Say 2.")
    row = version.frame().row(2, named=True)
    assert Voice.calls == []
    assert (story.dataset, story.version) == ("answers", "v1")
    assert (story.source, story.source_row) == ("load", {"id": 2, "instruction": "Say 2."})
    assert [step.step for step in story.steps] == ["load", "ask", "loud"]
    (answer,) = step_of(story, "ask").answers
    assert answer.prompt == [{"role": "user", "content": "Say 2."}]
    assert answer.reply == row["generation"]
    assert (answer.finish_reason, answer.model, answer.input_tokens) == ("stop", "voice", 2)
    assert step_of(story, "ask").made == {
        "generation": row["generation"],
        "model_name": "voice",
    }
    assert step_of(story, "loud").made == {"loud": row["loud"]}
    (ending,) = story.endings
    assert (ending.status, ending.configuration, ending.split) == ("made", "default", "train")
    assert ending.is_new
    assert ending.row["loud"] == row["loud"]


def test_of_several_samples_the_row_has_its_own_prompt_and_correction(
    all_shapes: SavedVersion,
) -> None:
    frame = all_shapes.keyed("loud").filter(pl.col("instruction") == "mumble one")
    told = [explain(all_shapes, key) for key in frame[KEY]]
    for number, (story, row) in enumerate(zip(told, frame.to_dicts(), strict=True)):
        step = step_of(story, "first")
        assert step.generation == number
        assert len(step.answers) == 4
        first, second = step.own_answers
        assert (first.reply, first.correction) == ("mm", False)
        assert (second.reply, second.correction) == (row["generation"], True)
        assert second.prompt is not None
        assert "Your reply cannot be used" in str(second.prompt[-1]["content"])


def test_a_rejected_row_has_its_step_reason_and_raw_reply(all_shapes: SavedVersion) -> None:
    rejection = next(item for item in all_shapes.rejections() if item.step == "second")
    story = explain(all_shapes, rejection.key)
    ending = next(ending for ending in story.endings if ending.step == "second")
    assert (ending.status, ending.reason) == ("rejected", "the reply is empty")
    assert ending.raw_reply == ""
    assert step_of(story, "second").made == {}
    assert [answer.reply for answer in step_of(story, "second").answers] == ["", ""]


def test_a_row_that_several_branches_have_is_one_story(all_shapes: SavedVersion) -> None:
    story = explain(all_shapes, key_where(all_shapes, "instruction", "Say 1.", "both"))
    assert {step.step for step in story.steps} == {"load", "second", "other", "both"}
    replies = [step_of(story, name).answers[0].reply for name in ("second", "other")]
    assert step_of(story, "both").made["generations"] == replies


def test_behind_a_step_that_sees_all_rows_there_are_the_answers(all_shapes: SavedVersion) -> None:
    story = explain(all_shapes, "place=3")
    assert step_of(story, "turned").sees_all_rows
    assert "sees all rows at once" in step_of(story, "turned").note
    before, behind = step_of(story, "first"), step_of(story, "title")
    assert before.own_answers[0].prompt is not None
    assert "comes after step 'turned', which sees all rows" in behind.note
    (answer,) = behind.answers
    assert answer.prompt is None
    assert behind.made == {"title": answer.reply}
    assert {ending.configuration for ending in story.endings} == {"titles", "loud"}


def test_a_row_of_a_model_that_is_a_source_has_its_drawn_prompt(tmp_path: Path) -> None:
    version = kept(tmp_path / "version", invented(3).preview(3))
    story = explain(version, str(version.keyed()[KEY][1]))
    (answer,) = step_of(story, "invent").answers
    assert story.source_row == {}
    assert answer.prompt is not None
    assert str(answer.prompt[0]["content"]).startswith("Ask about ")


class Count(Task):
    """Asks for a number in JSON."""

    version: ClassVar = 1
    outputs: ClassVar = {"n": pl.Int64}

    def format_input(self, input: Row) -> ChatType:
        return [{"role": "user", "content": "Count it."}]

    def format_output(self, output: str | None, input: Row) -> Row:
        return dict(json.loads(output or ""))

    def response_schema(self, input: Row) -> dict[str, Any]:
        return {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def test_a_structured_answer_has_the_schema_and_the_correction_that_were_sent(
    tmp_path: Path,
) -> None:
    llm = ScriptedLLM(rules={"Count it": "seven", "": '{"n": 7}'})
    with Pipeline("counts") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"id": 1}])
        load >> Count(name="count", llm=llm, use_default_structured_output=True)
    story = explain(kept(tmp_path / "version", pipeline.preview(1)), "id=1")
    first, second = step_of(story, "count").answers
    assert first.prompt is not None
    assert second.prompt is not None
    assert '"integer"' in str(first.prompt)
    assert (first.reply, first.correction) == ("seven", False)
    assert (second.reply, second.correction) == ('{"n": 7}', True)
    assert "seven" in str(second.prompt[-2]["content"])
    assert step_of(story, "count").made["n"] == 7


@pytest.mark.usefixtures("prefect")
def test_a_refreshed_row_is_new_and_the_others_are_not(tmp_path: Path) -> None:
    first = kept(tmp_path / "v1", answers(rows()).run())
    version = kept(
        tmp_path / "v2", answers([*rows(), *rows("Say more.", count=9)[9:]]).run(), first
    )
    old, new = explain(version, "instruction=Say 1."), explain(version, "instruction=Say more.")
    assert (old.endings[0].is_new, old.endings[0].run) == (False, first.manifest.run)
    assert (new.endings[0].is_new, new.endings[0].run) == (True, version.manifest.run)


def test_a_step_that_changed_since_says_so_and_shows_what_was_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = kept(tmp_path / "version", answers(rows()).preview(4))
    monkeypatch.setattr(
        TextGeneration, "format_input", lambda *_: [{"role": "user", "content": "x"}]
    )
    monkeypatch.setattr(TextGeneration, "version", 99)
    step = step_of(explain(version, "instruction=Say 2."), "ask")
    assert "does something else in this checkout: its code changed" in step.note
    (answer,) = step.answers
    assert answer.prompt is None
    assert answer.reply == version.frame()["generation"][2]


def test_a_step_that_does_not_work_here_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = kept(tmp_path / "version", followed_by(Shout(name="loud"), rows()).preview(4))

    def broken(*_: object) -> None:
        raise OSError("no loudspeaker")

    monkeypatch.setattr(Shout, "apply", broken)
    story = explain(version, "id=2")
    assert "does not work here (OSError: no loudspeaker)" in step_of(story, "loud").note
    assert step_of(story, "ask").answers[0].prompt is not None


def test_without_kept_answers_there_is_what_provenance_says(tmp_path: Path) -> None:
    version = kept(tmp_path / "version", answers(rows()).preview(4), provenance="rows")
    story = explain(version, "id=2")
    step = step_of(story, "ask")
    assert story.source_row is None
    assert "keeps no source rows and no answers" in step.note
    assert [(item.prompt, item.reply, item.model) for item in step.answers] == [
        (None, None, "voice")
    ]


def test_without_provenance_nothing_is_known(tmp_path: Path) -> None:
    version = kept(tmp_path / "version", answers(rows()).preview(4), provenance="none")
    with pytest.raises(ConfigurationError, match="keeps no provenance"):
        explain(version, "id=2")


def test_a_refused_row_ends_with_what_the_provider_said(tmp_path: Path) -> None:
    some = rows("forbidden one", "forbidden two", "forbidden three", count=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.runtime.preview.default_gateway", lambda: impatient_gateway(tmp_path))
        version = kept(tmp_path / "version", answers(some).preview(6))
    rejection = next(version.rejections())
    (ending,) = explain(version, rejection.key).endings
    assert ending.reason == rejection.reason
    assert "the filter withheld the answer" in rejection.reason


def test_the_beginning_of_a_key_is_enough_and_several_are_listed(all_shapes: SavedVersion) -> None:
    keys = sorted({*all_shapes.keyed("titles")[KEY], *all_shapes.keyed("both")[KEY]})
    assert explain(all_shapes, keys[0][:12].upper()).key == keys[0]
    with pytest.raises(ConfigurationError, match="'abc' is too short for a key"):
        explain(all_shapes, "abc")
    with pytest.raises(NoSuchRow, match=r"everything v1 has no row 'zzzz'\."):
        explain(all_shapes, "zzzz")
    with pytest.raises(AmbiguousRow, match="may be several rows of everything v1; name one: "):
        explain(all_shapes, "instruction=Say 1.")


def test_escape_codes_in_a_reply_are_shown_and_not_obeyed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nasty = "red \x1b[31m, title \x1b]0;x\x07, back \r\x08, mark [bold], \x9b2J"
    with Pipeline("nasty") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"id": 1, "instruction": "Say it."}])
        load >> TextGeneration(name="ask", llm=ScriptedLLM(replies=(nasty,)))
    kept(tmp_path / "version", pipeline.preview(1))
    explain_row("id=1", str(tmp_path / "version"), json=False)
    shown = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x08", "\r", "\x9b"}.intersection(shown)
    for visible in (
        r"red \x1b[31m",
        r"\x07",
        r"\x0d\x08",
        "mark [bold]",
        r"\x9b2J",
    ):
        assert visible in shown
    assert printable("half \ud800 a pair") == r"half \ud800 a pair"


def explained(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a process."""
    script = (
        "import sys, tests.flows.refresh.kept_versions\n"
        "from flows.command.explain import explain_row\n"
        "explain_row(sys.argv[1], None, json=len(sys.argv) > 2)"
    )
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.getcwd(), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=True,
    )


def test_the_command_finds_the_dataset_that_holds_the_row(tmp_path: Path) -> None:
    kept(tmp_path / "data" / "one", answers(rows(count=2)).preview(2))
    kept(tmp_path / "data" / "two", answers(rows("Say more.")).preview(5))
    said = explained("instruction=Say more.", cwd=tmp_path).stdout
    for shown in ("source load", "ask (TextGeneration)", "│ user ", "row of default, train"):
        assert shown in said
    story = json.loads(explained("instruction=Say more.", "--json", cwd=tmp_path).stdout)
    assert story["steps"][1]["answers"][0]["prompt"][0]["content"] == "Say more."


def test_the_command_says_where_it_looked_and_what_to_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        kept(tmp_path / "data" / name, answers(rows()).preview(4))
    with pytest.raises(NoSuchRow, match=r"No dataset below 'data' has a row 'id=77'; name its"):
        explain_row("id=77", None, json=False)
    with pytest.raises(ConfigurationError, match="data/one, data/two have a row 'id=2'"):
        explain_row("id=2", None, json=False)
    with pytest.raises(NoSuchRow, match="answers v1 has no row 'id=77'"):
        explain_row("id=77", "data/one", json=False)
