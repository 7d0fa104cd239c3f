"""Names of processes that tell, on the same machine, whether a process still lives."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from secrets import token_hex
from socket import gethostname


def this_process() -> str:
    """Return a new name for something of this process, `host:pid:random`."""
    return f"{_host()}:{os.getpid()}:{_started(os.getpid())}-{token_hex(4)}"


def has_ended(holder: str) -> bool:
    """Tell whether a name is that of a process of this machine which has ended.

    False where that cannot be known: for other machines, and on Windows.
    """
    host, _, rest = holder.rpartition(":")[0].rpartition(":")
    if host != _host() or not rest.isdigit() or sys.platform == "win32":
        return False
    try:
        os.kill(int(rest), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass
    # A later process may have got the same number: the time it started tells them apart.
    started = holder.rpartition(":")[2].partition("-")[0]
    return started != _started(int(rest))


def _host() -> str:
    """Return the machine's name and, on Linux, which of its process tables this one is in."""
    table = Path("/proc/self/ns/pid")
    return f"{gethostname()}/{table.stat().st_ino}" if table.exists() else gethostname()


def _started(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; "ended" for one that is a zombie.

    Where there is no /proc it is the same for all processes.
    """
    if not Path("/proc/self/stat").exists():
        return "0"
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "ended"
    return "ended" if fields[0] in "ZX" else fields[19]
