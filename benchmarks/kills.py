"""Kill runs at random moments: nothing stored is asked again, and the dataset is the same.

Run as `python -m benchmarks.kills [KILLS]`. A run is killed with SIGKILL, again and again; then the
same command runs to its end. Its dataset must equal, byte for byte, that of a run nobody disturbed.
Every row sends requests of its own, so the provider knows a repeated one: a run may repeat only
requests whose answers were not stored, and the last run asks for exactly the answers that are
missing.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.loopback import LoopbackProcess, loopback_process

_ROWS = 400
_REQUESTS = _ROWS * 2
_LATENCY = 0.15
_LONGEST_WORK = 0.6


def main() -> int:
    """Measure and return the exit code."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"{kills} kills, seed {seed}", flush=True)
    chance = random.Random(seed)
    with TemporaryDirectory() as folder, loopback_process(latency=_LATENCY) as provider:
        root = Path(folder)
        _run(provider, root / "undisturbed").wait()
        provider.reset()
        repeated = sum(
            _repeated_in_vain(provider, root / "killed", chance, number) for number in range(kills)
        )
        stored, before = _stored(root / "killed"), provider.stats().requests
        code = _run(provider, root / "killed").wait()
        asked = provider.stats().requests - before
        equal = _files(root / "killed") == _files(root / "undisturbed") != {}
    print(f"stored answers asked for again by killed runs: {repeated}")
    print(f"last run: exit code {code}, {_REQUESTS - stored} answers missing, {asked} asked for")
    print(f"dataset byte-equal to the undisturbed one: {equal}")
    good = code == 0 and equal and repeated == 0 and asked == _REQUESTS - stored
    print("passed" if good else "FAILED")
    return 0 if good else 1


def _repeated_in_vain(
    provider: LoopbackProcess, folder: Path, chance: random.Random, number: int
) -> int:
    """Kill one run; return how many requests it repeated beyond those without stored answers."""
    stored, before = _stored(folder), provider.stats()
    process = _run(provider, folder)
    _kill_after_some_work(process, provider, before.requests, chance)
    after = provider.stats()
    asked = after.requests - before.requests
    repeats = asked - (len(after.contents) - len(before.contents))
    unstored = len(before.contents) - stored
    print(f"kill {number + 1}: {asked} asked, {repeats} of them again, {unstored} had no answer")
    return max(0, repeats - unstored)


def _kill_after_some_work(
    process: subprocess.Popen[bytes], provider: LoopbackProcess, before: int, chance: random.Random
) -> None:
    """Let a run send its first request, then kill it at a random moment of the work."""
    while process.poll() is None and provider.stats().requests == before:
        time.sleep(0.02)
    time.sleep(chance.uniform(0.0, _LONGEST_WORK))
    process.send_signal(signal.SIGKILL)
    process.wait()


def _run(provider: LoopbackProcess, folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "STILLHOUSE_HOME": str(folder / "home")}
    environment.pop("PREFECT_API_URL", None)
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "benchmarks.pipeline_under_kills",
            provider.url,
            str(folder / "dataset"),
            str(_ROWS),
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _stored(folder: Path) -> int:
    store = folder / "home" / "completions.sqlite"
    if not store.is_file():
        return 0
    with sqlite3.connect(store) as connection:
        (count,) = connection.execute("SELECT count(*) FROM completions").fetchone()
    return int(count)


def _files(folder: Path) -> dict[str, bytes]:
    dataset = folder / "dataset"
    return {
        path.relative_to(dataset).as_posix(): path.read_bytes()
        for path in sorted(dataset.rglob("*"))
        if path.is_file()
    }


if __name__ == "__main__":
    sys.exit(main())
