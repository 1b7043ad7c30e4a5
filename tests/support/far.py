"""A second worker of a site: a process of its own, set up as on another machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from slipway.scripts.guard import die_with_parent

from .machine import wait_for
from .site import Site

VARIABLE = "SLIPWAY_TEST_FAR_PASSWORD"
#: For the end of a site's pipeline.toml.
FAR = f'\n[workers.far]\nlabels = ["far"]\npassword = {{ env = "{VARIABLE}" }}\n'
_PASSWORD = "far away from here"


def expect_far(site: Site) -> None:
    """Have a site know the worker; before it is started."""
    site.env[VARIABLE] = _PASSWORD
    file = site.folder / "pipeline.toml"
    file.write_text(file.read_text() + FAR)


def fingerprint(site: Site) -> str:
    """Return the fingerprint that `slipway up` prints for workers elsewhere."""
    form = r"workers elsewhere connect to \S+, fingerprint (sha256:[0-9a-f]{64})"
    found = wait_for(lambda: re.search(form, site.log.read_text()), site.said)
    return str(found[1])


@contextmanager
def far_worker(
    site: Site,
    more: str = "",
    options: Sequence[str] = (),
    expected: str = "Connected to",
    python: str | Path = sys.executable,
    env: Mapping[str, str] | None = None,
) -> Iterator[Path]:
    """Run the worker beside a site that runs.

    Args:
        site: The site.
        more: Python that is added to its buildbot.tac.
        options: More options of `slipway worker`.
        expected: What its log says, a regular expression, before the test goes on.
        python: The Python of its installation.
        env: More environment variables.

    Yields:
        Its folder.
    """
    folder, secret = site.folder / "far", site.folder / "far.password"
    secret.touch(0o600)
    secret.write_text(_PASSWORD)
    words = ["worker", "setup", str(folder), "--name", "far", "--password-file", str(secret)]
    done = site.run_slipway(*words, "--master", f"127.0.0.1:{site.worker_port}", *options)
    assert done.returncode == 0, done.stderr
    with (folder / "buildbot.tac").open("a") as tac:
        tac.write(more)
    twistd = ["-c", "from twisted.scripts.twistd import run; run()", "--nodaemon", "--no_save"]
    twistd += ["--pidfile", "", "--python", str(folder / "buildbot.tac")]
    environment = {key: value for key, value in os.environ.items() if key != VARIABLE}
    environment |= env or {}
    with (folder / "output.log").open("ab") as output:
        process = subprocess.Popen(
            [python, *twistd],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )
    log = folder / "twistd.log"
    try:
        wait_for(
            lambda: log.exists() and re.search(expected, log.read_text()),
            lambda: f"{(folder / 'output.log').read_text()}\n{site.said()}",
        )
        yield folder
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
