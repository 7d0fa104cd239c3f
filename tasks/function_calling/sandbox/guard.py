"""The first thing a new process runs: it gives up every right, then runs the program it is sent.

It stands alone: nothing of ours can be imported here, and little of Python is, for every row waits
for it. Answers go back over a pipe of their own, each after the line that says who it is from and
how long it is.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys

TYPE_CHECKING = False  # `typing` costs a third of the time that a process takes to start
if TYPE_CHECKING:
    from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SIGKILL = 9
_SECCOMP_MODE_FILTER = 2
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION = 0x20080522

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_READ = _READ_FILE | _READ_DIR
_OWN = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG
_OF_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE
_KNOWN_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many rights the versions of Landlock know; 16 from version 5 on."""


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


def main(job: dict[str, Any]) -> None:
    """Give up all rights and do the job."""
    answer = _answering(job["answers"], job["name"])
    _die_with(job["parent"])
    _limit(job["limits"])
    _drop_capabilities(job["machine"])
    _control("no new privileges", _PR_SET_NO_NEW_PRIVS, 1)
    _keep_to_files(job["folder"], job["readable"], job["writable"], job["landlock"])
    sys.path += job["imports"]
    _keep_to_system_calls(job["system_calls"])
    answer("guarded")
    program = {"__name__": "__main__", "__builtins__": __builtins__}
    program |= {"given": job["given"], "answer": answer}
    exec(job["program"], program)
    sys.stdout.flush()
    os._exit(0)


def _answering(descriptor: int, name: str) -> Any:
    def answer(text: str) -> None:
        """Send an answer back."""
        content = text.encode("utf-8", "backslashreplace")
        message = memoryview(f"{name} {len(content)}\n".encode() + content)
        while message:
            message = message[os.write(descriptor, message) :]

    return answer


def _die_with(parent: int) -> None:
    _control("end with the parent", _PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _limit(limits: dict[str, int]) -> None:
    """Set the limits that the kernel keeps, none above what this process may have."""
    for name, value in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        _, most = resource.getrlimit(kind)
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(kind, (value, value))


def _drop_capabilities(machine: str) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    _system_call("capabilities", _CAPSET[machine], header, (ctypes.c_uint32 * 6)())


def _keep_to_files(
    folder: str, readable: list[str], writable: list[str], newest_version: int
) -> None:
    """Let Landlock refuse every file but those named, and what it can of sockets and signals."""
    version = min(_system_call("Landlock", _CREATE_RULESET, None, 0, 1), newest_version)
    handled = (1 << _KNOWN_RIGHTS.get(version, 16)) - 1
    fields = [handled, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0]
    ruleset = (ctypes.c_uint64 * 3)(*fields)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    descriptor = _system_call("Landlock", _CREATE_RULESET, ruleset, size, 0)
    _allow(descriptor, folder, handled & (_OWN | _REFER | _TRUNCATE))
    for path in readable:
        _allow(descriptor, path, _READ)
    for path in writable:
        _allow(descriptor, path, _READ | _WRITE_FILE)
    _system_call("Landlock", _RESTRICT_SELF, descriptor, 0)
    os.close(descriptor)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # what cannot be opened here needs no right
        return
    if not os.path.isdir(path):
        rights &= _OF_FILES
    rule = rights.to_bytes(8, sys.byteorder) + place.to_bytes(4, sys.byteorder)
    _system_call("Landlock", _ADD_RULE, ruleset, 1, rule, 0)
    os.close(place)


def _keep_to_system_calls(instructions: bytes) -> None:
    program = _Filter(len(instructions) // 8, instructions)
    address = ctypes.addressof(program)
    _control("seccomp", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, address)


def _system_call(what: str, number: int, *arguments: Any) -> int:
    long = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return _checked(what, _libc.syscall(ctypes.c_long(number), *long))


def _control(what: str, option: int, *arguments: int) -> None:
    _checked(what, _libc.prctl(option, *arguments, *[0] * (4 - len(arguments))))


def _checked(what: str, result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result
