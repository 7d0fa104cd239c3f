"""`stillhouse models`: what a person reads, and what a program does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from llms.registry import PROVIDERS
from tests.flows.test_command import stillhouse
from tests.llms.conftest import run_python
from tests.loopback import LoopbackProvider, Status


def test_the_providers_are_listed_with_what_they_support_and_need(tmp_path: Path) -> None:
    done = stillhouse("models", cwd=tmp_path, MISTRAL_API_KEY="k", OPENAI_API_KEY="")
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert set(PROVIDERS) <= rows.keys()
    assert "MISTRAL_API_KEY is set" in rows["mistral"]
    assert "OPENAI_API_KEY is missing" in rows["openai"]
    assert "VLLM_API_KEY (optional)" in rows["vllm"]
    assert rows["scripted"].split() == ["scripted", "yes", "yes", "yes", "nothing"]
    assert "MistralLLM" in rows


def test_the_list_is_json_for_programs(tmp_path: Path) -> None:
    done = stillhouse("models", "--json", cwd=tmp_path, MISTRAL_API_KEY="k")
    providers = {each["name"]: each for each in json.loads(done.stdout)}
    assert set(providers) == set(PROVIDERS)
    mistral = providers["mistral"]
    assert (mistral["cls"], mistral["key"]) == ("MistralLLM", "MISTRAL_API_KEY")
    assert mistral["supports"]["batches"]
    assert providers["anthropic"]["package"] == "anthropic"
    assert "k" not in {each["key"] for each in providers.values()}


def test_listing_imports_no_sdk_and_is_quick() -> None:
    script = (
        "import sys, time; began = time.process_time()\n"
        "from flows.command.models import list_models\n"
        "list_models(None, as_json=True)\n"
        "took = time.process_time() - began\n"
        "sdks = {'openai', 'anthropic', 'cohere', 'ollama', 'mistralai', 'google.genai', 'torch'}\n"
        "print(); print(took < 3 and sorted(sdks & set(sys.modules)))"
    )
    assert run_python(script).splitlines()[-1] == "[]"


def test_a_check_makes_one_call_and_tells_what_came_back(
    tmp_path: Path, provider: LoopbackProvider
) -> None:
    done = stillhouse(
        "models", "--check", "openai:some-model", cwd=tmp_path, OPENAI_BASE_URL=provider.url
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert re.fullmatch(
        r"some-model: \d+\.\d\d s, \d+ \+ \d+ tokens, request id chatcmpl-1\.", line
    )
    assert provider.stats().requests == 1
    again = stillhouse(
        *("models", "--check", "openai:some-model", "--json"),
        cwd=tmp_path,
        OPENAI_BASE_URL=provider.url,
    )
    assert json.loads(again.stdout)["request_id"] == "chatcmpl-2"


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("openai:m", "openai answered 401 for model 'm'"),
        ("nobody:m", "There is no provider 'nobody'"),
        ("mistral:m", "No API key for mistral: set the environment variable MISTRAL_API_KEY"),
    ],
    ids=["refused", "no such provider", "no key"],
)
def test_a_check_that_fails_is_one_sentence_and_exit_code_1(
    model: str, sentence: str, tmp_path: Path, provider: LoopbackProvider
) -> None:
    provider.fail_with([Status(401)])
    done = stillhouse(
        *("models", "--check", model),
        cwd=tmp_path,
        OPENAI_BASE_URL=provider.url,
        MISTRAL_API_KEY="",
        MISTRALAI_API_KEY="",
    )
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("stillhouse: ")
    assert sentence in line
    assert done.stdout == ""
