"""Kill runs at random moments: no stored answer is asked for again, and the books are right.

Run as `python -m benchmarks.kills [KILLS]`. A run with a budget is killed with SIGKILL, again and
again; then the same command runs to its end. Every row sends requests of its own, and an answer
repeats what was asked, so it is known of each request whether its answer was stored when a run
began. What an answer costs that arrived and was not yet stored when the kill came, only the
provider knows: it is asked for again.

After each kill the store must be whole, and its ledger the sum of the stored answers, to the
billionth of a dollar. The budget has less room than two runs reserve, so what killed runs had
reserved must not count. At the end nothing is reserved, and the dataset equals, byte for byte,
that of a run nobody disturbed.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from llms.chat import Completion
from llms.spending import NANODOLLARS, dollars
from llms.store.answers import unpack
from tests.loopback import LoopbackProcess, loopback_process

_ROWS = 400
_REQUESTS = _ROWS * 2
_LATENCY = 0.15
_LONGEST_WORK = 0.6
_AMPLE = 1.0
_RESERVED_BY_A_RUN = 0.003


@dataclass(frozen=True, slots=True)
class _Store:
    """What a store holds: what was asked and is answered, what that cost, what is booked."""

    asked: frozenset[str] = frozenset()
    cost: int = 0
    booked: tuple[int, ...] = ()
    reserved: int = 0
    whole: bool = True

    @property
    def balanced(self) -> bool:
        """Tell whether the run's account and the month's both bear exactly these answers."""
        return not self.asked or self.booked == (self.cost, self.cost)


def main() -> int:
    """Measure and return the exit code."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"{kills} kills, seed {seed}", flush=True)
    chance = random.Random(seed)
    with (
        TemporaryDirectory() as folder,
        loopback_process(latency=_LATENCY, keep_bodies=True) as provider,
    ):
        undisturbed, killed = Path(folder) / "undisturbed", Path(folder) / "killed"
        _run(provider, undisturbed, _AMPLE).wait()
        cost = _read(undisturbed).cost / NANODOLLARS
        budget = cost + _RESERVED_BY_A_RUN
        print(f"the dataset costs {dollars(cost)}, the budget is {dollars(budget)}", flush=True)
        provider.reset()
        faults = sum(
            _kill_one(provider, killed, budget, chance, number) for number in range(1, kills + 1)
        )
        before, asked_before = _read(killed), len(_asked(provider))
        code = _run(provider, killed, budget).wait()
        asked = _asked(provider)[asked_before:]
        after = _read(killed)
        equal = _files(killed) == _files(undisturbed) != {}
    print(
        f"last run: exit code {code}, {_REQUESTS - len(before.asked)} answers missing, "
        f"{len(asked)} asked for, {len(before.asked.intersection(asked))} of them stored before"
    )
    print(
        f"ledger: {', '.join(f'{item:,}' for item in after.booked)} billionths of a dollar, "
        f"stored answers: {after.cost:,}; reserved: {after.reserved:,}; store whole: {after.whole}"
    )
    print(f"dataset byte-equal to the undisturbed one: {equal}")
    faults += before.asked.intersection(asked) != set()
    faults += len(asked) != _REQUESTS - len(before.asked)
    faults += not (after.whole and after.balanced and equal) or code != 0 or after.reserved != 0
    print("FAILED" if faults else "passed")
    return int(faults > 0)


def _kill_one(
    provider: LoopbackProcess, folder: Path, budget: float, chance: random.Random, number: int
) -> int:
    """Kill one run; return how much it did that it must not do."""
    before, asked_before = _read(folder), len(_asked(provider))
    process = _run(provider, folder, budget)
    while process.poll() is None and provider.stats().requests == asked_before:
        time.sleep(0.02)
    time.sleep(chance.uniform(0.0, _LONGEST_WORK))
    process.send_signal(signal.SIGKILL)
    process.wait()
    asked, after = Counter(_asked(provider)[asked_before:]), _read(folder)
    stored_before = len(before.asked.intersection(asked))
    repeated = asked.total() - len(asked)
    print(
        f"kill {number}: {asked.total()} asked for, {len(after.asked - before.asked)} stored, "
        f"{stored_before} had been stored before, {repeated} repeated, "
        f"{dollars(after.cost / NANODOLLARS)} booked, ledger right: {after.balanced}, "
        f"store whole: {after.whole}",
        flush=True,
    )
    lost = not before.asked <= after.asked
    return stored_before + repeated + lost + (not after.balanced) + (not after.whole)


def _run(provider: LoopbackProcess, folder: Path, budget: float) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "STILLHOUSE_HOME": str(folder / "home")}
    environment.pop("PREFECT_API_URL", None)
    environment.pop("STILLHOUSE_STORE", None)
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [provider.url, str(folder / "dataset"), str(_ROWS), str(budget)]
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.pipeline_under_kills", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _asked(provider: LoopbackProcess) -> list[str]:
    """Return what was asked so far, in order."""
    return [body["messages"][-1]["content"] for body in provider.stats().bodies]


def _read(folder: Path) -> _Store:
    path = folder / "home" / "completions.sqlite"
    if not path.is_file():
        return _Store()
    with closing(sqlite3.connect(path)) as connection:
        (check,) = connection.execute("PRAGMA integrity_check").fetchone()
        answers = connection.execute("SELECT nanodollars, answer FROM completions").fetchall()
        accounts = connection.execute("SELECT account, nanodollars FROM accounts").fetchall()
        [reserved] = connection.execute("SELECT total(nanodollars) FROM reservations").fetchone()
    completions = [unpack(answer) for _, answer in answers]
    return _Store(
        asked=frozenset(
            completion.text.partition(" to: ")[2]
            for completion in completions
            if isinstance(completion, Completion)
        ),
        cost=sum(cost for cost, _ in answers),
        booked=tuple(
            sum(amount for account, amount in accounts if account.startswith(kind))
            for kind in ("run/", "dataset/")
        ),
        reserved=int(reserved),
        whole=check == "ok",
    )


def _files(folder: Path) -> dict[str, bytes]:
    """Return the rows and rejections; the other files name the run that made them."""
    dataset = folder / "dataset"
    files = [*sorted((dataset / "data").rglob("*")), dataset / "rejections.jsonl"]
    return {
        path.relative_to(dataset).as_posix(): path.read_bytes() for path in files if path.is_file()
    }


if __name__ == "__main__":
    sys.exit(main())
