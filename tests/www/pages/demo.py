"""A site that shows everything the pages can show, made by real runs of a small project."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from slipway.master.access.passwords import hash_password
from tests.support.http import open_client
from tests.support.machine import wait_for
from tests.support.site import Site

API = "plugins/slipway/api/"
PASSWORD = "look at the demo"
#: A commit nobody should write: right-to-left text, HTML, and no end.
HARD = "<b onclick='alert(1)'>مرحبا</b> "  # fmt: skip
HARD += "a subject that goes on for longer than any page is wide, " * 3

_PACE = """\
import json, pathlib, sys, time
name = sys.argv[1]
pace = json.loads(pathlib.Path("pace.json").read_text()).get(name, {})
for second in range(int(pace.get("seconds", 1))):
    print(f"{name}: step {second + 1}", flush=True)
    time.sleep(1)
if name == "build":
    pathlib.Path("dist").mkdir(exist_ok=True)
    import zipfile
    with zipfile.ZipFile("dist/almanac.zip", "w") as archive:
        archive.write("almanac.py", "almanac/almanac.py")
sys.exit(pace.get("exit", 0))
"""
_TESTS = """\
import time, unittest


class Moon(unittest.TestCase):
    def test_new_moon_is_dark(self):
        time.sleep(0.12)

    def test_full_moon_rises_at_sunset(self):
        {full}

    def test_phases_come_in_order(self):
        time.sleep(0.31)


class Tides(unittest.TestCase):
    def test_high_water_at_dover(self):
        time.sleep(0.05)

    def test_spring_tide_follows_the_moon(self):
        self.assertEqual(1, 1)
"""
_FORM = """
[[project.almanac.stages.staging.parameters]]
name = "replicas"
type = "integer"
help = "How many run side by side."
required = true
min = 1
max = 9
default = { from = "last" }
[[project.almanac.stages.staging.parameters]]
name = "share"
type = "decimal"
label = "Share of the visitors"
places = 2
min = "0.01"
max = "1.00"
default = "1.00"
[[project.almanac.stages.staging.parameters]]
name = "colour"
type = "choice"
choices = [{ value = "blue", label = "Blue" }, { value = "green", label = "Green" }]
required = true
default = "blue"
[[project.almanac.stages.staging.parameters]]
name = "regions"
type = "multi-choice"
choices = ["Europe", "Asia", "Americas", "Africa", "Oceania"]
min = 1
default = ["Europe"]
[[project.almanac.stages.staging.parameters]]
name = "ticket"
type = "string"
pattern = "[A-Z]+-[0-9]+"
help = "The change's ticket, such as OPS-12."
required = true
[[project.almanac.stages.staging.parameters]]
name = "announce"
type = "date"
min = "today"
help = "When users are told."
[[project.almanac.stages.staging.parameters]]
name = "migrate"
type = "boolean"
label = "Bring the database up to date first"
default = true
[[project.almanac.stages.staging.parameters]]
name = "notes"
type = "text"
help = "What users will read."
[[project.almanac.stages.staging.parameters]]
name = "release"
type = "release"
help = "What is deployed; left open it is this run's own."
[[project.almanac.stages.staging.parameters]]
name = "copy-data-from"
type = "environment"
[[project.almanac.stages.staging.parameters]]
name = "token"
type = "secret"
help = "Dispatched to the deployment, never stored."

[[project.almanac.stages.production.parameters]]
name = "ticket"
type = "string"
required = true
default = { from = "last" }
"""


class Demo(Site):
    """The project "almanac" with two environments and three people."""

    #: No mail server is there: mails wait.
    mail_port = 1

    def write_demo(self) -> None:
        """Write pipeline.toml."""

        def paced(name: str, **keys: str) -> str:
            told = "".join(f"{key} = {value}\n" for key, value in keys.items())
            argv = f'["python3", "pace.py", "{name}"]'
            return f'[project.almanac.stages.{name}]\nuses = "command"\nargv = {argv}\n{told}'

        def place(name: str) -> str:
            folder = json.dumps(str(self.folder / "places" / name))
            return (
                f"[project.almanac.environments.{name}]\n"
                f'url = "https://{name}.example.org/"\n'
                f'deployer = {{ kind = "folder", path = {folder} }}\n'
            )

        hashed = json.dumps(hash_password(PASSWORD))
        people = "".join(
            f'[people.{name}]\nname = "{name.title()}"\nroles = ["{role}"]\npassword = {hashed}\n'
            f'email = "{name}@example.org"\n'
            for name, role in (("ann", "admin"), ("bob", "releaser"), ("cleo", "viewer"))
        )
        text = f"""[site]
title = {json.dumps(self.title)}
url = {json.dumps(self.url)}
worker-port = {self.worker_port}

[project.almanac]
repository = "source"
poll = "12h"

[project.almanac.stages.tests]
uses = "tests"

{paced("lint", matrix='{ python = ["3.11", "3.12", "3.13"] }')}
{paced("docs")}
{paced("build", artefacts='["dist/almanac.zip"]')}
[project.almanac.stages.publish]
uses = "publish"
if-unchanged = "release"
needs = ["tests", "lint", "build"]

{paced("acceptance", needs='["publish", "docs"]')}
{place("staging")}
{place("production")}
[project.almanac.stages.staging]
uses = "deploy"
needs = ["publish", "acceptance"]
environment = "staging"
manual = true

[project.almanac.stages.production]
uses = "deploy"
needs = ["staging"]
environment = "production"
manual = true
approvals = 1
allowed = ["releaser"]
{_FORM}
[workers.local]
labels = ["linux"]
isolated = false
[workers.windows]
labels = ["windows"]
password = {{ env = "SLIPWAY_DEMO_WINDOWS" }}
{people}
[notify.mail]
kind = "email"
host = "127.0.0.1"
port = {self.mail_port}
security = "none"
sender = "ci@example.org"
[notify.diary]
kind = "command"
argv = ["cat"]
"""
        self.env["SLIPWAY_DEMO_WINDOWS"] = "never connects"
        (self.folder / "pipeline.toml").write_text(text)

    def make_project(self) -> None:
        """Make the repository; its first commit is what the first poll finds."""
        self.repository.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        project = '[project]\nname = "almanac"\nversion = "1.4.0"\nrequires-python = ">=3.11"\n'
        (self.repository / "pyproject.toml").write_text(project)
        (self.repository / "almanac.py").write_text('PHASES = ("new", "full")\n')
        (self.repository / "pace.py").write_text(_PACE)
        self.change("Tell the phases of the moon")

    def change(self, subject: str, full: str = "time.sleep(0.2)", **pace: dict[str, int]) -> None:
        """Commit; `full` is the body of one test, `pace` how stages behave."""
        tests = self.repository / "tests"
        tests.mkdir(exist_ok=True)
        (tests / "test_almanac.py").write_text(_TESTS.format(full=full))
        (self.repository / "pace.json").write_text(json.dumps(pace))
        self.commit(subject)

    # ---- what people do

    @contextlib.contextmanager
    def person(self, name: str) -> Iterator[httpx.Client]:
        """Sign a person in."""
        with open_client(base_url=self.url, timeout=60) as client:
            client.get("auth/login", auth=(name, PASSWORD))
            yield client

    def act(self, client: httpx.Client, path: str, body: dict[str, Any] | None = None) -> Any:
        """Post to the API and return the answer."""
        answer = client.post(API + path, json=body or {})
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def start(self, client: httpx.Client, *states: str, wait: bool = True) -> int:
        """Start a run of the newest revision; with `wait` until it rests."""
        number: int = self.act(client, "runs", {"project": "almanac"})["number"]
        if wait:
            self.rest(client, number, *states)
        return number

    def rest(self, client: httpx.Client, number: int, *states: str) -> None:
        """Wait until a run is in one of these states."""
        wanted = states or ("waiting", "failed", "passed", "cancelled")

        def look() -> Any:
            run = client.get(f"{API}runs/almanac/{number}").json()
            return run if run.get("state") in wanted else None

        wait_for(look, lambda: f"run {number} {wanted}: {self.said()}")

    def gate(self, client: httpx.Client, number: int, stage: str) -> dict[str, Any]:
        """Return a gate of a run, with its token."""

        def look() -> Any:
            run = client.get(f"{API}runs/almanac/{number}").json()
            found = next((one for one in run.get("stages", []) if one["name"] == stage), None)
            return found["gate"] if found and found["state"] == "gate" else None

        gate = wait_for(look, lambda: f"the gate of {stage} in run {number}: {self.said()}")
        return dict(client.get(f"{API}gates/{gate['id']}").json())

    def open(self, client: httpx.Client, number: int, stage: str, **values: Any) -> None:
        """Open a gate."""
        gate = self.gate(client, number, stage)
        body = {"token": gate["token"], "values": values, "comment": "as agreed"}
        self.act(client, f"gates/{gate['id']}/open", body)

    def deploy(self, client: httpx.Client, number: int, **values: Any) -> None:
        """Deploy to staging and wait for the gate of production."""
        self.open(client, number, "staging", **{"replicas": 2, "ticket": "OPS-7", **values})
        self.gate(client, number, "production")


def furnish(demo: Demo) -> None:
    """Let people work on the site until every page has something to show."""
    demo.make_project()
    demo.write_demo()
    demo.up()
    with demo.person("ann") as ann, demo.person("bob") as bob:
        _work(demo, ann, bob)


def _work(demo: Demo, ann: httpx.Client, bob: httpx.Client) -> None:
    first = 1  # the first poll's
    demo.deploy(ann, first)
    demo.open(ann, first, "production", ticket="OPS-7")
    asked = demo.gate(bob, first, "production")
    told = {"asking": asked["asking"], "comment": "go"}
    demo.act(bob, f"gates/{asked['id']}/approve", told)
    demo.rest(ann, first, "passed")
    demo.change("Draw the full moon", full='self.fail("the moon rose at noon:\\n  expected 18:04")')
    demo.start(ann)
    demo.change("Mend the rising of the full moon", lint={"seconds": 2})
    third = demo.start(ann)
    demo.deploy(ann, third, replicas=4, notes="The moon rises again.")
    demo.open(ann, third, "production", ticket="OPS-9")
    demo.change("Speed the tides up", docs={"exit": 1})
    demo.start(ann)
    demo.change("Speed the tides up, and say so")
    demo.start(ann)
    demo.change("Tell the tides of Dover", build={"seconds": 3000}, docs={"seconds": 2})
    demo.start(ann, wait=False)


def harden(demo: Demo) -> None:
    """Let a run come in whose commit nobody should write; the one at work makes way for it."""
    with demo.person("ann") as ann:
        demo.act(ann, "runs/almanac/6/cancel")
        demo.change(HARD)
        demo.start(ann)


def main() -> None:
    """Serve the demo in a folder until Ctrl-C."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    demo = Demo(folder)
    try:
        furnish(demo)
        print(demo.url, "ann,", PASSWORD, flush=True)
        if demo.process:
            demo.process.wait()
    finally:
        demo.end_processes()


if __name__ == "__main__":
    main()
