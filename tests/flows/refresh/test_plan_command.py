"""`stillhouse plan`, as a process and in this one: what a person types and reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from flows.command.plan import plan_flow
from flows.pipeline import Pipeline
from flows.publishing.folder import save
from llms import ScriptedLLM
from llms.credentials import find_key
from llms.errors import ConfigurationError, MissingKeyError, StillhouseError
from llms.home import close_gateways, default_gateway
from tests.flows.refresh.plans import ALL
from tests.loopback import LoopbackProvider

COMMAND = [sys.executable, "-c", "from flows.command.app import main; main()", "plan"]
Entry = dict[str, Any]


def stillhouse_plan(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, for a terminal of 80 columns."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def pipeline_file(folder: Path, url: str, rows: int = 3, **changes: Any) -> Path:
    """Write a pipeline of a source and a step that asks; `changes` are parameters of the latter."""
    llm = {"provider": "openai", "model": "loopback", "base_url": url, "price": {"input": 1.0}}
    steps: list[Entry] = [
        {
            "name": "load",
            "step": "LoadDataFromDicts",
            "parameters": {"data": [{"instruction": f"Say {n}."} for n in range(rows)]},
        },
        {
            "name": "answer",
            "step": "TextGeneration",
            "after": ["load"],
            "parameters": {"llm": llm, **changes},
        },
    ]
    file = folder / "pipeline.yaml"
    file.write_text(yaml.safe_dump({"name": "answers", "steps": steps}), encoding="utf-8")
    return file


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Locked(ScriptedLLM):
    """Answers whoever has the key."""

    provider: ClassVar = "locked"

    model: str = "locked"

    def check(self) -> None:
        find_key("locked", None, None, ("LOCKED_API_KEY",))


def publish(file: Path, output: str = "made") -> None:
    """Run a pipeline file and put the version where it is published."""
    save(Pipeline.from_yaml(file).preview(ALL), Path(output))


def told(file: Path, *options: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the command prints."""
    plan_flow(str(file), ["--output", "made", *options])
    return capsys.readouterr().out


def test_it_makes_no_call_needs_no_server_and_publishes_nothing(
    here: Path, provider: LoopbackProvider
) -> None:
    pipeline_file(here, provider.url)
    done = stillhouse_plan("pipeline.yaml", "--output", "made", cwd=here)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith("There is no version yet, and 3 source rows are new: 3 to 6 calls")
    assert max(map(len, lines)) <= 80
    assert provider.stats().requests == 0
    assert not (here / "made").exists()
    assert not (here / "home" / "prefect").exists()


def test_it_starts_from_the_version_in_the_folder(
    here: Path, provider: LoopbackProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(pipeline_file(here, provider.url))
    assert told(pipeline_file(here, provider.url), capsys=capsys) == (
        "Nothing changed since v1: there is nothing to make and nothing to pay.\n"
    )
    said = told(pipeline_file(here, provider.url, rows=5), capsys=capsys)
    assert "2 of 5 source rows are new or changed: 2 to 4 calls (likely 2)" in " ".join(
        said.split()
    )
    assert provider.stats().requests == 3


def test_it_plans_the_same_on_a_machine_that_has_nothing_but_the_version(
    here: Path,
    provider: LoopbackProvider,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    publish(pipeline_file(here, provider.url))
    file = pipeline_file(here, provider.url, rows=4)
    warm = told(file, "--json", capsys=capsys)
    close_gateways()
    monkeypatch.setenv("STILLHOUSE_HOME", str(here / "cold"))
    assert told(file, "--json", capsys=capsys) == warm
    assert json.loads(warm)["calls"]["expected"] == 1


def test_json_is_for_programs(
    here: Path, provider: LoopbackProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(told(pipeline_file(here, provider.url), "--json", capsys=capsys))
    assert (found["pipeline"], found["before"], found["changes_nothing"]) == (
        "answers",
        None,
        False,
    )
    assert found["calls"] == {"low": 3, "expected": 3, "high": 6}
    assert [step["step"] for step in found["steps"]] == ["load", "answer"]


def test_markdown_is_for_a_pull_request(
    here: Path, provider: LoopbackProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    page = told(pipeline_file(here, provider.url), "--markdown", capsys=capsys)
    assert page.startswith("# Plan for answers\n\nThere is no version yet")
    assert "| answer | 3 |  |  |  | 3 to 6 (likely 3) |" in page


def test_a_second_plan_counts_nothing_as_saved(
    here: Path, provider: LoopbackProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    file = pipeline_file(here, provider.url)
    publish(file)
    told(file, capsys=capsys)
    told(file, capsys=capsys)
    assert default_gateway().store.totals().hits == 0


def test_without_a_key_there_is_a_plan_where_nothing_is_to_be_asked(
    here: Path,
    provider: LoopbackProvider,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def locked(rows: int) -> Path:
        return pipeline_file(here, provider.url, rows, llm="locked:locked")

    monkeypatch.setenv("LOCKED_API_KEY", "planted")
    publish(locked(3))
    monkeypatch.delenv("LOCKED_API_KEY")
    assert told(locked(3), capsys=capsys).startswith("Nothing changed since v1")
    assert "1 source row is gone: no call" in told(locked(2), capsys=capsys)
    with pytest.raises(MissingKeyError, match="LOCKED_API_KEY"):
        told(locked(4), capsys=capsys)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param(
            {"columns": "question", "template": "{{ question }}"},
            "needs the column 'question'",
            id="wrong column",
        ),
        pytest.param({"templat": "x"}, "Did you mean 'template'?", id="unknown parameter"),
        pytest.param({"llm": "nobody:small"}, "There is no provider 'nobody'", id="no provider"),
    ],
)
def test_what_is_to_be_mended_is_one_sentence(
    here: Path, provider: LoopbackProvider, change: dict[str, Any], sentence: str
) -> None:
    pipeline_file(here, provider.url, **change)
    done = stillhouse_plan("pipeline.yaml", cwd=here)
    assert done.returncode == 1
    assert done.stdout == ""
    (said,) = done.stderr.strip().splitlines()
    assert said.startswith("stillhouse: ")
    assert sentence in said


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(None, "nothing.jsonl", id="no file"),
        pytest.param("", "no rows", id="no rows"),
        pytest.param('{"instruction": "a"}\n{"instruction": \n', "line 2", id="malformed line"),
    ],
)
def test_a_source_that_fails_is_an_error_and_never_no_rows(
    here: Path,
    provider: LoopbackProvider,
    content: str | None,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    publish(pipeline_file(here, provider.url))
    file = pipeline_file(here, provider.url)
    if content is not None:
        (here / "nothing.jsonl").write_text(content)
    pipeline = yaml.safe_load(file.read_text())
    pipeline["steps"][0] = {
        "name": "load",
        "step": "LoadDataFromFileSystem",
        "parameters": {"data_files": "nothing.jsonl"},
    }
    file.write_text(yaml.safe_dump(pipeline))
    with pytest.raises(StillhouseError, match=sentence):
        told(file, capsys=capsys)


def test_a_source_that_breaks_off_is_one_sentence(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = here / "broken.py"
    file.write_text(_BROKEN)
    with pytest.raises(StillhouseError, match=r"^Step 'load' failed: OSError: the line is cut\.$"):
        told(file, capsys=capsys)


def test_a_budget_that_cannot_hold_is_told_before_a_run(
    here: Path, provider: LoopbackProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    llm = {"provider": "openai", "model": "loopback", "base_url": provider.url}
    file = pipeline_file(here, provider.url, llm=llm)
    with pytest.raises(ConfigurationError, match="price of openai:loopback is not known"):
        told(file, "--budget.usd", "1", capsys=capsys)


def test_a_folder_that_holds_something_else_is_told_before_a_run(
    here: Path, provider: LoopbackProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "made").mkdir()
    (here / "made" / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigurationError, match="not a dataset folder of ours"):
        told(pipeline_file(here, provider.url), capsys=capsys)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("_WITHOUT_PIPELINE", "no function pipeline", id="no pipeline"),
        pytest.param("_OTHER_SETTINGS", "are no FlowSettings", id="other settings"),
    ],
)
def test_a_flow_that_cannot_be_planned_is_one_sentence(
    here: Path, text: str, sentence: str
) -> None:
    file = here / f"flow{text.lower()}.py"
    file.write_text(globals()[text])
    with pytest.raises(ConfigurationError, match=sentence):
        plan_flow(str(file), [])


def test_json_and_markdown_at_once_are_refused(here: Path, provider: LoopbackProvider) -> None:
    with pytest.raises(ConfigurationError, match="not as both"):
        plan_flow(str(pipeline_file(here, provider.url)), ["--json", "--markdown"])


def test_a_flow_of_the_project_is_planned_by_its_name(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan_flow("quickstart", ["--llm", "scripted:scripted", "--rows", "4"])
    assert "There is no version yet, and 4 source rows are new" in capsys.readouterr().out


def test_alone_it_lists_the_flows(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan_flow("", [])
    assert capsys.readouterr().out.startswith("Flows: clair, ")


_WITHOUT_PIPELINE = """
from prefect import flow
from flows.settings import FlowSettings

class Settings(FlowSettings):
    output: str = "made"

@flow
def bare(settings: Settings) -> None:
    pass
"""

_OTHER_SETTINGS = """
from prefect import flow
from pydantic import BaseModel

class Own(BaseModel):
    rows: int = 1

def pipeline(settings: Own) -> None:
    pass

@flow
def own(settings: Own) -> None:
    pass
"""

_BROKEN = """
from typing import ClassVar
from prefect import flow
from flows import Pipeline
from flows.settings import FlowSettings
from llms import ScriptedLLM
from tasks import GeneratorStep, TextGeneration

class Cut(GeneratorStep):
    outputs: ClassVar = ("instruction",)

    def process(self, offset=0):
        yield [{"instruction": "Say one."}], False
        raise OSError("the line is cut")

def pipeline(settings: FlowSettings) -> Pipeline:
    with Pipeline("broken") as made:
        Cut(name="load") >> TextGeneration(name="ask", llm=ScriptedLLM())
    return made

@flow
def broken(settings: FlowSettings) -> None:
    settings.refresh(pipeline(settings))
"""
