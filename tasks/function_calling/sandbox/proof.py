"""The proof that this machine can hold a program, by one that tries to break out."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from llms.errors import ConfigurationError
from llms.home import home
from tasks.function_calling.sandbox.limits import Limits
from tasks.function_calling.sandbox.sandbox import Sandbox
from tasks.function_calling.sandbox.watch import Unguarded

_WHERE = (
    "Run it on Linux 5.13 or newer, x86_64 or aarch64, with Landlock among the kernel's security "
    "modules and with seccomp."
)

_ATTEMPTS = compile(
    """
import json, os, _socket, _thread

def fork():
    if os.fork() == 0:
        os._exit(0)

attempts = {
    "open a connection": lambda: _socket.socket(),
    "read a file of yours": lambda: open(given["file"]).read(),
    "write a file of yours": lambda: open(given["file"], "a"),
    "make a file beside yours": lambda: open(given["file"] + ".made", "x"),
    "list your home folder": lambda: os.listdir(given["home"]),
    "list the folder of your answers": lambda: os.listdir(given["answers"]),
    "see your environment": lambda: open(f"/proc/{os.getppid()}/environ").read(),
    "change a file's rights": lambda: os.chmod(given["file"], 0o600),
    "start a process": fork,
    "start a thread": lambda: _thread.start_new_thread(fork, ()),
    "signal this process": lambda: os.kill(os.getppid(), 0),
    "take all the memory": lambda: bytearray(given["memory"]),
}
with open("own", "w") as own:
    own.write("its own folder is its to write")
done = []
for name, attempt in attempts.items():
    try:
        attempt()
    except (OSError, MemoryError, RuntimeError):
        continue
    done.append(name)
answer(json.dumps(done))
""",
    "attempts.py",
    "exec",
)


def prove(what: str) -> None:
    """Let a program try to break out of a sandbox, once in a process.

    Raises:
        ConfigurationError: it can, or none can be made; `what` tells what will not be run here.
    """
    if problem := _problem():
        raise ConfigurationError(f"{what} not run here, for {problem}. {_WHERE}")


@cache
def _problem() -> str:
    limits = Limits()
    with TemporaryDirectory(prefix="stillhouse-") as folder:
        file = Path(folder, "file")
        file.touch()
        places = {"file": str(file), "home": str(Path.home()), "answers": str(home())}
        try:
            finished = Sandbox(limits).run(_ATTEMPTS, {**places, "memory": limits.memory})
        except Unguarded as error:
            return f"this machine cannot shut them in: {error}"
    if not finished.answers:
        return f"a first program in a sandbox gave no answer: {finished.ending}"
    done = json.loads(finished.answers[0])
    return f"in a sandbox they could still {', '.join(done)}" if done else ""
