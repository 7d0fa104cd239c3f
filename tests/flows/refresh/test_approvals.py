"""A run asks a person before it spends or publishes, and goes no further without a yes."""

import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import copy_context
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.states import Cancelling

from flows.command.approve import approve_run
from flows.refresh.approvals import (
    Approvals,
    NotApproved,
    approve_publishing,
    approve_spending,
    ask_for_approval,
)
from flows.refresh.plan import NOTHING, Plan, Range, StepPlan
from flows.refresh.waiting_runs import NothingToApprove, WaitingRun, answer, waiting_runs
from flows.runtime.server import LocalServer, ServerError

PAGE = "It costs **$3**.\n\n| step | cost |\n|---|--:|\n| ask | $3 |\n"
LONG = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for an answer more often than a run does."""
    monkeypatch.setattr("flows.refresh.pausing._POLL_SECONDS", 0.2)


@pytest.fixture
def question() -> str:
    """Return a question that no other test asks."""
    return f"May it go on ({uuid4().hex[:6]})?"


def run_that_asks(question: str, patience: timedelta = LONG) -> list[str]:
    """Run a flow that asks, and return what it did after the yes."""
    done: list[str] = []

    @flow(name="asking", persist_result=False)
    def asking() -> None:
        ask_for_approval(question, PAGE, patience=patience)
        done.append("went on")

    state: Any = asking(return_state=True)
    state.result()
    return done


@contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[None]:
    """Do something in another thread, with this one's settings."""
    thread = threading.Thread(target=copy_context().run, args=(work,))
    thread.start()
    try:
        yield
    finally:
        thread.join()


def waiting(question: str) -> WaitingRun:
    """Wait until a run asks."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for run in waiting_runs():
            if run.question == question:
                return run
        time.sleep(0.1)
    raise AssertionError(f"no run asked {question!r}")


def asking_process(question: str, folder: Path, **variables: str) -> subprocess.Popen[str]:
    """Start a process whose flow asks."""
    script = folder / "asking.py"
    script.write_text(
        "from datetime import timedelta\n"
        "from pathlib import Path\n"
        "from prefect import flow\n"
        "from flows.refresh.approvals import ask_for_approval\n"
        "@flow(persist_result=False)\n"
        "def asking() -> None:\n"
        f"    ask_for_approval({question!r}, 'A page.', patience=timedelta(minutes=5))\n"
        f"    Path({str(folder / 'went_on')!r}).touch()\n"
        "asking()\n"
    )
    return subprocess.Popen(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": os.getcwd(), **variables},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.usefixtures("prefect")
def test_a_run_goes_on_after_a_yes(question: str) -> None:
    with meanwhile(lambda: void(answer(waiting(question).name, approve=True, note="fine"))):
        assert run_that_asks(question) == ["went on"]


@pytest.mark.usefixtures("prefect")
def test_a_no_ends_the_run_with_its_note(question: str) -> None:
    with (
        meanwhile(lambda: void(answer(waiting(question).name, approve=False, note="too dear"))),
        pytest.raises(NotApproved, match=r"was declined \(too dear\)\. The run went no further"),
    ):
        run_that_asks(question)


@pytest.mark.usefixtures("prefect")
def test_no_answer_in_time_is_a_no(question: str) -> None:
    with pytest.raises(NotApproved, match=r"nobody answered .* within 0\.5 seconds"):
        run_that_asks(question, timedelta(seconds=0.5))


def test_a_run_that_is_cancelled_while_it_waits_ends(
    question: str, prefect: SyncPrefectClient
) -> None:
    cancelled: list[UUID] = []

    def cancel() -> None:
        cancelled.append(waiting(question).id)
        prefect.set_flow_run_state(cancelled[0], Cancelling())

    with meanwhile(cancel), pytest.raises(NotApproved, match="cancelled while it asked"):
        run_that_asks(question)
    state = prefect.read_flow_run(cancelled[0]).state
    assert state is not None
    assert state.is_final()


def test_the_form_shows_the_page_and_asks_for_an_explicit_answer(
    question: str, prefect: SyncPrefectClient
) -> None:
    refused: list[str] = []
    shown: list[str] = []

    def look_and_answer() -> None:
        run = waiting(question)
        state = prefect.read_flow_run(run.id).state
        assert state is not None
        keyset = state.state_details.run_input_keyset
        assert keyset is not None
        shown.append(prefect.read_flow_run_input(run.id, keyset["description"]))
        refused.append(str(prefect.resume_flow_run(run.id).details))
        answer(str(run.id)[:8], approve=True)

    with meanwhile(look_and_answer):
        run_that_asks(question)
    assert "It costs **$3**." in shown[0]
    assert "'approve' is a required property" in refused[0]


def test_a_killed_run_goes_no_further_and_is_not_approved(
    question: str, tmp_path: Path, prefect: SyncPrefectClient
) -> None:
    with asking_process(question, tmp_path) as process:
        run = waiting(question)
        process.kill()
        process.communicate()
        with pytest.raises(NothingToApprove, match="does not wait for an answer: it is Crashed"):
            answer(run.name, approve=True)
    assert not (tmp_path / "went_on").exists()
    assert prefect.read_flow_run(run.id).state_name == "Crashed"


def test_a_run_on_a_server_that_no_setting_names_can_be_answered(
    question: str, tmp_path: Path, prefect_server: LocalServer
) -> None:
    with pytest.raises(ServerError, match="No run waits here"):
        answer("any-run", approve=True)
    with asking_process(question, tmp_path, PREFECT_API_URL=prefect_server.api_url) as process:
        while process.poll() is None and not list(tmp_path.glob("home/prefect/waiting/*")):
            time.sleep(0.1)
        answer(waiting(question).name, approve=True)
        _, said = process.communicate()
    assert f"{question} The run waits for an answer: `stillhouse approve " in said
    assert (tmp_path / "went_on").exists()
    assert not list(tmp_path.glob("home/prefect/waiting/*"))


@pytest.mark.usefixtures("prefect")
def test_the_command_lists_what_waits_and_answers_it(
    question: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    runs: list[WaitingRun] = []

    def command() -> None:
        runs.append(waiting(question))
        approve_run(None, decline=False, note="")
        approve_run(str(runs[0].id), decline=False, note="")

    with meanwhile(command):
        run_that_asks(question)
    said = capsys.readouterr().out
    assert f"{runs[0].name} │ {str(runs[0].id)[:8]}" in said
    assert said.splitlines()[-1] == f"Approved: {question} (run {runs[0].name})"
    with pytest.raises(NothingToApprove, match=f"{runs[0].name!r} does not wait .* Completed"):
        approve_run(runs[0].name, decline=True, note="")


@pytest.mark.usefixtures("prefect")
@pytest.mark.parametrize("named", ["", "no-such-run", "81c2f9ba-0220-49ae-a223-e90bf9613e8e"])
def test_an_unknown_run_is_told(named: str) -> None:
    with pytest.raises(NothingToApprove, match=f"There is no run {named!r}"):
        answer(named, approve=True)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("y\n", None),
        ("YES\n", None),
        ("n too dear\n", r"was declined \(too dear\)"),
        ("\n", "was declined"),
        ("\x04", "was declined"),
        ("", r"nobody answered .* within 0\.5 seconds"),
    ],
    ids=["y", "yes", "no", "enter", "end", "silence"],
)
def test_on_a_terminal_the_person_there_is_asked(
    typed: str, sentence: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, terminal = pty.openpty()
    with (
        os.fdopen(person, "r+b", 0) as typing,
        os.fdopen(terminal, "r", closefd=False) as keyboard,
        os.fdopen(terminal, "w") as screen,
    ):
        monkeypatch.setattr(sys, "stdin", keyboard)
        monkeypatch.setattr(sys, "stderr", screen)
        typing.write(typed.encode())
        with pytest.raises(NotApproved, match=sentence) if sentence else nullcontext():
            ask_for_approval("May it?", PAGE, patience=timedelta(seconds=0.5))
        screen.flush()
        shown = ""
        while "May it? [y/N]" not in shown:
            shown += typing.read(4096).decode()
    assert "It costs" in shown


def test_without_a_run_and_a_terminal_nobody_can_be_asked() -> None:
    with pytest.raises(NotApproved, match="nobody can be asked 'May this version be published"):
        approve_publishing(PAGE, Approvals(publishing=True))
    approve_publishing(PAGE, Approvals())


def plan_costing(usd: Range | None, calls: float = 4) -> Plan:
    """Return a plan of one step."""
    step = StepPlan("ask", "TextGeneration", 1, 2, 0, 0, Range(calls, calls, calls), usd=usd)
    return Plan("answers", "v1", (step,))


@pytest.mark.parametrize(
    ("limit", "plan", "asks"),
    [
        (None, plan_costing(Range(1, 2, 3)), None),
        (3.0, plan_costing(Range(1, 2, 3)), None),
        (2.5, plan_costing(Range(1, 2, 3)), "spend up to $3.00"),
        (100.0, plan_costing(None), "spend money on up to 4 calls whose price is not known"),
        (0.0, plan_costing(NOTHING), None),
        (0.0, plan_costing(None, calls=0), None),
    ],
    ids=["no-limit", "at-limit", "above", "unknown-price", "free", "no-calls"],
)
def test_spending_is_asked_for_where_the_highest_estimate_is_above_the_limit(
    limit: float | None, plan: Plan, asks: str | None
) -> None:
    approvals = Approvals(above_usd=limit)
    if asks is None:
        approve_spending(plan, approvals)
    else:
        with pytest.raises(NotApproved) as told:
            approve_spending(plan, approvals)
        assert asks in str(told.value)


def void(_: object) -> None:
    """Take what is not needed."""
