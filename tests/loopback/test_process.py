"""The provider in a process of its own takes the same switches."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import httpx

from tests.loopback import Limits, LoopbackProcess, loopback_process, mixed_faults
from tests.loopback.faults import Status, as_function


def statuses(provider: LoopbackProcess, requests: int) -> Counter[str]:
    """Count how requests end; a broken connection counts as such."""
    seen: Counter[str] = Counter()
    with httpx.Client(base_url=provider.url) as client:
        for number in range(requests):
            body = {"model": "m", "messages": [{"role": "user", "content": str(number)}]}
            try:
                seen[str(client.post("chat/completions", json=body).status_code)] += 1
            except httpx.TransportError as error:
                seen[type(error).__name__] += 1
    return seen


def test_limits_hold_in_the_process() -> None:
    limits = Limits(requests_per_minute=5, kind="window")
    with loopback_process(limits=limits, slots=4) as provider:
        assert statuses(provider, 8) == {"200": 5, "429": 3}
        assert provider.stats().refused == 3


def test_mixed_faults_fail_their_shares_and_the_same_ones_again() -> None:
    seen = []
    for _ in range(2):
        faults = {"429": 0.1, "500": 0.1, "reset": 0.1, "truncated": 0.1}
        with loopback_process(faults=faults, seed=3) as provider:
            seen.append(statuses(provider, 200))
            assert provider.stats().answered == seen[-1]["200"]
    assert seen[0] == seen[1]
    broken = ("429", "500", "ReadError", "RemoteProtocolError")
    assert all(5 <= seen[0][ending] <= 40 for ending in broken)
    assert seen[0].total() == 200


def test_another_seed_fails_other_requests() -> None:
    def failed(seed: int) -> list[bool]:
        plan = as_function(mixed_faults({"429": 0.5}, seed))
        return [isinstance(plan(number, {}), Status) for number in range(50)]

    assert failed(1) == failed(1) != failed(2)


def test_an_unknown_switch_is_named() -> None:
    command = [sys.executable, "-m", "tests.loopback", "--options", '{"sloots": 3}']
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    assert "sloots" in finished.stderr
