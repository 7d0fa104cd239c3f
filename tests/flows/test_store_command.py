"""The command `stillhouse store`: what a person reads, and what a program reads."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from flows.command.app import main
from llms import Completion, CompletionStore, Usage
from llms.home import store_location
from llms.spending import Amount, Booking
from tests.postgres import PASSWORD
from tests.postgres import postgres_server as postgres_server
from tests.postgres import postgres_url as postgres_url

Stillhouse = Callable[..., str]


@pytest.fixture
def stillhouse(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Stillhouse:
    """Runs the command and returns what it prints; an error is what it says of it."""

    def run(*arguments: str) -> str:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["stillhouse", *arguments])
        status: object = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code
        printed = capsys.readouterr()
        assert status == bool(printed.err)
        return printed.err or printed.out

    return run


def _fill() -> None:
    async def fill(store: CompletionStore) -> None:
        for number, pipeline in enumerate(["writing", "writing", "judging"]):
            accounts = ("run/1", f"dataset/me/{pipeline}/2026-11")
            booking = Booking(accounts, pipeline, amount=Amount(1_250_000_000, 15, 1))
            answer = Completion("x", Usage(10, 5), "stop", "[m-1]", cost_usd=1.25)
            await store.put(str(number), answer, booking)
        await store.get("0")

    with closing(CompletionStore(store_location())) as store:
        asyncio.run(fill(store))


def test_the_store_shows_what_it_holds_and_what_each_dataset_cost(
    stillhouse: Stillhouse, stillhouse_home: Path
) -> None:
    _fill()
    shown = stillhouse("store")
    lines = shown.splitlines()
    assert lines[0] == f"Completion store {stillhouse_home / 'completions.sqlite'}"
    assert "3 answers, 1 hits" in lines[1]
    assert lines[2] == "spent $3.75, saved $1.25"
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]
    assert ["[m-1]", "3", "1", "$3.75", "$1.25", "0"] in cells
    assert ["me/writing", "2026-11", "$2.50", "30", "2"] in cells
    assert ["me/judging", "2026-11", "$1.25", "15", "1"] in cells
    assert "run/1" not in shown


def test_a_program_reads_the_same_as_json(stillhouse: Stillhouse, stillhouse_home: Path) -> None:
    _fill()
    read: dict[str, Any] = json.loads(stillhouse("store", "--json"))
    assert read.pop("bytes") > 8000
    model = {"answers": 3, "hits": 1, "spent_usd": 3.75, "saved_usd": 1.25, "unpriced": 0}
    month = {"month": "2026-11", "tokens": 15, "usd": 1.25, "requests": 1}
    assert read == {
        "store": str(stillhouse_home / "completions.sqlite"),
        **model,
        "models": [{"model": "[m-1]", **model}],
        "datasets": [
            {"dataset": "me/judging", **month},
            {"dataset": "me/writing", "month": "2026-11", "tokens": 30, "usd": 2.5, "requests": 2},
        ],
    }


def test_pruning_says_what_it_would_remove_and_what_it_removed(stillhouse: Stillhouse) -> None:
    _fill()
    would = stillhouse("store", "prune", "--pipeline", "writing", "--dry-run")
    assert would.startswith("Would remove 2 answers of ")
    done = stillhouse("store", "prune", "--pipeline", "writing")
    assert done == would.replace("Would remove", "Removed")
    assert stillhouse("store", "prune", "--older-than", "1d").startswith("Removed 0 answers")
    read = json.loads(stillhouse("store", "prune", "--older-than", "0m", "--json"))
    assert (read["answers"], read["dry_run"]) == (1, False)
    assert json.loads(stillhouse("store", "--json"))["answers"] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param((), "Say which answers to remove", id="nothing named"),
        pytest.param(("--older-than", "soon"), "'soon' is none", id="no age"),
        pytest.param(("--pipeline", "p"), "There is no completion store at", id="no store"),
    ],
)
def test_what_cannot_be_pruned_is_one_sentence(
    stillhouse: Stillhouse, stillhouse_home: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    said = stillhouse("store", "prune", *arguments)
    assert said.startswith("stillhouse: ")
    assert sentence in said
    assert not stillhouse_home.exists()


def test_a_store_named_by_the_environment_is_shown_without_its_password(
    stillhouse: Stillhouse, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLHOUSE_STORE", postgres_url)
    _fill()
    shown = stillhouse("store")
    assert "3 answers" in shown
    assert shown.startswith("Completion store postgresql://writer@127.0.0.1:")
    assert PASSWORD not in shown
    assert PASSWORD not in stillhouse("store", "--json")
    assert PASSWORD not in stillhouse("store", "prune", "--older-than", "0m")


def test_a_path_in_the_environment_names_a_file(
    stillhouse: Stillhouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STILLHOUSE_STORE", "shared/answers.sqlite")
    assert store_location() == tmp_path / "shared" / "answers.sqlite"
    _fill()
    assert (tmp_path / "shared" / "answers.sqlite").is_file()
    assert stillhouse("store").startswith(f"Completion store {tmp_path / 'shared'}")
