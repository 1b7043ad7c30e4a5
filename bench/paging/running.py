"""The bench's site while it runs: master and worker, and somebody who is signed in."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from ledger import API, Site

_PATIENCE = 120


@contextmanager
def running(site: Site) -> Iterator[httpx.Client]:
    """Run `slipway up` on a site; yield a client that is signed in as its admin."""
    with (site.here / "up.log").open("ab") as log:
        argv = [sys.executable, "-m", "slipway.cli", "up"]
        up = subprocess.Popen(argv, cwd=site.here, env=site.env, stdout=log, stderr=log)
    try:
        base = f"http://127.0.0.1:{site.web}/"
        with httpx.Client(base_url=base, trust_env=False, timeout=60) as client:
            _wait_until_up(site, client, up)
            yield client
    finally:
        up.send_signal(signal.SIGTERM)
        try:
            up.wait(60)
        except subprocess.TimeoutExpired:
            up.kill()


def _wait_until_up(site: Site, client: httpx.Client, up: subprocess.Popen[bytes]) -> None:
    password = (site.state / "admin-password").read_text().strip()
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and up.poll() is None:
        try:
            client.get("auth/login", auth=("admin", password))
            workers = client.get(f"{API}workers").json()["workers"]
            if any(one["connected"] for one in workers):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"the bench's site did not come up: {(site.here / 'up.log').read_text()}")
