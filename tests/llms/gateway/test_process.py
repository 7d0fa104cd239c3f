"""One loop and one gateway in a process; notebooks, interrupts and kills."""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from llms import Completion, Gateway, ScriptedLLM, default_gateway
from llms.home import home
from tests.llms.conftest import CHECKOUT, OpenGateway, openai_model, run_python, wait_until
from tests.loopback import LoopbackProvider, loopback_process


def test_generate_works_where_an_event_loop_runs_as_in_a_notebook(
    provider: LoopbackProvider,
) -> None:
    llm = openai_model(provider)

    async def cell() -> list[list[Completion]]:
        return llm.generate(["hi"], 2)

    [[one, other]] = asyncio.run(cell())
    assert one.text == other.text
    assert (home() / "completions.sqlite").is_file()
    assert default_gateway().store.count() == 2


def test_waiting_on_the_models_own_loop_is_refused_instead_of_blocking_it(
    gateway: Gateway,
) -> None:
    async def wait_there() -> None:
        ScriptedLLM().generate(["hi"], gateway=gateway)

    with pytest.raises(RuntimeError, match="must await, not wait"):
        gateway.run(wait_there())
    gc.collect()


def test_threads_that_start_together_share_one_loop_and_one_gateway() -> None:
    script = """
import sys, threading
from llms.home import default_gateway
from llms.loop import model_loop
start, seen = threading.Barrier(16), []
def first_use():
    start.wait()
    seen.append((model_loop(), default_gateway()))
threads = [threading.Thread(target=first_use) for _ in range(16)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(set(seen)), sum(thread.name == "model-loop" for thread in threading.enumerate()))
"""
    assert run_python(script).split() == ["1", "1"]


def test_the_home_folder_is_the_named_one_else_the_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "project" / "notebooks"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert home() == tmp_path / "home"
    monkeypatch.delenv("STILLHOUSE_HOME")
    for folder in (tmp_path, tmp_path / "project", inside):
        (folder / ".stillhouse").mkdir()
        assert home() == folder / ".stillhouse"


_ASK = """
import sys
from llms import CompletionStore, Gateway, OpenAILLM
llm = OpenAILLM(model="m", base_url=sys.argv[1], max_concurrent_requests=4)
gateway = Gateway(CompletionStore(sys.argv[2]))
print("asking", flush=True)
llm.generate([f"question {number}" for number in range(40)], gateway=gateway)
"""


def test_a_killed_process_starts_again_and_pays_only_for_what_had_not_arrived(
    store_path: Path, open_gateway: OpenGateway
) -> None:
    with loopback_process(latency=0.05) as provider:
        command = [sys.executable, "-c", _ASK, provider.url, str(store_path)]
        with subprocess.Popen(command, cwd=CHECKOUT) as process:
            wait_until(lambda: provider.stats().answered >= 16)
            process.kill()
        wait_until(lambda: provider.stats().in_flight == 0)
        killed = provider.stats()
        assert process.returncode == -signal.SIGKILL
        assert killed.answered < 40
        gateway = open_gateway()
        kept = gateway.store.count()
        # What the kill may cost: answers on the wire, and those that waited to be made durable.
        assert kept >= killed.answered - 8
        chats = [f"question {number}" for number in range(40)]
        openai_model(provider).generate(chats, gateway=gateway)
        assert provider.stats().requests - killed.requests == 40 - kept


def test_an_interrupt_ends_a_call_that_waits(store_path: Path) -> None:
    with loopback_process(latency=60) as provider:
        command = [sys.executable, "-c", _ASK, provider.url, str(store_path)]
        with subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True) as process:
            wait_until(lambda: provider.stats().in_flight == 4)
            process.send_signal(signal.SIGINT)
            _, printed = process.communicate(timeout=20)
    assert process.returncode != 0
    assert printed.rstrip().endswith("KeyboardInterrupt")
