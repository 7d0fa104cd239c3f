"""The system calls a program may make, as a filter for the kernel; whatever is not listed fails.

There is no call in the list that opens a connection, starts a process or a thread, runs another
binary, sends a signal, looks into a process, or changes the rights, times or owner of a file: where
Landlock does not look, the filter does.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from struct import pack

_LOAD, _AND, _EQUAL, _AT_LEAST, _JUMP, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x05, 0x06
_KILL, _ALLOW, _FAIL = 0x80000000, 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_NEWER = 424
"""From here on all architectures share the numbers, and C libraries fall back to older calls."""


@dataclass(frozen=True, slots=True)
class _Check:
    """What the bits of an argument under a mask may be, or with `forbidden` may not be."""

    argument: int
    mask: int
    values: tuple[int, ...]
    forbidden: bool = False


_WHOLE = 0xFFFFFFFF

_CHECKS: dict[str, tuple[_Check, ...]] = {
    # O_TRUNC without O_WRONLY or O_RDWR: before Linux 6.2 nothing asks Landlock about it.
    "open": (_Check(1, 0o1003, (0o1000,), forbidden=True),),
    "openat": (_Check(2, 0o1003, (0o1000,), forbidden=True),),
    # A folder that its owner cannot list could not be removed with what is in it.
    "mkdir": (_Check(1, 0o700, (0o700,)),),
    "mkdirat": (_Check(2, 0o700, (0o700,)),),
    # MAP_SHARED of a file: what is written so counts as no byte written.
    "mmap": (_Check(3, 0x21, (0x01,), forbidden=True),),
    # An AF_UNIX stream pair talks to itself alone; asyncio cannot do without.
    "socketpair": (_Check(0, _WHOLE, (1,)), _Check(1, 0xF, (1,))),
    # Duplicates, flags and locks, but nothing that names a process to be signalled.
    "fcntl": (_Check(1, _WHOLE, (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030)),),
    # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX.
    "ioctl": (_Check(1, _WHOLE, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),),
    # Its own limits: those of the user's other processes could be lowered as well.
    "prlimit64": (_Check(0, _WHOLE, (0,)),),
}

# Name, number on x86_64, number on aarch64; "-" where the architecture has no such call.
_TABLE = """
read 0 63             write 1 64            readv 19 65           writev 20 66
pread64 17 67         pwrite64 18 68        preadv 295 69         pwritev 296 70
preadv2 327 286       pwritev2 328 287      open 2 -              openat 257 56
close 3 57            close_range 436 436   lseek 8 62            stat 4 -
fstat 5 80            lstat 6 -             newfstatat 262 79     statx 332 291
access 21 -           faccessat 269 48      faccessat2 439 439    readlink 89 -
readlinkat 267 78     getcwd 79 17          chdir 80 49           fchdir 81 50
getdents 78 -         getdents64 217 61     mkdir 83 -            mkdirat 258 34
rmdir 84 -            unlink 87 -           unlinkat 263 35       rename 82 -
renameat 264 38       renameat2 316 276     ftruncate 77 46       fsync 74 82
fdatasync 75 83       fadvise64 221 223     flock 73 32           fcntl 72 25
ioctl 16 29           dup 32 23             dup2 33 -             dup3 292 24
pipe 22 -             pipe2 293 59          poll 7 -              ppoll 271 73
select 23 -           pselect6 270 72       epoll_create 213 -    epoll_create1 291 20
epoll_ctl 233 21      epoll_wait 232 -      epoll_pwait 281 22    epoll_pwait2 441 441
eventfd 284 -         eventfd2 290 19       timerfd_create 283 85 timerfd_settime 286 86
socketpair 53 199     sendto 44 206         recvfrom 45 207       shutdown 48 210
getsockname 51 204    getsockopt 55 209     mmap 9 222            munmap 11 215
mprotect 10 226       mremap 25 216         madvise 28 233        brk 12 214
msync 26 227          membarrier 324 283    rt_sigaction 13 134   rt_sigprocmask 14 135
rt_sigreturn 15 139   rt_sigpending 127 136 rt_sigsuspend 130 133 rt_sigtimedwait 128 137
sigaltstack 131 132   pause 34 -            restart_syscall 219 128 alarm 37 -
setitimer 38 103      getitimer 36 102      getpid 39 172         getppid 110 173
gettid 186 178        getpgrp 111 -         getpgid 121 155       getsid 124 156
getuid 102 174        geteuid 107 175       getgid 104 176        getegid 108 177
getresuid 118 148     getresgid 120 150     getgroups 115 158     uname 63 160
sysinfo 99 179        times 100 153         getrusage 98 165      getrlimit 97 163
prlimit64 302 261     futex 202 98          futex_waitv 449 449   sched_yield 24 124
sched_getaffinity 204 123 getcpu 309 168    clock_gettime 228 113 clock_getres 229 114
clock_nanosleep 230 115 nanosleep 35 101    gettimeofday 96 169   time 201 -
getrandom 318 278     exit 60 93            exit_group 231 94
"""


def system_call_filter(machine: str) -> bytes:
    """Return the filter for a machine ("x86_64" or "aarch64") as the kernel takes it.

    A call of another architecture, such as a 32-bit one, ends the process.
    """
    filtered = [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, _ARCHITECTURES[machine], yes=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
    ]
    for name, number in _numbers(machine):
        body = [part for check in _CHECKS.get(name, ()) for part in _checked(check)]
        body.append(_instruction(_RETURN, _ALLOW))
        filtered += [_instruction(_EQUAL, number, no=len(body)), *body]
    filtered += [
        _instruction(_AT_LEAST, _NEWER, no=1),
        _instruction(_RETURN, _FAIL | errno.ENOSYS),
        _instruction(_RETURN, _FAIL | errno.EPERM),
    ]
    return b"".join(filtered)


def has_filter(machine: str) -> bool:
    """Tell whether there is a filter for a machine."""
    return machine in _ARCHITECTURES


def _numbers(machine: str) -> Iterator[tuple[str, int]]:
    words = _TABLE.split()
    place = 1 + list(_ARCHITECTURES).index(machine)
    for start in range(0, len(words), 3):
        if words[start + place] != "-":
            yield words[start], int(words[start + place])


def _checked(check: _Check) -> list[bytes]:
    """Return the instructions that go on below where an argument is as it may be."""
    # Of each argument the lower half: those checked are ints, whose upper half the kernel ignores.
    count = len(check.values)
    return [
        _instruction(_LOAD, _ARGUMENTS + 8 * check.argument),
        _instruction(_AND, check.mask),
        *(
            _instruction(_EQUAL, value, yes=count - place)
            for place, value in enumerate(check.values)
        ),
        *([_instruction(_JUMP, 1)] if check.forbidden else []),
        _instruction(_RETURN, _FAIL | errno.EPERM),
    ]


def _instruction(code: int, operand: int, *, yes: int = 0, no: int = 0) -> bytes:
    return pack("=HBBI", code, yes, no, operand)
