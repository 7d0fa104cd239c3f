"""A real PostgreSQL server on loopback, and an empty database of it for every test."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

PASSWORD = "planted-4b1e77aa90"
_DEBIAN = Path("/usr/lib/postgresql")
_SERVER_USER = "postgres"

_numbers = count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Run a server for the session; return the URL of its first database."""
    programs = _programs()
    if programs is None:
        pytest.skip("the programs of PostgreSQL are not installed (Debian: postgresql)")
    with TemporaryDirectory(prefix="stillhouse-postgres-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            account = pwd.getpwnam(_SERVER_USER)
            os.chown(folder, account.pw_uid, account.pw_gid)
        data, port = folder / "data", _free_port()
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        _run(
            programs / "initdb", f"--pgdata={data}", "--username=writer", f"--pwfile={password}",
            "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C",
        )  # fmt: skip
        settings = f"-h 127.0.0.1 -p {port} -k {folder} -F"
        log = f"--log={folder / 'log'}"
        control = (programs / "pg_ctl", f"--pgdata={data}", "--wait", "--silent")
        _run(*control, log, f"--options={settings}", "start")
        try:
            yield f"postgresql://writer:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            _run(*control, "--mode=immediate", "stop")


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of an empty database."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres_server.removesuffix("postgres") + name


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).parent
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(*command: str | Path) -> None:
    """Run a program of the server, which refuses to be run by root."""
    as_user = ["runuser", "-u", _SERVER_USER, "--"] if os.geteuid() == 0 else []
    subprocess.run([*as_user, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")
