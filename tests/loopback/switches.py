"""What can be switched on a loopback provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypedDict

from tests.loopback.batches import JobFault, LineFault
from tests.loopback.chat import Reply
from tests.loopback.faults import FaultPlan
from tests.loopback.limits import Limits


class PlainSwitches(TypedDict, total=False):
    """The switches that are plain values.

    `latency` is seconds for each answer, `keep_bodies` shows the bodies in the counters,
    `usage_details` adds cached and reasoning tokens to the usage, `dimension` is for embeddings
    that ask for none, an image has at least `image_bytes`. At most `slots` requests are worked on
    at once: the others wait ("queue") or get `overload_status` with no word of when to come back
    ("refuse"). A batch job takes `batch_seconds`, `job_faults` say how jobs fail in the order they
    are made, of one that expires `answered_share` is answered; the answers of the first
    `lose_creations` creating requests are lost after their jobs were made.
    """

    latency: float
    keep_bodies: bool
    usage_details: bool
    dimension: int
    image_bytes: int
    limits: Limits | None
    slots: int | None
    overload: Literal["queue", "refuse"]
    overload_status: int
    batch_seconds: float
    job_faults: Iterable[JobFault | None]
    answered_share: float
    lose_creations: int


class Switches(PlainSwitches, total=False):
    """All switches of a provider in this process.

    `reply` turns a chat request in OpenAI's shape into the answer's text or message, `fault` says
    which requests fail and how, `line_fault` which lines of batch jobs do.
    """

    reply: Reply
    fault: FaultPlan | None
    line_fault: LineFault | None


class ProcessSwitches(PlainSwitches, total=False):
    """All switches of a provider in a process of its own.

    `faults` are the shares of all requests that fail by name (see `mixed_faults`), `seed` makes
    them repeatable.
    """

    faults: Mapping[str, float]
    seed: int
