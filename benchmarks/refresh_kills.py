"""Kill a refresh at every stage: one commit, one tag, and no answer paid for twice.

Run as `python -m benchmarks.refresh_kills [KILLS]`. A first version is published to the Hub of the
tests. Then part of the source changes, and the refresh is killed with SIGKILL, each time a little
later than the time before, from its first second to the end of an undisturbed one; then it runs to
its end, and once more. The Hub must have one commit and one tag for each version, no request may
have been sent whose answer was stored before, and the rows must be those of an undisturbed refresh.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.refresh_under_kills import REPO
from flows.runtime.server import local_server
from flows.versions.saved import SavedVersion
from llms.chat import Completion
from llms.store.answers import unpack
from tests.hub.clients import clients_of
from tests.hub.process import HubProcess, hub_process
from tests.loopback import LoopbackProcess, loopback_process

_ROWS = 300
_EDITED = 100
_LATENCY = 0.1


class _Trial:
    """A machine with a home and a dataset folder of its own, and a Hub of its own."""

    def __init__(self, folder: Path, provider: LoopbackProcess, hub: HubProcess, api: str) -> None:
        self.folder = folder
        self.hub = hub
        self._provider = provider
        self._environment = {
            **os.environ,
            **clients_of(hub.url, folder / "hf"),
            "STILLHOUSE_HOME": str(folder / "home"),
            "PREFECT_API_URL": api,
        }
        self._environment.pop("STILLHOUSE_STORE", None)

    def begin(self, edited: int) -> subprocess.Popen[bytes]:
        """Begin a refresh."""
        arguments = [self._provider.url, str(self.folder / "dataset"), str(_ROWS), str(edited)]
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.refresh_under_kills", *arguments],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def finish(self, edited: int) -> float:
        """Run a refresh to its end and return its seconds."""
        begun = time.monotonic()
        code = self.begin(edited).wait()
        assert code == 0, f"a refresh ended with exit code {code}"
        return time.monotonic() - begun

    def published(self) -> tuple[int, dict[str, str]]:
        """Return the number of commits after the first, and the tags."""
        repository = self.hub.state()["repositories"][REPO]
        return len(repository["commits"]) - 1, dict(repository["tags"])

    def stored(self) -> set[str]:
        """Return what was asked and is answered."""
        path = self.folder / "home" / "completions.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            answers = [
                unpack(item) for (item,) in connection.execute("SELECT answer FROM completions")
            ]
        texts = [answer.text for answer in answers if isinstance(answer, Completion)]
        return {text.partition(" to: ")[2] for text in texts}

    def rows(self) -> list[dict[str, object]]:
        """Return the published rows."""
        return SavedVersion.open(self.folder / "dataset").frame().to_dicts()


def main() -> int:
    """Measure and return the exit code."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        server = stack.enter_context(local_server(folder=folder / "prefect"))
        provider = stack.enter_context(loopback_process(latency=_LATENCY, keep_bodies=True))
        undisturbed, killed = (
            _Trial(folder / name, provider, stack.enter_context(hub_process()), server.api_url)
            for name in ("undisturbed", "killed")
        )
        return _compare(undisturbed, killed, provider, kills)


def _compare(undisturbed: _Trial, killed: _Trial, provider: LoopbackProcess, kills: int) -> int:
    for trial in (undisturbed, killed):
        trial.folder.mkdir()
        trial.finish(0)
    seconds = undisturbed.finish(_EDITED)
    print(f"an undisturbed refresh takes {seconds:.1f} s; {kills} kills", flush=True)
    faults = 0
    for number in range(kills):
        faults += _kill(killed, provider, seconds * (number + 0.5) / kills, number + 1)
    before, begun = killed.stored(), len(_asked(provider))
    killed.finish(_EDITED)
    again = [asked for asked in _asked(provider)[begun:] if asked in before]
    killed.finish(_EDITED)
    commits, tags = killed.published()
    equal = killed.rows() == undisturbed.rows()
    print(f"last runs: {len(again)} asked again although stored; rows equal: {equal}")
    print(
        f"commits {commits}, tags {sorted(tags)}, on different commits: {len(set(tags.values()))}"
    )
    whole = commits == 2 and sorted(tags) == ["v1", "v2"] and len(set(tags.values())) == 2
    faults += len(again) + (not whole) + (not equal)
    print("FAILED" if faults else "passed")
    return int(faults > 0)


def _kill(trial: _Trial, provider: LoopbackProcess, after: float, number: int) -> int:
    """Kill one refresh; return how many stored answers it asked for again."""
    stored, begun = trial.stored(), len(_asked(provider))
    process = trial.begin(_EDITED)
    time.sleep(after)
    ended = process.poll() is not None
    process.send_signal(signal.SIGKILL)
    process.wait()
    asked = _asked(provider)[begun:]
    again = len(asked) - len(set(asked)) + len(stored.intersection(asked))
    commits, tags = trial.published()
    print(
        f"kill {number} after {after:.1f} s{' (it had ended)' if ended else ''}: {len(asked)} "
        f"asked, {again} of them again, {len(trial.stored() - stored)} stored; commits {commits}, "
        f"tags {sorted(tags)}",
        flush=True,
    )
    return again


def _asked(provider: LoopbackProcess) -> list[str]:
    return [body["messages"][-1]["content"] for body in provider.stats().bodies]


if __name__ == "__main__":
    sys.exit(main())
