"""Measure the master's response times to the pages' requests."""

from __future__ import annotations

import time

import httpx
from ledger import API

_TIMES = 20
_FIRST = 3


def endpoints(run: int) -> dict[str, str]:
    """Return the questions; `run` is a number that exists."""
    return {
        "me": "me",
        "projects": "projects",
        "gates, 100": "gates?limit=100",
        "runs, the newest 30": "runs",
        "one run": f"runs/demo/{run}",
        "tests of a stage": f"runs/demo/{run}/stages/a/tests",
        "environments": "environments",
        "tests": "tests",
        "releases": "releases",
        "workers": "workers",
        "audit": "audit",
    }


def ask(client: httpx.Client, run: int) -> dict[str, list[float]]:
    """Ask everything over and over; return the seconds of each question."""
    found: dict[str, list[float]] = {}
    for name, path in endpoints(run).items():
        times = []
        for _ in range(_FIRST + _TIMES):
            began = time.perf_counter()
            answer = client.get(API + path)
            times.append(time.perf_counter() - began)
            answer.raise_for_status()
        found[name] = times[_FIRST:]
    return found
