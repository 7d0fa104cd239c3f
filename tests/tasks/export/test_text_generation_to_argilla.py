"""Generations on Argilla: the real client against a server on loopback."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import pytest
from pydantic import SecretStr

from llms.errors import (
    ConfigurationError,
    ConnectionFailed,
    LLMError,
    MissingPackageError,
    ServerFailed,
)
from tasks import Graph, LoadDataFromDicts, packages
from tasks.export import argilla_dataset
from tasks.export.delivery import nothing_delivered
from tasks.export.text_generation_to_argilla import TextGenerationToArgilla
from tasks.row import Row
from tests.argilla import KEY, FakeArgilla
from tests.argilla.server import Item
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

ROW: Row = {"instruction": "Say hi.", "generation": "Hi!"}


def step(**parameters: Any) -> TextGenerationToArgilla:
    return TextGenerationToArgilla(**{"dataset_name": "answers", **parameters})


def sent(argilla: FakeArgilla) -> list[dict[str, str]]:
    """Return the fields of every record, without their ids."""
    records = argilla.named("answers").records.values()
    return [{k: v for k, v in item["fields"].items() if k != "id"} for item in records]


def test_a_row_is_a_record_with_a_question_and_passes_through(argilla: FakeArgilla) -> None:
    outcome = applied(step(), [ROW])
    assert rows_after(outcome) == [ROW]
    assert keys_of(outcome.frame) == keys_of(keyed([ROW]))
    dataset = argilla.named("answers")
    assert dataset.about["status"] == "ready"
    assert dataset.about["workspace_id"] == argilla.workspaces[0]["id"]
    [record] = dataset.records.values()
    assert record["fields"] == {"id": sha256(b"Say hi.").hexdigest(), **ROW}
    [question] = dataset.questions
    assert question["name"] == "quality"
    assert [option["value"] for option in question["settings"]["options"]] == ["bad", "good"]


def test_each_different_generation_of_a_list_is_a_record(argilla: FakeArgilla) -> None:
    applied(step(), [{"instruction": "Say hi.", "generation": ["Hi!", "Hello.", "Hi!"]}])
    assert [fields["generation"] for fields in sent(argilla)] == ["Hi!", "Hello."]


def test_sending_twice_updates_records_and_adds_none(argilla: FakeArgilla) -> None:
    for _ in range(2):
        applied(step(), [ROW, {**ROW, "instruction": "Say no."}, ROW])
    assert len(sent(argilla)) == 2
    assert argilla.calls.count("create") == 1


def test_one_bad_row_is_rejected_and_the_upload_goes_on(argilla: FakeArgilla) -> None:
    rows: list[Row] = [
        {"instruction": None, "generation": ["a"]},
        {"instruction": "b", "generation": None},
        {"instruction": "c", "generation": ["c", None]},
        {"instruction": "d", "generation": []},
        {"instruction": "e", "generation": ["good"]},
    ]
    outcome = applied(step(), rows)
    assert [row["instruction"] for row in rows_after(outcome)] == ["e"]
    assert [rejection.reason for rejection in outcome.rejections] == [
        "the column 'instruction' is null",
        "the column 'generation' is null",
        "generation 2 is null",
        "the column 'generation' is an empty list",
    ]
    assert sent(argilla) == [{"instruction": "e", "generation": "good"}]


def test_mapped_columns_are_sent_as_the_step_names_them(argilla: FakeArgilla) -> None:
    mapped = step(input_mappings={"instruction": "prompt", "generation": "answer"})
    rows = [{"prompt": "Say hi.", "answer": "Hi!"}]
    assert rows_after(applied(mapped, rows)) == rows
    assert sent(argilla) == [ROW]


def test_many_rows_go_in_several_requests(
    argilla: FakeArgilla, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argilla_dataset, "_RECORDS_PER_REQUEST", 2)
    applied(step(), [{"instruction": str(n), "generation": "x"} for n in range(5)])
    assert len(sent(argilla)) == 5
    assert argilla.calls.count("upsert") == 3


def test_partitions_at_work_together_make_one_dataset(argilla: FakeArgilla) -> None:
    rows = [[{"instruction": str(n), "generation": "x"}] for n in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda row: applied(step(), row), rows))
    assert argilla.calls.count("create") == 1
    assert len(sent(argilla)) == 4


def test_the_dataset_is_made_in_the_workspace_that_is_named(argilla: FakeArgilla) -> None:
    applied(step(dataset_workspace="second"), [ROW])
    assert argilla.named("answers").about["workspace_id"] == argilla.workspaces[1]["id"]


def test_an_unknown_workspace_is_told_with_the_known_ones(argilla: FakeArgilla) -> None:
    with pytest.raises(ConfigurationError, match=r"no workspace 'third'; .*: first, second.$"):
        applied(step(dataset_workspace="third"), [ROW])


def test_a_dataset_with_other_fields_is_left_alone(argilla: FakeArgilla) -> None:
    applied(step(), [ROW])
    dataset = argilla.named("answers")
    dataset.fields[:] = [field for field in dataset.fields if field["name"] != "generation"]
    with pytest.raises(ConfigurationError, match="choose another dataset_name"):
        applied(step(), [{**ROW, "instruction": "again"}])
    assert len(dataset.records) == 1


@pytest.mark.parametrize("left", [0, 2], ids=["without-fields", "with-some-fields"])
def test_a_dataset_that_a_killed_run_left_half_made_is_made_anew(
    left: int, argilla: FakeArgilla
) -> None:
    applied(step(), [ROW])
    half_made = argilla.named("answers")
    half_made.about["status"] = "draft"
    half_made.fields[:], half_made.questions[:] = half_made.fields[:left], []
    applied(step(), [ROW])
    assert sent(argilla) == [ROW]
    assert argilla.named("answers") is not half_made


def test_a_draft_of_somebody_else_is_left_alone(argilla: FakeArgilla) -> None:
    applied(step(), [ROW])
    draft = argilla.named("answers")
    draft.about["status"] = "draft"
    draft.fields.append({**draft.fields[0], "name": "of-mine"})
    with pytest.raises(ConfigurationError, match="choose another dataset_name"):
        applied(step(), [ROW])
    assert argilla.named("answers") is draft


@pytest.mark.parametrize(
    ("action", "status", "error"),
    [
        ("me", 503, ServerFailed),
        ("listed", 500, ServerFailed),
        ("create", 409, ServerFailed),
        ("add_field", 500, ServerFailed),
        ("publish", 502, ServerFailed),
        ("upsert", 429, ServerFailed),
        ("upsert", 422, ConfigurationError),
        ("create", 403, ConfigurationError),
    ],
)
def test_what_the_server_says_is_told_and_a_passing_trouble_may_be_tried_again(
    action: str, status: int, error: type[LLMError], argilla: FakeArgilla
) -> None:
    argilla.fail(action, status)
    with pytest.raises(error, match=rf"\({status}\).*told to fail"):
        applied(step(), [ROW])
    applied(step(), [ROW])
    assert sent(argilla) == [ROW]


def test_a_refused_key_is_told_and_not_shown(argilla: FakeArgilla) -> None:
    with pytest.raises(ConfigurationError, match="refuses the key; check api_key=") as caught:
        applied(step(api_key=SecretStr("wrong-secret")), [ROW])
    assert "wrong-secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_told_in_one_sentence() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(ConnectionFailed, match=f"^Argilla at {address} cannot be reached"):
        applied(step(api_url=address, api_key=SecretStr(KEY)), [ROW])


def test_a_missing_address_or_key_is_told_before_the_first_row(
    argilla: FakeArgilla, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARGILLA_API_KEY")
    with pytest.raises(ConfigurationError, match="or set ARGILLA_API_URL and ARGILLA_API_KEY"):
        step().load()
    assert argilla.calls == []


def test_a_missing_package_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda name: name != "argilla")
    with pytest.raises(MissingPackageError, match=r"pip install 'stillhouse\[argilla\]'"):
        step().load()


def test_a_preview_sends_nothing_and_needs_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARGILLA_API_URL", raising=False)
    trial = step()
    with nothing_delivered():
        trial.load()
        outcome = applied(trial, [ROW, {"instruction": "x", "generation": None}])
    assert rows_after(outcome) == [ROW]
    assert len(outcome.rejections) == 1


def test_rows_that_are_all_bad_make_no_dataset(argilla: FakeArgilla) -> None:
    assert len(applied(step(), [{"instruction": "", "generation": "x"}]).rejections) == 1
    assert argilla.calls == []


def test_the_key_is_never_written_down(
    argilla: FakeArgilla, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("ARGILLA_API_KEY")
    with Graph("answers") as graph, caplog.at_level(logging.DEBUG):
        with_key = step(api_key=SecretStr(KEY))
        LoadDataFromDicts(data=[ROW]) >> with_key
        applied(with_key, [ROW])
    assert sent(argilla) == [ROW]
    written = [graph.to_yaml(), repr(with_key), json.dumps(with_key.content), caplog.text]
    written.append(repr(with_key._dataset()))
    assert not any(KEY in text for text in written)
    assert with_key.signature == step(name=with_key.name).signature


def test_an_address_with_a_password_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="api_url holds a password"):
        step(api_url="https://me:secret@argilla.example")


def test_what_annotators_answered_stays(argilla: FakeArgilla) -> None:
    applied(step(), [ROW])
    [record] = argilla.named("answers").records.values()
    applied(step(), [ROW])
    [again] = argilla.named("answers").records.values()
    assert again["id"] == record["id"]
    responses: list[Item] = again["responses"]
    assert responses == []  # none is sent, so the server changes none


def test_importing_the_step_imports_no_argilla() -> None:
    script = (
        "import sys, tasks.export.text_generation_to_argilla, tasks.export.preference_to_argilla\n"
        "import tasks.export.push_to_hub\n"
        "print([name for name in ('argilla', 'huggingface_hub') if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"
