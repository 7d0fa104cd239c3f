"""A person's yes before money is spent or a version is published."""

import sys
from datetime import timedelta

from pydantic import BaseModel, Field

from flows.refresh.plan import Plan
from llms.errors import StillhouseError
from llms.spending import dollars


class NotApproved(StillhouseError):
    """A person said no, or nobody answered in time; the run ends where it asked."""


class Approvals(BaseModel):
    """Before what a run asks a person, and how long it waits for the answer."""

    above_usd: float | None = Field(
        default=None,
        ge=0,
        description="Ask before spending if the plan may cost more US dollars than this, or has "
        "calls without a known price",
    )
    publishing: bool = Field(default=False, description="Ask before a version is published")
    patience_hours: float = Field(
        default=24.0, gt=0, description="Hours to wait for an answer; after them the run ends"
    )

    @property
    def patience(self) -> timedelta:
        """How long a run waits."""
        return timedelta(hours=self.patience_hours)


def approve_spending(plan: Plan, approvals: Approvals) -> None:
    """Ask whether a plan may be carried out, where it may cost more than the limit.

    Raises:
        NotApproved: it may not.
    """
    from flows.reporting.plan import plan_page

    limit, usd = approvals.above_usd, plan.usd
    if limit is None or not plan.calls.high or (usd is not None and usd.high <= limit):
        return
    question = f"May the refresh of {plan.pipeline!r} spend {_most(plan)}?"
    ask_for_approval(question, plan_page(plan), patience=approvals.patience)


def _most(plan: Plan) -> str:
    if plan.usd is not None:
        return f"up to {dollars(plan.usd.high)}"
    return f"money on up to {round(plan.calls.high):,} calls whose price is not known"


def approve_publishing(page: str, approvals: Approvals) -> None:
    """Ask whether a version may be published; `page` is Markdown and says what it is.

    Raises:
        NotApproved: it may not.
    """
    if approvals.publishing:
        ask_for_approval("May this version be published?", page, patience=approvals.patience)


def ask_for_approval(question: str, page: str, *, patience: timedelta) -> None:
    """Ask a person, who sees a Markdown page, and wait for the answer.

    On a terminal the person there is asked; elsewhere the flow run pauses until somebody answers in
    the Prefect UI or with `stillhouse approve`.

    Raises:
        NotApproved: the answer is no, there was none in time, or nobody can be asked.
    """
    from prefect.context import FlowRunContext

    from flows.refresh.pausing import wait_for_answer
    from flows.refresh.terminal_question import ask_at_terminal

    context = FlowRunContext.get()
    run = context.flow_run if context else None
    deployed = run is not None and run.deployment_id is not None
    if sys.stdin.isatty() and sys.stderr.isatty() and not deployed:
        ask_at_terminal(question, page, patience)
    elif run is not None:
        wait_for_answer(run, question, page, patience)
    else:
        raise NotApproved(
            f"Not approved: nobody can be asked {question!r} outside a flow run and without a "
            f"terminal."
        )


def declined(question: str, note: str) -> NotApproved:
    """Return the error for a no."""
    said = f" ({note})" if note else ""
    return NotApproved(f"Not approved: {question!r} was declined{said}. The run went no further.")


def unanswered(question: str, patience: timedelta) -> NotApproved:
    """Return the error for an answer that did not come in time."""
    hours = patience.total_seconds() / 3600
    waited = f"{hours:,.3g} hours" if hours >= 0.1 else f"{patience.total_seconds():,.3g} seconds"
    return NotApproved(
        f"Not approved: nobody answered {question!r} within {waited}. The run went no further."
    )
