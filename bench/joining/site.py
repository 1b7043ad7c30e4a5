"""A master of the bench in a folder of its own: made, started, told to run something, watched."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

BENCH = Path(__file__).parents[1]
#: How many needs the stages have whose start is measured.
WIDTHS = [2, 50]
_MASTER = """
import sys
from pathlib import Path
sys.path.insert(0, {bench!r})
from joining.master import configuration
BuildmasterConfig = configuration(Path({here!r}), {port}, {widths}, ours={ours})
"""


class Site:
    """A master that runs, with what it has said."""

    def __init__(self, here: Path, port: int, web: httpx.Client) -> None:
        self.here = here
        self.port = port
        self.web = web
        self.stamps = here / "stamps"

    def forget(self) -> None:
        """Begin a new page of stamps."""
        self.stamps.unlink(missing_ok=True)

    def force(self, scheduler: str, builder: str) -> None:
        """Press a force scheduler's button."""
        found = self.web.get(f"api/v2/builders/{builder}").json()["builders"][0]
        params = {"builderid": found["builderid"]}
        body = {"id": 1, "jsonrpc": "2.0", "method": "force", "params": params}
        self.web.post(f"api/v2/forceschedulers/{scheduler}", json=body).raise_for_status()

    def wait(self, what: str, patience: float = 120) -> float:
        """Wait until something has happened; return when."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if what in (found := self.found()):
                return found[what]
            time.sleep(0.01)
        raise SystemExit(f"no {what} within {patience} s: {self.last_output()}")

    def found(self) -> dict[str, float]:
        """Return what has happened, and when: of the same thing the last."""
        text = self.stamps.read_text() if self.stamps.exists() else ""
        # The last line may be half written.
        return dict(json.loads(line) for line in text.split("\n")[:-1])

    def last_output(self) -> str:
        """Return what the master said last."""
        log = self.here / "twistd.log"
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""


@contextmanager
def running(here: Path, *, ours: bool) -> Iterator[Site]:
    """Make and run a master; of ours or of Buildbot's own ways."""
    here.mkdir()
    with socket.socket() as lease:
        lease.bind(("127.0.0.1", 0))
        port = int(lease.getsockname()[1])
    _make(here, port, ours=ours)
    run = "from twisted.scripts.twistd import run; run()"
    argv = [sys.executable, "-c", run, "--nodaemon", "--no_save", "--pidfile", ""]
    with (here / "output.log").open("wb") as output:
        master = subprocess.Popen(
            [*argv, "--python", "buildbot.tac"], cwd=here, stdout=output, stderr=output
        )
    base = f"http://127.0.0.1:{port}/"
    try:
        with httpx.Client(base_url=base, trust_env=False, timeout=60) as web:
            site = Site(here, port, web)
            _wait_until_up(site, master)
            yield site
    finally:
        master.terminate()
        try:
            master.wait(20)
        except subprocess.TimeoutExpired:
            master.kill()


def _make(here: Path, port: int, *, ours: bool) -> None:
    text = "".join(_project(here, width) for width in WIDTHS)
    (here / "pipeline.toml").write_text(f"{text}[workers.w1]\n")
    words = {"bench": str(BENCH), "here": str(here), "port": port, "widths": WIDTHS, "ours": ours}
    (here / "master.cfg").write_text(_MASTER.format(**words))
    git = ["git", "-c", "user.name=b", "-c", "user.email=b@localhost"]
    subprocess.run([*git, "init", "-q", "-b", "main", str(here / "source")], check=True)
    commit = [*git, "commit", "-q", "--allow-empty", "-m", "one"]
    subprocess.run(commit, cwd=here / "source", check=True)
    buildbot = [sys.executable, "-c", "from buildbot.scripts.runner import run; run()"]
    for arguments in (
        ["create-master", "--quiet", "-c", "master.cfg"],
        ["upgrade-master", "--quiet"],
    ):
        argv = [*buildbot, *arguments, str(here)]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def _project(here: Path, width: int) -> str:
    parts = [f"p{number}" for number in range(width)]
    text = f'[project.fan{width}]\nrepository = "{here}/source"\n'
    for name in [*parts, "join"]:
        needs = json.dumps(parts if name == "join" else [])
        text += f'[project.fan{width}.stages.{name}]\nuses = "command"\nargv = ["true"]\n'
        text += f"needs = {needs}\n"
    return text


def _wait_until_up(site: Site, master: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and master.poll() is None:
        if "BuildMaster is running" in site.last_output():
            time.sleep(2)
            return
        time.sleep(0.2)
    raise SystemExit(f"the bench's master did not come up: {site.last_output()}")
