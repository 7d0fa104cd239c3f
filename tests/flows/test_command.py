"""The command `stillhouse`, as a process: what a person types and reads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from flows.command.loading import project_flows
from flows.runtime.server import LocalServer
from tests.loopback import LoopbackProvider

COMMAND = [sys.executable, "-c", "from flows.command.app import main; main()"]


def stillhouse(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200", **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def pipeline_file(
    folder: Path, provider_url: str, rows: int = 4, task: dict[str, object] | None = None
) -> Path:
    path = folder / "pipeline.yaml"
    pipeline = {
        "name": "answers",
        "steps": [
            {
                "name": "load",
                "step": "LoadDataFromDicts",
                "parameters": {"data": [{"instruction": f"Say {n}."} for n in range(rows)]},
            },
            {
                "name": "answer",
                "step": "TextGeneration",
                "after": ["load"],
                "parameters": {
                    "llm": {
                        "provider": "openai",
                        "model": "loopback",
                        "base_url": provider_url,
                        "max_concurrent_requests": 64,
                    },
                    **(task or {}),
                },
            },
        ],
    }
    path.write_text(yaml.safe_dump(pipeline), encoding="utf-8")
    return path


@pytest.mark.usefixtures("prefect")
def test_a_pipeline_file_runs_and_the_last_lines_say_what_came_of_it(
    tmp_path: Path, provider: LoopbackProvider
) -> None:
    provider.reply = lambda body: "" if "Say 2." in str(body) else "Fine."
    pipeline_file(tmp_path, provider.url)
    done = stillhouse("run", "pipeline.yaml", "--output", "made", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "answers: 3 rows, 1 rejected. 5 model calls, 0 answers reused, "
        "$0.00 spent (5 answers have no known price)."
    )
    assert lines[1] == f"Published as v1: {tmp_path / 'made'}"
    assert lines[2].startswith("Rejected 1 in step answer: ")
    (rejection,) = (tmp_path / "made" / "rejections.jsonl").read_text().splitlines()
    assert json.loads(rejection)["row"] == {"instruction": "Say 2."}


@pytest.mark.usefixtures("prefect")
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param(
            {"columns": "question", "template": "{{ question }}"},
            "needs the column 'question'",
            id="wrong column",
        ),
        pytest.param({"templat": "x"}, "Did you mean 'template'?", id="unknown parameter"),
        pytest.param({"llm": "mistral:small"}, "MISTRAL_API_KEY", id="missing key"),
        pytest.param({"llm": "nobody:small"}, "There is no provider 'nobody'", id="no provider"),
        pytest.param(
            {"llm": {"provider": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1"}},
            "could not be reached",
            id="unreachable server",
        ),
    ],
)
def test_what_the_user_must_mend_is_one_sentence_and_no_traceback(
    tmp_path: Path, provider: LoopbackProvider, change: dict[str, object], sentence: str
) -> None:
    pipeline_file(tmp_path, provider.url, task=change)
    done = stillhouse("run", "pipeline.yaml", cwd=tmp_path, MISTRAL_API_KEY="")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("stillhouse: ")
    assert sentence in last
    assert "Traceback" not in done.stderr + done.stdout
    assert provider.stats().requests == 0
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("prefect")
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param("", "no rows", id="empty source"),
        pytest.param('{"instruction": "a"}\n{"instruction": \n', "line 2", id="malformed line"),
    ],
)
def test_a_source_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, provider: LoopbackProvider, content: str, sentence: str
) -> None:
    (tmp_path / "rows.jsonl").write_text(content)
    path = pipeline_file(tmp_path, provider.url)
    pipeline = yaml.safe_load(path.read_text())
    pipeline["steps"][0] = {
        "name": "load",
        "step": "LoadDataFromFileSystem",
        "parameters": {"data_files": "rows.jsonl"},
    }
    path.write_text(yaml.safe_dump(pipeline))
    done = stillhouse("run", "pipeline.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert sentence in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert provider.stats().requests == 0


@pytest.mark.usefixtures("prefect")
def test_ctrl_c_keeps_what_is_finished_and_the_same_command_goes_on(
    tmp_path: Path, provider: LoopbackProvider
) -> None:
    provider.latency = 0.1
    pipeline_file(tmp_path, provider.url, rows=1_500)
    arguments = ["run", "pipeline.yaml"]
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        while provider.stats().answered < 100:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    answered = provider.stats().answered
    assert answered < 1_500
    done = stillhouse(*arguments, cwd=tmp_path)
    assert "1,500 rows, 0 rejected." in done.stdout
    assert provider.stats().requests == 1_500


def test_a_killed_run_leaves_no_server_and_the_next_one_makes_the_same_dataset(
    tmp_path: Path, provider: LoopbackProvider
) -> None:
    provider.latency = 0.1
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    for folder in (undisturbed, killed):
        folder.mkdir()
        pipeline_file(folder, provider.url, rows=600)
    arguments = ["run", "pipeline.yaml", "--output", "made"]
    variables = {"STILLHOUSE_HOME": str(killed / "home")}
    environment = {**os.environ, **variables}
    with subprocess.Popen([*COMMAND, *arguments], cwd=killed, env=environment) as process:
        while provider.stats().answered < 150:
            time.sleep(0.05)
        children = _children_of(process.pid)
        process.kill()
    assert children
    deadline = time.monotonic() + 15
    while any(map(_is_running, children)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not any(map(_is_running, children))
    assert stillhouse(*arguments, cwd=killed, **variables).returncode == 0
    sent = provider.stats().requests
    assert sent <= 600 + 2 * 64
    done = stillhouse(*arguments, cwd=undisturbed, STILLHOUSE_HOME=str(undisturbed / "home"))
    assert done.returncode == 0
    assert _contents(killed / "made") == _contents(undisturbed / "made")


def test_help_answers_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    done = stillhouse("--help", cwd=tmp_path)
    assert time.monotonic() - started < 2.0
    for verb in ("run", "preview", "show", "steps", "ui"):
        assert verb in done.stdout


def test_help_imports_neither_prefect_nor_polars(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from flows.command.app import app; app(['--help'], exit_on_error=False, "
            "result_action='return_value'); print(sorted({'prefect', 'polars', 'openai'} & "
            "set(sys.modules)))",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_tasks_and_models_import_without_prefect() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, tasks, llms; print('prefect' in sys.modules)"],
        capture_output=True,
        text=True,
    )
    assert done.stdout == "False\n"


def test_steps_lists_the_catalogue_with_columns(tmp_path: Path) -> None:
    done = stillhouse("steps", cwd=tmp_path)
    assert done.returncode == 0
    for expected in ("UltraFeedback", "LoadPythonDocs", "instruction, generations"):
        assert expected in done.stdout


def test_steps_tells_all_about_one(tmp_path: Path) -> None:
    done = stillhouse("steps", "UltraFeedback", cwd=tmp_path)
    assert "2310.01377" in done.stdout
    assert "aspect" in done.stdout


def test_show_draws_a_pipeline(tmp_path: Path) -> None:
    pipeline_file(tmp_path, "http://127.0.0.1:1/v1")
    done = stillhouse("show", "pipeline.yaml", cwd=tmp_path)
    assert "answer (TextGeneration, openai:loopback) after load" in done.stdout
    assert "step0 --> step1" in done.stdout


def test_preview_shows_prompts_and_raw_replies(tmp_path: Path, provider: LoopbackProvider) -> None:
    pipeline_file(tmp_path, provider.url)
    done = stillhouse("preview", "pipeline.yaml", "--rows", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert provider.stats().requests == 2
    assert "Say 1." in done.stdout
    assert "Say 2." not in done.stdout
    assert "2 rows, 0 rejected. Nothing saved." in done.stdout


def test_an_unknown_flow_is_one_sentence_with_the_known_ones(tmp_path: Path) -> None:
    done = stillhouse("run", "nothing", cwd=tmp_path)
    assert done.returncode == 1
    assert "There is no flow 'nothing'; there is: clair, deita, " in done.stderr


def test_run_alone_lists_the_flows(tmp_path: Path) -> None:
    assert stillhouse("run", cwd=tmp_path).stdout == f"Flows: {', '.join(project_flows())}\n"


def test_the_options_of_a_flow_are_explained(tmp_path: Path) -> None:
    done = stillhouse("run", "quickstart", "--help", cwd=tmp_path)
    for option in ("--llm", "--judge", "--rows", "--repo", "--output"):
        assert option in done.stdout


def test_a_wrong_option_is_one_sentence(tmp_path: Path) -> None:
    done = stillhouse("run", "quickstart", "--rows", "0", cwd=tmp_path)
    assert done.returncode == 1
    assert "'rows'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_named_and_down_is_one_sentence(
    tmp_path: Path, provider: LoopbackProvider, prefect_server: LocalServer
) -> None:
    pipeline_file(tmp_path, provider.url)
    done = stillhouse(
        "run", "pipeline.yaml", cwd=tmp_path, PREFECT_API_URL="http://127.0.0.1:9/api"
    )
    assert done.returncode == 1
    assert "PREFECT_API_URL" in done.stderr.splitlines()[-1]


def _children_of(pid: int) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
    return [int(line) for line in listed.stdout.split()]


def _is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def _contents(folder: Path) -> dict[str, bytes]:
    """Return the rows and rejections; the other files name the run that made them."""
    files = [*sorted((folder / "data").rglob("*")), folder / "rejections.jsonl"]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in files if path.is_file()
    }
