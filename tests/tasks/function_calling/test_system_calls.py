"""The filter of system calls, as the kernel would read it, for both architectures."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from struct import iter_unpack

import pytest

from tasks.function_calling.sandbox.system_calls import has_filter, system_call_filter

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
I386, ARM = 0x40000003, 0x40000028

ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, UNKNOWN = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS


def verdict(
    machine: str, number: int, arguments: Sequence[int] = (), architecture: int | None = None
) -> int:
    """Return what the filter of a machine says about a call."""
    words = {0: number, 4: architecture or ARCHITECTURES[machine]}
    for place in range(6):
        value = arguments[place] if place < len(arguments) else 0
        words[16 + 8 * place] = value & 0xFFFFFFFF
    program = list(iter_unpack("=HBBI", system_call_filter(machine)))
    accumulator = place = 0
    while True:
        code, yes, no, operand = program[place]
        place += 1
        match code:
            case 0x20:
                accumulator = words[operand]
            case 0x54:
                accumulator &= operand
            case 0x05:
                place += operand
            case 0x15:
                place += yes if accumulator == operand else no
            case 0x35:
                place += yes if accumulator >= operand else no
            case 0x06:
                assert isinstance(operand, int)
                return operand


@pytest.mark.parametrize(
    ("machine", "number"),
    [("x86_64", 0), ("x86_64", 231), ("aarch64", 63), ("aarch64", 94)],
    ids=["read on x86_64", "exit_group on x86_64", "read on aarch64", "exit_group on aarch64"],
)
def test_what_python_needs_is_allowed(machine: str, number: int) -> None:
    assert verdict(machine, number) == ALLOW


@pytest.mark.parametrize(
    ("x86_64", "aarch64"),
    [
        (41, 198),
        (42, 203),
        (46, 211),
        (49, 200),
        (56, 220),
        (59, 221),
        (62, 129),
        (101, 117),
        (157, 167),
        (319, 279),
        (321, 280),
        (90, 52),
        (76, 45),
    ],
    ids=[
        "socket",
        "connect",
        "sendmsg",
        "bind",
        "clone",
        "execve",
        "kill",
        "ptrace",
        "prctl",
        "memfd_create",
        "bpf",
        "chmod or fchmod",
        "truncate",
    ],
)
def test_what_reaches_out_is_refused(x86_64: int, aarch64: int) -> None:
    assert verdict("x86_64", x86_64) == REFUSE
    assert verdict("aarch64", aarch64) == REFUSE


@pytest.mark.parametrize("machine", ARCHITECTURES)
@pytest.mark.parametrize("number", [425, 435, 437, 462, 0x40000000], ids=hex)
def test_newer_calls_and_those_of_x32_are_unknown(machine: str, number: int) -> None:
    assert verdict(machine, number) == UNKNOWN


@pytest.mark.parametrize(("machine", "other"), [("x86_64", I386), ("aarch64", ARM)])
def test_a_call_of_32_bits_kills(machine: str, other: int) -> None:
    assert verdict(machine, 1, architecture=other) == KILL


@pytest.mark.parametrize(
    ("machine", "openat", "mmap", "fcntl", "socketpair", "prlimit", "mkdirat"),
    [("x86_64", 257, 9, 72, 53, 302, 258), ("aarch64", 56, 222, 25, 199, 261, 34)],
    ids=ARCHITECTURES.keys(),
)
def test_some_calls_are_allowed_with_some_arguments_only(
    machine: str, openat: int, mmap: int, fcntl: int, socketpair: int, prlimit: int, mkdirat: int
) -> None:
    read, write_and_cut, cut = 0, 0o1001, 0o1000
    private_file, shared_file, shared_memory = 0x02, 0x01, 0x21

    assert [verdict(machine, openat, (0, 0, flags)) for flags in (read, write_and_cut, cut)] == [
        ALLOW,
        ALLOW,
        REFUSE,
    ]
    assert [
        verdict(machine, mmap, (0, 0, 0, flags))
        for flags in (private_file, shared_memory, shared_file, 0x03)
    ] == [ALLOW, ALLOW, REFUSE, REFUSE]
    assert [verdict(machine, fcntl, (0, command)) for command in (0, 1030, 8, 10, 15)] == [
        ALLOW,
        ALLOW,
        REFUSE,
        REFUSE,
        REFUSE,
    ]
    assert [
        verdict(machine, socketpair, kind) for kind in ((1, 0x80801), (1, 2), (2, 1), (16, 3))
    ] == [ALLOW, REFUSE, REFUSE, REFUSE]
    assert [verdict(machine, prlimit, (process,)) for process in (0, 1)] == [ALLOW, REFUSE]
    assert [verdict(machine, mkdirat, (0, 0, mode)) for mode in (0o777, 0o700, 0, 0o300)] == [
        ALLOW,
        ALLOW,
        REFUSE,
        REFUSE,
    ]


def test_the_upper_half_of_an_argument_changes_nothing() -> None:
    assert verdict("x86_64", 302, (1 << 32,)) == ALLOW
    assert verdict("x86_64", 302, ((1 << 32) + 1,)) == REFUSE


def test_other_machines_have_no_filter() -> None:
    assert has_filter("aarch64")
    assert not has_filter("riscv64")
