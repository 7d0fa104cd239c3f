"""`Sandbox`: a program in a process that can reach nothing but its own empty folder."""

from __future__ import annotations

import marshal
import math
import os
import platform
import secrets
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from types import CodeType
from typing import Any

from tasks.function_calling.sandbox import guard
from tasks.function_calling.sandbox.limits import Limits
from tasks.function_calling.sandbox.system_calls import has_filter, system_call_filter
from tasks.function_calling.sandbox.watch import Finished, Unguarded, Watch

_NEWEST_LANDLOCK = 6
"""The newest version of Landlock whose rights the guard knows."""

_SYSTEM_FILES = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"),
    *("/etc/localtime", "/usr/share/zoneinfo", "/etc/mime.types", "/dev/urandom"),
)
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENSSL_CONF": os.devnull,
    "PYTHONHASHSEED": "0",  # sets are printed alike in every run
}
_FLAGS = ("-s", "-S", "-P", "-B", "-X", "utf8")
_START = """\
import marshal, sys
job = marshal.loads(sys.stdin.buffer.read())
guard = {"__name__": "guard"}
exec(job.pop("guard"), guard)
guard["main"](job)
"""


class Sandbox:
    """Runs programs, each in a process and an empty folder of its own, removed with all in it.

    A program can open no connection, start no process and no thread, and send no signal. It reads
    nothing but Python, the packages installed for it, the system's libraries and the `readable`
    folders, and writes nothing outside its folder. Its environment is empty. It ends with this
    process. Of other files it can see whether they exist, how large and how old they are.

    Threads may share a sandbox.
    """

    def __init__(self, limits: Limits, readable: Sequence[Path] = ()) -> None:
        self._limits = limits
        self._readable = readable

    def run(self, program: CodeType, given: Any = None, answers: int = 1) -> Finished:
        """Run a program until it has given as many answers as asked for.

        It finds `given`, plain values, and `answer`, a function that takes a text. What it says of
        itself may be false; what it prints is not taken for an answer.

        Raises:
            Unguarded: it could not be shut in; nothing of the program was run.
        """
        if reason := unfit_machine():
            raise Unguarded(reason)
        name = secrets.token_hex(16)
        with _empty_folder() as folder, _pipe() as (out, into):
            process = subprocess.Popen(
                [sys.executable, *_FLAGS, "-c", _START],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(into,),
                cwd=folder,
                env={**_ENVIRONMENT, "HOME": folder, "TMPDIR": folder},
                start_new_session=True,
            )
            job = {
                **self._rights,
                "answers": into,
                "folder": folder,
                "given": given,
                "limits": _kept_by_the_kernel(self._limits, answers),
                "name": name,
                "parent": os.getpid(),
                "program": program,
            }
            with Watch(process, out, name, folder, self._limits) as watch:
                return watch.answers_to(marshal.dumps(job), answers)

    @cached_property
    def _rights(self) -> dict[str, Any]:
        packages = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
        python = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
        python |= {os.path.join(sys.base_prefix, "lib"), os.path.join(sys.base_exec_prefix, "lib")}
        return {
            "guard": compile(Path(guard.__file__).read_bytes(), "guard.py", "exec"),
            "imports": packages,
            "landlock": _NEWEST_LANDLOCK,
            "machine": platform.machine(),
            "readable": [*map(str, self._readable), *sorted(python), *packages, *_SYSTEM_FILES],
            "system_calls": system_call_filter(platform.machine()),
            "writable": [os.devnull],
        }


def unfit_machine() -> str:
    """Say why no program can be shut in on this machine; empty if nothing speaks against it."""
    if sys.platform != "linux":
        return f"it runs {platform.system()}, not Linux"
    if not has_filter(platform.machine()) or sys.maxsize < 2**32:
        return f"its processor is {platform.machine()} or its Python is of 32 bits"
    return ""


def _kept_by_the_kernel(limits: Limits, answers: int) -> dict[str, int]:
    return {
        "AS": limits.memory,
        "CORE": 0,
        "CPU": math.ceil(limits.seconds * answers) + 1,
        "FSIZE": limits.file_size,
        "MEMLOCK": 0,
        "NOFILE": limits.open_files,
        "NPROC": 0,
    }


@contextmanager
def _empty_folder() -> Iterator[str]:
    folder = mkdtemp(prefix="stillhouse-")
    try:
        yield folder
    finally:
        try:
            shutil.rmtree(folder)
        except RecursionError:  # folders within folders, by the thousand
            subprocess.run(["rm", "-rf", "--", folder], check=True)


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    out, into = os.pipe()
    try:
        yield out, into
    finally:
        os.close(out)
        with suppress(OSError):
            os.close(into)
