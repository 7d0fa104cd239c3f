"""Planted keys are in nothing that a run leaves: files, databases, logs, messages, Prefect."""

from __future__ import annotations

import base64
import json
import os
import pickle
import random
import re
import sqlite3
import string
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from prefect.blocks.system import Secret
from prefect.client.orchestration import SyncPrefectClient
from pydantic import SecretStr

from llms.errors import ConfigurationError
from llms.registry import as_llm
from llms.store.answers import unpack
from tests.flows.runs_with_planted_keys import BLOCK, SEED, WAYS, Keys, planted_keys
from tests.loopback import Fault, Status, loopback_provider

CHECKOUT = Path(__file__).parents[2]
PART = 12
"""So many characters of a key in a row are taken for the key."""


def traces_of(key: str) -> set[str]:
    """Return everything that would give a key away."""
    traces = {key[start : start + PART] for start in range(len(key) - PART + 1)}
    traces |= {quote(key), quote(key, safe="")}
    for written in (key, f"Bearer {key}", f"user:{key}"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            traces.add(encode(written.encode()).decode().rstrip("=")[:-1])
    return traces


def test_the_search_finds_a_key_in_every_kind_of_file(tmp_path: Path) -> None:
    key = planted_keys()["openai"]["api_key"]
    pl.DataFrame({"a": [{"b": [key]}]}).write_parquet(tmp_path / "rows.parquet")
    (tmp_path / "part.txt").write_text(f"sk-...{key[-PART:]}")
    with closing(sqlite3.connect(tmp_path / "records.db")) as connection:
        connection.execute("CREATE TABLE records (value BLOB)")
        connection.execute("INSERT INTO records VALUES (?)", ["x" * 4_000 + quote(key)])
        connection.commit()
    (tmp_path / "pickle").write_bytes(base64.encodebytes(pickle.dumps(ValueError(key))))
    found = {path.name for path, text in texts_under(tmp_path) if traces_in(text, [key])}
    assert found == {"rows.parquet", "part.txt", "records.db", "pickle"}


@pytest.mark.parametrize(
    "address",
    [
        "http://user:{key}@127.0.0.1:9/v1",
        "http://{key}@127.0.0.1:9/v1",
        "http://127.0.0.1:9/v1?api_key={key}",
        "http://127.0.0.1:9/v1?x=1&key={key}",
        "http://127.0.0.1:9/v1?subscription-key={key}",
    ],
    ids=["password", "user", "api_key", "key", "subscription key"],
)
@pytest.mark.parametrize(
    ("provider", "parameter"),
    [
        ("openai", "base_url"),
        ("mistral", "endpoint"),
        ("ollama", "host"),
        ("anthropic", "base_url"),
    ],
)
def test_an_address_with_a_key_in_it_is_refused_because_addresses_are_written_down(
    provider: str, parameter: str, address: str
) -> None:
    key = "".join(random.Random(SEED).choices(string.ascii_letters, k=40))
    with pytest.raises(ConfigurationError, match="api_key=") as refused:
        as_llm({"provider": provider, "model": "m", parameter: address.format(key=key)})
    assert not traces_in("".join(traceback.format_exception(refused.value)), [key])


@pytest.mark.usefixtures("prefect_server")
def test_no_planted_key_is_in_anything_that_runs_leave_or_say(
    prefect: SyncPrefectClient, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    keys = planted_keys()
    Secret(value=SecretStr(keys["azure"]["block"])).save(BLOCK, overwrite=True)
    tree = tmp_path / "tree"
    (tree / "user").mkdir(parents=True)
    (tree / "tmp").mkdir()
    with loopback_provider(fault=lambda number, body: _echo(keys, body)) as provider:
        with (tree / "stdout").open("wb") as stdout, (tree / "stderr").open("wb") as stderr:
            done = subprocess.run(
                [sys.executable, "-m", "tests.flows.runs_with_planted_keys"],
                input=json.dumps([provider.url, provider.root, str(tree), keys]).encode(),
                cwd=CHECKOUT,
                env={
                    **os.environ,
                    "HOME": str(tree / "user"),
                    "PREFECT_HOME": str(tree / "user" / ".prefect"),
                    "TMPDIR": str(tree / "tmp"),
                    "STILLHOUSE_HOME": str(tree / "home"),
                    "MISTRAL_API_KEY": keys["mistral"]["environment"],
                    "GEMINI_API_KEY": keys["gemini"]["environment"],
                },
                stdout=stdout,
                stderr=stderr,
            )
        used = "".join(provider.stats().authorizations)
    said = (tree / "stdout").read_text()
    assert done.returncode == 0, (tree / "stderr").read_text()[-3_000:]
    assert said.splitlines()[-1] == "all happened"
    assert "[API key]" in said
    planted = [key for its_keys in keys.values() for key in its_keys.values()]
    assert all(key in used for name in WAYS for way, key in keys[name].items() if way != "header")
    texts = [*texts_under(tree), *_recorded(prefect)]
    texts += texts_under(tmp_path_factory.getbasetemp() / "prefect0")
    assert {"stdout", "stderr", "manifest.json", "completions.sqlite", "prefect.db"} <= {
        path.name for path, _ in texts
    }
    leaks = [(path, trace) for path, text in texts for trace in traces_in(text, planted)]
    assert not leaks, leaks


def traces_in(text: str, keys: Sequence[str]) -> list[str]:
    """Return the traces of keys that a text holds."""
    return [trace for key in keys for trace in traces_of(key) if trace in text]


def texts_under(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file of a folder as text, compressed ones as what they hold."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        yield path, content.decode("latin-1")
        if content.startswith(b"SQLite format 3"):
            yield path, _rows_of_database(path)
        elif path.suffix == ".parquet":
            yield path, repr(pl.read_parquet(path).to_dicts())
        elif pickled := re.fullmatch(rb"[A-Za-z0-9+/=\s]{16,}", content):
            yield path, base64.b64decode(pickled[0]).decode("latin-1")


def _rows_of_database(path: Path) -> str:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'"
        ).fetchall()
        rows = [row for (name,) in tables for row in connection.execute(f'SELECT * FROM "{name}"')]
        ours = ("completions",) in tables
        stored = connection.execute("SELECT answer FROM completions") if ours else ()
        return repr(rows) + repr([unpack(answer) for (answer,) in stored])


def _recorded(client: SyncPrefectClient) -> Iterator[tuple[Path, str]]:
    """Yield what the Prefect API tells, page by page."""
    request: Any = client.request
    for kind in ("flow_runs", "task_runs", "logs", "artifacts", "flows", "block_documents"):
        offset = 0
        while True:
            asked = {"limit": 200, "offset": offset}
            page = request("POST", f"/{kind}/filter", json=asked).json()
            yield Path(kind), json.dumps(page)
            offset += len(page)
            if len(page) < 200:
                break


def _echo(keys: Keys, body: Mapping[str, Any]) -> Fault | None:
    """Fail as the row says, and repeat the keys in the message as careless servers do."""
    said = "; ".join(f"key {key}, Bearer {key}" for key in keys[body["model"]].values())
    statuses = {"refuse": 400, "fail": 500, "deny": 401, "slow": 429}
    for word, status in statuses.items():
        if word in str(body.get("messages") or body.get("input")):
            return Status(status, message=f"Incorrect API key provided: {said}")
    return None
