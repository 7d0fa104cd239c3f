"""What a program in a sandbox can do, and the many things that it cannot."""

from __future__ import annotations

import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llms.errors import ConfigurationError
from tasks.function_calling.sandbox import Finished, Limits, Sandbox, Unguarded, proof, prove
from tasks.function_calling.sandbox import sandbox as sandbox_module

CONFINED = Limits(seconds=10)

REFUSED = "it ended early, with status 1: "

RAW = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    long = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    if (result := libc.syscall(ctypes.c_long(number), *long)) < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result
"""

on_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="names the numbers of x86_64")


def run(
    source: str, given: Any = None, *, limits: Limits = CONFINED, answers: int = 1, **more: Any
) -> Finished:
    """Run a program in a sandbox."""
    return Sandbox(limits, **more).run(compile(source, "program", "exec"), given, answers)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the user's."""
    path = tmp_path / ".env"
    path.write_text("KEY=sesame")
    return path


@pytest.fixture(params=[1, 6], ids=["oldest Landlock", "newest Landlock"])
def landlock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """What the kernel's Landlock knows: version 1 leaves more to the filter of system calls."""
    monkeypatch.setattr(sandbox_module, "_NEWEST_LANDLOCK", request.param)
    version: int = request.param
    return version


def test_a_program_answers_from_what_it_was_given() -> None:
    finished = run("answer(f'{given[0]} and {given[1]}')\nprint('more')", [1, "two"])

    assert finished.answers == ("1 and two",)
    assert not finished.ending


def test_a_program_can_use_python_and_the_packages_installed_for_it() -> None:
    program = """
import asyncio, datetime, decimal, hashlib, json, numpy, sqlite3, statistics, zlib, zoneinfo
async def later():
    await asyncio.sleep(0.001)
    return int(numpy.arange(4).sum())
zone = zoneinfo.ZoneInfo("Europe/Paris")
answer(json.dumps([asyncio.run(later()), datetime.datetime(2024, 7, 1, tzinfo=zone).isoformat()]))
"""

    assert run(program).answers == ('[6, "2024-07-01T00:00:00+02:00"]',)


def test_a_program_can_work_with_files_in_a_folder_of_its_own_that_is_empty_and_goes(
    landlock: int,
) -> None:
    program = """
import os, tempfile
found = os.listdir()
os.mkdir("notes")
with open("notes/one", "w") as file:
    file.write("text")
os.rename("notes/one", "notes/two")
with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
    file.write(b"x")
answer(f"{os.getcwd()} {found} {open('notes/two').read()}")
"""

    folder, found, read = run(program).answers[0].split(" ")

    assert (found, read) == ("[]", "text")
    assert not Path(folder).exists()


def test_programs_print_sets_in_the_same_order_every_time() -> None:
    program = "answer(repr({'one', 'two', 'three', 'four', 'five'}))"

    assert len({run(program).answers for _ in range(5)}) == 1


def test_a_readable_folder_can_be_read_and_not_written(tmp_path: Path, landlock: int) -> None:
    (tmp_path / "data").write_text("here")
    path = str(tmp_path / "data")

    read = run("answer(open(given).read())", path, readable=[tmp_path])
    written = run("open(given, 'w')\nanswer('broke out')", path, readable=[tmp_path])

    assert read.answers == ("here",)
    assert "PermissionError" in written.ending
    assert (tmp_path / "data").read_text() == "here"


def test_a_program_has_no_right_that_its_user_has_as_root(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.write_text("nobody reads this")
    closed.chmod(0)

    finished = run("open(given).read()\nanswer('broke out')", str(closed), readable=[tmp_path])

    assert "PermissionError" in finished.ending


CONNECTIONS = {
    "TCP": "import socket; socket.create_connection(('127.0.0.1', given['port']), 2)",
    "UDP": "import socket; socket.socket(type=socket.SOCK_DGRAM)",
    "IPv6": "import socket; socket.socket(socket.AF_INET6)",
    "raw packets": "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "netlink": "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "a name looked up": "import socket; socket.getaddrinfo('stillhouse.invalid', 80)",
    "a page": "import urllib.request as u; u.urlopen(f'http://127.0.0.1:{given[\"port\"]}')",
    "a UNIX socket, such as Docker's": (
        "import socket; socket.socket(socket.AF_UNIX).connect(given['socket'])"
    ),
    "a pair of sockets, connected elsewhere": (
        "import socket; socket.socketpair()[0].connect(given['socket'])"
    ),
    "a pair of datagram sockets": "import socket; socket.socketpair(type=socket.SOCK_DGRAM)",
    "a pair of sockets, sent elsewhere": (
        "import socket; socket.socketpair()[0].sendto(b'x', given['socket'])"
    ),
}


@pytest.mark.parametrize("attempt", CONNECTIONS.values(), ids=CONNECTIONS.keys())
def test_a_program_opens_no_connection(attempt: str, tmp_path: Path, landlock: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(tmp_path / "docker.sock"))
        local.listen()
        given = {"port": server.getsockname()[1], "socket": str(tmp_path / "docker.sock")}

        finished = run(f"{attempt}\nanswer('broke out')", given)

    assert not finished.answers
    assert finished.ending.startswith(REFUSED)


FILES = {
    "read a system file": "open('/etc/passwd').read()",
    "read a file of the user's": "open(given['secret']).read()",
    "read through a symbolic link": (
        "import os; os.symlink(given['secret'], 'link'); open('link').read()"
    ),
    "read through a hard link": "import os; os.link(given['secret'], 'link'); open('link').read()",
    "read through its own folder's parents": (
        "import os; open(os.path.relpath(given['secret'])).read()"
    ),
    "list a folder": "import os; assert os.listdir(given['folder'])",
    "list the home folder": "import os, pathlib; os.listdir(given['home'])",
    "read its parent's environment": "import os; open(f'/proc/{os.getppid()}/environ').read()",
    "read its own start environment": "open('/proc/self/environ').read()",
    "read its parent's memory": "import os; open(f'/proc/{os.getppid()}/mem', 'rb')",
    "use its parent's open files": "import os; os.listdir(f'/proc/{os.getppid()}/fd')",
    "write over a file": "open(given['secret'], 'w')",
    "append to a file": "open(given['secret'], 'a')",
    "make a file": "open(given['folder'] + '/made', 'x')",
    "make a folder": "import os; os.mkdir(given['folder'] + '/made')",
    "make a file in shared memory": "open('/dev/shm/stillhouse-made', 'w')",
    "remove a file": "import os; os.remove(given['secret'])",
    "move a file in": "import os; os.rename(given['secret'], 'mine')",
    "move a file out": "import os; open('f', 'w'); os.rename('f', given['folder'] + '/made')",
    "cut a file": "import os; os.truncate(given['secret'], 0)",
    "cut a file while reading it": "import os; os.open(given['secret'], os.O_RDONLY | os.O_TRUNC)",
    "cut a file of Python's while reading it": (
        "import os; os.open(given['readable'], os.O_RDONLY | os.O_TRUNC)"
    ),
    "change rights": "import os; os.chmod(given['secret'], 0o777)",
    "change rights of a file of Python's": "import os; os.chmod(given['readable'], 0o600)",
    "change times": "import os; os.utime(given['secret'], (1, 1))",
    "change the owner": "import os; os.chown(given['secret'], 1, 1)",
    "set an attribute": "import os; os.setxattr(given['secret'], 'user.x', b'x')",
    "use a terminal": "open('/dev/tty', 'w')",
    "share memory": "import mmap; f = open('f', 'w+b'); f.truncate(9); mmap.mmap(f.fileno(), 9)",
    "make a pipe in the file system": "import os; os.mkfifo('pipe')",
    "leave the file system": "import os; os.chroot('.')",
    "make a folder that cannot be listed": "import os; os.mkdir('closed', 0o300)",
    "have folders made that cannot be listed": "import os; os.umask(0o700)",
}


@pytest.mark.parametrize("attempt", FILES.values(), ids=FILES.keys())
def test_a_program_reaches_no_file_but_its_own(attempt: str, secret: Path, landlock: int) -> None:
    folder = secret.parent / "folder"
    folder.mkdir()
    readable = secret.parent / "readable"
    readable.mkdir()
    (readable / "library.py").write_text("content")
    before = (secret.stat().st_mode, secret.stat().st_mtime)
    given = {"secret": str(secret), "folder": str(folder), "home": str(Path.home())}
    given["readable"] = str(readable / "library.py")

    finished = run(f"{attempt}\nanswer('broke out')", given, readable=[readable])

    assert not finished.answers
    assert finished.ending.startswith(REFUSED)
    assert secret.read_text() == "KEY=sesame"
    assert before == (secret.stat().st_mode, secret.stat().st_mtime)
    assert not any(folder.iterdir())
    assert (readable / "library.py").read_text() == "content"


def test_the_environment_of_a_program_holds_nothing_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "sesame")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    program = "import os, sys; answer(repr([dict(os.environ), sys.path]))"

    (said,) = run(program).answers

    assert "sesame" not in said
    assert "/somewhere" not in said
    assert str(Path.home()) not in said.partition("}")[0]
    assert os.getcwd() not in said.partition("}")[2].split("'")


def test_a_program_inherits_no_open_file(secret: Path) -> None:
    program = """
import os
found = []
for number in range(3, 100):
    try:
        found.append(os.fstat(number).st_mode)
    except OSError:
        pass
answer(str(len(found)))
"""
    with secret.open() as file:
        os.set_inheritable(file.fileno(), True)

        assert run(program).answers == ("1",)  # the pipe of its answers


PROCESSES = {
    "fork": "import os; os.fork()",
    "fork with a terminal": "import os; os.forkpty()",
    "posix_spawn": "import os; os.posix_spawn('/bin/true', ['true'], {})",
    "subprocess": "import subprocess; subprocess.run(['true'])",
    "a shell": "import os; assert os.system('true') == 0",
    "become another program": "import os, sys; os.execv('/bin/sh', ['sh', '-c', 'true'])",
    "multiprocessing": "import multiprocessing as m; m.Process(target=print).start()",
    "a thread": "import threading; threading.Thread(target=print).start()",
    "another namespace": f"{RAW}\nlibc.unshare(0x10000000) and 1 / 0",
}


@pytest.mark.parametrize("attempt", PROCESSES.values(), ids=PROCESSES.keys())
def test_a_program_starts_nothing(attempt: str) -> None:
    finished = run(f"{attempt}\nanswer('broke out')")

    assert not finished.answers
    assert finished.ending.startswith(REFUSED)


# Each does no harm where it is not refused.
OTHERS = {
    "signal its parent": "os.kill(os.getppid(), 0)",
    "signal everybody": "os.kill(-1, 0)",
    "signal its group": "os.killpg(0, 0)",
    "signal by a descriptor": "signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 0)",
    "have the kernel signal its parent": "fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())",
    "choose the signal the kernel sends": "fcntl.fcntl(0, fcntl.F_SETSIG, 9)",
    "reach its parent's limits": ("resource.prlimit(os.getppid(), resource.RLIMIT_CPU)"),
    "raise its own limits": "resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))",
    "choose its parent's priority": "os.setpriority(os.PRIO_PROCESS, os.getppid(), 0)",
    "choose its parent's cores": "os.sched_setaffinity(os.getppid(), os.sched_getaffinity(0))",
    "live on without its parent": "libc.prctl(1, 0) and 1 / 0",
    "become somebody else": "os.setuid(12345)",
}


@pytest.mark.parametrize("attempt", OTHERS.values(), ids=OTHERS.keys())
def test_a_program_does_nothing_to_other_processes(attempt: str, landlock: int) -> None:
    finished = run(f"import fcntl, os, resource, signal{RAW}\n{attempt}\nanswer('broke out')")

    assert not finished.answers
    assert finished.ending.startswith(REFUSED)


KERNEL_CALLS = {
    "socket": (41, 2, 1, 0),
    "ptrace": (101, 16, 1),
    "clone": (56, 17, 0, 0, 0, 0),
    "vfork": (58,),
    "kill": (62, 1, 0),
    "mount": (165, 0, 0, 0, 0, 0),
    "shmget": (29, 0, 4096, 0o1777),
    "add_key": (248, 0, 0, 0, 0, 0),
    "keyctl": (250, 0, 0),
    "unshare": (272, 0x10000000),
    "perf_event_open": (298, 0, 0, 0, 0, 0),
    "open_by_handle_at": (304, 0, 0, 0),
    "setns": (308, 0, 0),
    "process_vm_readv": (310, 1, 0, 0, 0, 0, 0),
    "kcmp": (312, 1, 1, 0, 0, 0),
    "memfd_create": (319, 0, 0),
    "bpf": (321, 0, 0, 0),
    "userfaultfd": (323, 0),
    "execveat": (322, 0, 0, 0, 0, 0),
    "io_setup": (206, 1, 0),
    "fallocate": (285, 1, 0, 0, 1),
    "pidfd_send_signal": (424, 0, 0, 0, 0),
    "io_uring_setup": (425, 1, 0),
    "fsopen": (430, 0, 0),
    "clone3": (435, 0, 0),
    "openat2": (437, 0, 0, 0, 0),
    "process_madvise": (440, 0, 0, 0, 0, 0),
    "memfd_secret": (447, 0),
    "a call of tomorrow": (999, 0),
    "read by its x32 number": (0x40000000, 0, 0, 0),
    "socket by its x32 number": (0x40000000 | 41, 2, 1, 0),
}


@on_x86
@pytest.mark.parametrize("number", KERNEL_CALLS.values(), ids=KERNEL_CALLS.keys())
def test_a_program_is_refused_by_the_kernel_whatever_road_it_takes(number: tuple[int, ...]) -> None:
    program = f"""{RAW}
import errno
try:
    call(*given)
    answer("broke out")
except OSError as error:
    answer(errno.errorcode[error.errno])
"""

    (said,) = run(program, list(number)).answers

    assert said in ("EPERM", "ENOSYS")


@on_x86
def test_a_32_bit_system_call_ends_the_program() -> None:
    program = """
import ctypes, mmap
code = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
code.write(b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3")  # getpid of 32 bits: int 0x80
address = ctypes.addressof(ctypes.c_char.from_buffer(code))
answer(f"broke out as {ctypes.CFUNCTYPE(ctypes.c_int)(address)()}")
"""

    finished = run(program)

    assert not finished.answers
    assert finished.ending == "it made a system call of another architecture"


def test_an_endless_loop_is_ended_in_time() -> None:
    started = time.monotonic()

    finished = run("while True: pass", limits=Limits(seconds=0.3))

    assert finished.ending == "it took longer than 0.3 seconds"
    assert time.monotonic() - started < 5


def test_a_long_sleep_is_ended_in_time() -> None:
    finished = run("import time; time.sleep(3600)", limits=Limits(seconds=0.3))

    assert finished.ending == "it took longer than 0.3 seconds"


def test_a_program_that_closes_all_its_files_and_sleeps_is_ended_in_time() -> None:
    program = "import os, time; os.closerange(0, 100); time.sleep(3600)"

    assert run(program, limits=Limits(seconds=0.3)).ending == "it took longer than 0.3 seconds"


def test_a_program_that_refuses_every_signal_is_ended_all_the_same() -> None:
    program = """
import signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
time.sleep(3600)
"""

    assert run(program, limits=Limits(seconds=0.3)).ending == "it took longer than 0.3 seconds"


def test_every_answer_has_its_own_time() -> None:
    program = "import time\nfor _ in given: time.sleep(0.6); answer('slept')"

    finished = run(program, [1, 2, 3], limits=Limits(seconds=1.5), answers=3)

    assert len(finished.answers) == 3


def test_processor_time_is_limited_by_the_kernel_too() -> None:
    program = """
import resource
soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
answer(f"{hard}")
"""

    assert run(program, limits=Limits(seconds=2.5), answers=1).answers == ("4",)


def test_a_program_that_asks_for_more_memory_than_allowed_gets_none() -> None:
    finished = run("x = bytearray(given)", 2**40)
    piled = run(
        "x = []\ntry:\n  while True: x.append(bytearray(2**20))\n"
        "except MemoryError:\n  most = len(x); x.clear(); answer(str(most))"
    )
    shared = run("import mmap; x = [mmap.mmap(-1, 2**27) for _ in range(64)]; answer('broke out')")

    assert "MemoryError" in finished.ending
    assert 300 < int(piled.answers[0]) < 512
    assert not shared.answers


def test_endless_output_is_cut_off() -> None:
    finished = run("while True: print('x' * 10_000)")

    assert finished.ending == "it printed more than 1 MiB"
    assert len(finished.output) < 2 * 2**20


def test_an_endless_answer_is_cut_off() -> None:
    finished = run("answer('x' * 2_000_000)")

    assert not finished.answers
    assert finished.ending == "its answer is of more than 1 MiB"


def test_a_huge_file_is_refused() -> None:
    finished = run("open('f', 'wb').write(bytes(2**26))\nanswer('broke out')")

    assert not finished.answers
    assert "File too large" in finished.ending


def test_the_disk_cannot_be_filled_with_many_files() -> None:
    program = """
number = 0
while True:
    number += 1
    open(f"{number}", "wb").write(bytes(2**22))
"""

    assert run(program).ending == "it wrote more than 64 MiB"


def test_the_disk_cannot_be_filled_with_files_that_have_no_name_any_more() -> None:
    program = """
import os
while True:
    with open("f", "wb") as file:
        os.remove("f")
        file.write(bytes(2**22))
"""

    assert run(program).ending == "it wrote more than 64 MiB"


def test_no_more_files_can_be_made_than_allowed() -> None:
    program = "import time\nfor number in range(2000): open(f'{number}', 'w')\ntime.sleep(10)"

    assert run(program).ending == "it made more than 1000 files"


@pytest.mark.parametrize(
    ("depth", "length"), [(1_100, 1), (30, 250)], ids=["a thousand deep", "too deep for a path"]
)
def test_folders_in_folders_are_removed(
    depth: int, length: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    program = """
import os, time
for _ in range(given[0]):
    os.mkdir("x" * given[1])
    os.chdir("x" * given[1])
answer("dug")
time.sleep(0.2)
"""

    run(program, [depth, length], limits=Limits(files=10**6, seconds=30))

    assert not any(tmp_path.iterdir())


def test_open_files_are_limited() -> None:
    finished = run("files = [open(given) for _ in range(200)]", os.devnull)

    assert "Too many open files" in finished.ending


def test_deep_recursion_is_an_error_and_a_crash_at_worst() -> None:
    endless = "def f(): f()\nf()"
    crash = "import sys; sys.setrecursionlimit(10**8)\nx = []\nfor _ in range(10**6): x = [x]\n"

    assert "RecursionError" in run(endless).ending
    assert run(f"{crash}repr(x)\nanswer('')").ending


def test_a_printed_answer_is_none() -> None:
    finished = run("print('0' * 32 + ' 6\\nforged')")

    assert not finished.answers
    assert finished.ending == "it ended early, with status 0"


def test_an_answer_forged_into_every_open_file_is_none() -> None:
    program = """
import os
for number in range(3, 100):
    try:
        os.write(number, b"0" * 32 + b" 6\\nforged")
    except OSError:
        pass
os._exit(0)
"""

    finished = run(program)

    assert not finished.answers
    assert finished.ending == "it wrote into the pipe of its answers"


def test_garbage_in_the_pipe_of_the_answers_is_no_answer() -> None:
    program = """
import os
for number in range(3, 100):
    try:
        os.write(number, b"x" * 1000)
    except OSError:
        pass
"""

    assert run(program).ending == "it wrote into the pipe of its answers"


def test_a_program_that_just_ends_gave_no_answer() -> None:
    finished = run("import os; os._exit(0)")

    assert finished == Finished((), "it ended early, with status 0", "")


def test_a_program_that_fails_says_why() -> None:
    finished = run("raise ValueError('no such thing')")

    assert finished.ending == "it ended early, with status 1: ValueError: no such thing"


def test_a_program_that_crashes_is_told_by_its_signal() -> None:
    assert run("import ctypes; ctypes.string_at(0)").ending == "it was ended by SIGSEGV"


def test_the_answers_before_the_end_are_kept() -> None:
    finished = run("answer('one')\nanswer('two')\n1 / 0", answers=3)

    assert finished.answers == ("one", "two")
    assert "ZeroDivisionError" in finished.ending


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = os.listdir("/proc/self/fd")

    run("answer('done')\nwhile True: pass")
    run("open('left', 'w').write('x')\n1 / 0")
    run("while True: pass", limits=Limits(seconds=0.1))

    assert not any(tmp_path.iterdir())
    assert len(os.listdir("/proc/self/fd")) == len(before)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def children_of(process: int) -> list[int]:
    """Return the processes that a process has started."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(stat[1]) == process and stat[0] != "Z":
                found.append(int(folder.name))
    return found


def test_a_program_ends_when_the_process_that_runs_it_is_killed(tmp_path: Path) -> None:
    source = """
from tasks.function_calling.sandbox import Limits, Sandbox
program = compile("print('sleeping', flush=True)\\nimport time; time.sleep(600)", "p", "exec")
Sandbox(Limits(seconds=600)).run(program)
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", source], env=environment) as parent:
        deadline = time.monotonic() + 20
        while not (children := children_of(parent.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        while any(Path(f"/proc/{child}").exists() for child in children):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    assert children


def test_a_machine_that_can_hold_programs_proves_it() -> None:
    proof._problem.cache_clear()

    prove("Functions are")


def test_a_machine_is_asked_for_proof_once(monkeypatch: pytest.MonkeyPatch) -> None:
    prove("Functions are")
    monkeypatch.setattr(proof, "Sandbox", None)

    prove("Functions are")


@pytest.fixture
def unproven(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has proved nothing yet, and forgets what it finds."""
    proof._problem.cache_clear()
    yield
    proof._problem.cache_clear()


@pytest.mark.usefixtures("unproven")
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("sys.platform", "darwin", "not Linux"),
        ("platform.machine", lambda: "riscv64", "riscv64"),
        ("sys.maxsize", 2**31 - 1, "32 bits"),
    ],
    ids=["not Linux", "another processor", "32 bits"],
)
def test_an_unfit_machine_refuses_before_anything_runs(
    name: str, value: object, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, _, attribute = name.partition(".")
    monkeypatch.setattr({"sys": sys, "platform": platform}[module], attribute, value)

    with pytest.raises(Unguarded, match=reason):
        run("answer('broke out')")
    with pytest.raises(ConfigurationError, match=f"Functions are not run here, for .*{reason}"):
        prove("Functions are")


REFUSING = """
import errno, platform
from tasks.function_calling.sandbox import guard, prove, system_calls as calls
wanted = {which}
instructions = [
    calls._instruction(calls._LOAD, 0),
    calls._instruction(calls._EQUAL, wanted[0], no=len(wanted[1:]) + 1),
    *wanted[1:],
    calls._instruction(calls._RETURN, calls._FAIL | errno.ENOSYS),
    calls._instruction(calls._RETURN, calls._ALLOW),
]
guard._control("no new privileges", 38, 1)
guard._keep_to_system_calls(b"".join(instructions))
prove("Functions are")
"""
NO_LANDLOCK = "[444]"
NO_SECCOMP = """[
    {"x86_64": 157, "aarch64": 167}[platform.machine()],
    calls._instruction(calls._LOAD, 16),
    calls._instruction(calls._EQUAL, 22, no=1),
]"""


@pytest.mark.parametrize(
    ("which", "reason"),
    [(NO_LANDLOCK, "Landlock: Function not implemented"), (NO_SECCOMP, "seccomp: Function not")],
    ids=["without Landlock", "without seccomp"],
)
def test_a_kernel_that_cannot_shut_a_program_in_is_refused(which: str, reason: str) -> None:
    source = REFUSING.replace("{which}", which)

    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)

    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("llms.errors.ConfigurationError: Functions are not run here, for this")
    assert reason in last
    assert "Linux 5.13" in last
