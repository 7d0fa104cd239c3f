"""`Watch`: one process in a sandbox, from its start to its end."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from llms.errors import StillhouseError
from tasks.function_calling.sandbox.limits import MEBIBYTE, Limits

_SECONDS_TO_START = 30.0
_SECONDS_BETWEEN_LOOKS = 0.05
_CHUNK = 2**16
_LONGEST_HEADING = 64
_LONGEST_LAST_LINE = 500


class Unguarded(StillhouseError):
    """A program could not be shut in and was not run; the text says why."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The answers of a program, why it ended before it gave them all, and what it printed."""

    answers: tuple[str, ...]
    ending: str
    output: str


class Watch:
    """Reads what a process says, looks at what it uses, and ends it at the latest on leaving."""

    def __init__(
        self, process: subprocess.Popen[bytes], out: int, name: str, folder: str, limits: Limits
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self._said, self._printed = bytearray(), bytearray()
        self._sources = {out: self._said, process.stdout.fileno(): self._printed}
        self._name = name.encode()
        self._folder = folder
        self._limits = limits
        self._answers: list[str] = []
        self._guarded = False
        self._ending = ""
        self._deadline = time.monotonic() + _SECONDS_TO_START

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._stdout.close()
        self._close_stdin()

    def answers_to(self, job: bytes, count: int) -> Finished:
        """Hand the process its job, and wait for that many answers or for the end.

        Raises:
            Unguarded: the guard did not say that the process is shut in.
        """
        with suppress(BrokenPipeError):  # of one that is gone, what it printed says why
            self._stdin.write(job)
        self._close_stdin()
        self._follow(count)
        printed = self._printed.decode("utf-8", "replace")
        if not self._guarded:
            raise Unguarded(_last_line(printed) or self._ending)
        return Finished(tuple(self._answers[:count]), self._ending, printed)

    def _close_stdin(self) -> None:
        with suppress(BrokenPipeError):
            self._stdin.close()

    def _follow(self, count: int) -> None:
        end = os.pidfd_open(self._process.pid)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(end, selectors.EVENT_READ)
                for source in self._sources:
                    os.set_blocking(source, False)
                    selector.register(source, selectors.EVENT_READ)
                next_look = time.monotonic() + _SECONDS_BETWEEN_LOOKS
                while not self._ending and len(self._answers) < count:
                    ready = {key.fd for key, _ in selector.select(_SECONDS_BETWEEN_LOOKS)}
                    for source in ready & self._sources.keys():
                        if not self._read(source):
                            selector.unregister(source)
                    if end in ready:
                        self._bury(count)
                    elif time.monotonic() >= next_look:
                        self._look()
                        next_look = time.monotonic() + _SECONDS_BETWEEN_LOOKS
        finally:
            os.close(end)

    def _read(self, source: int) -> bool:
        """Read some of what the process wrote; tell whether there was any."""
        try:
            chunk = os.read(source, _CHUNK)
        except BlockingIOError:
            return False
        self._sources[source] += chunk
        if len(self._printed) > self._limits.output:
            self._ending = f"it printed more than {_size(self._limits.output)}"
        self._take_answers()
        return bool(chunk)

    def _take_answers(self) -> None:
        while not self._ending and self._said:
            heading, found, rest = bytes(self._said).partition(b"\n")
            name, _, length = heading.partition(b" ")
            if len(heading) > _LONGEST_HEADING or (found and name != self._name):
                self._ending = "it wrote into the pipe of its answers"
            elif found and int(length) > self._limits.output:
                self._ending = f"its answer is of more than {_size(self._limits.output)}"
            elif not found or len(rest) < int(length):
                return
            else:
                self._take_answer(rest[: int(length)].decode("utf-8", "replace"))
                self._said[:] = rest[int(length) :]

    def _take_answer(self, text: str) -> None:
        if self._guarded:
            self._answers.append(text)
        self._guarded = True
        self._deadline = time.monotonic() + self._limits.seconds

    def _bury(self, count: int) -> None:
        """Read the rest of what an ended process wrote, and say how it ended."""
        for source in self._sources:
            while not self._ending and self._read(source):
                pass
        if len(self._answers) < count and not self._ending:
            status = self._process.wait()
            self._ending = _how_it_ended(status, self._printed.decode("utf-8", "replace"))

    def _look(self) -> None:
        """End a process that takes more than its limits, where the kernel keeps none."""
        limits = self._limits
        if time.monotonic() >= self._deadline:
            self._ending = f"it took longer than {limits.seconds:g} seconds"
        elif _bytes_written(self._process.pid) > limits.written:
            self._ending = f"it wrote more than {_size(limits.written)}"
        elif _holds_more_than(limits.files, self._folder):
            self._ending = f"it made more than {limits.files} files"


def _bytes_written(process: int) -> int:
    """Return how much a process has written; nothing of one that has just ended."""
    try:
        with open(f"/proc/{process}/io", encoding="ascii") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("wchar:"))
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _holds_more_than(count: int, folder: str) -> bool:
    waiting, seen = [folder], 0
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    seen += 1
                    if seen > count:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except FileNotFoundError:
            continue
        except OSError:  # a path longer than the kernel takes
            return True
    return False


def _how_it_ended(status: int, printed: str) -> str:
    if status == -signal.SIGXCPU:
        return "it used too much processor time"
    if status == -signal.SIGSYS:
        return "it made a system call of another architecture"
    if status < 0:
        return f"it was ended by {signal.Signals(-status).name}"
    last = _last_line(printed) if status else ""
    return f"it ended early, with status {status}{last and f': {last}'}"


def _last_line(printed: str) -> str:
    lines = printed.strip().splitlines()
    return lines[-1][:_LONGEST_LAST_LINE] if lines else ""


def _size(count: int) -> str:
    return f"{count / MEBIBYTE:g} MiB"
