"""The site that several features share: two projects, two environments, six people.

"almanac" is built, published and brought to staging and production, each behind a gate; the gate of
staging asks a question of every type. "moon" has a test that fails until somebody mends it.
"""

from __future__ import annotations

import json
import sys

from slipway.master.access.passwords import hash_password
from support.site import FeatureSite
from tests.support.machine import kill

PASSWORD = "open the almanac"  # noqa: S105  of a site that lives for minutes
#: Who may do what. Three may decide about production: one asks, two others say yes.
ROLES = {
    "ann": "admin",
    "bob": "releaser",
    "cleo": "releaser",
    "dan": "releaser",
    "eve": "developer",
    "finn": "viewer",
}
#: What the test says as long as nobody has mended it.
WRONG = "the moon rose at noon: expected 18:04"

_BUILD = """\
import pathlib, zipfile
pathlib.Path("dist").mkdir()
with zipfile.ZipFile("dist/almanac.zip", "w") as archive:
    archive.write("notes.txt")
"""
_DEPLOYER = """\
import json, os, pathlib, sys
got = {name: text for name, text in os.environ.items() if name.startswith("SLIPWAY_PARAM_")}
told = {"version": os.environ["SLIPWAY_VERSION"], "back": os.environ["SLIPWAY_ROLLBACK"], **got}
pathlib.Path(sys.argv[1]).write_text(json.dumps(told))
print("rolled out")
"""
_TESTS = """\
import pathlib, unittest


class Moon(unittest.TestCase):
    def test_full_moon_rises_at_sunset(self):
        self.assertTrue(pathlib.Path({mended!r}).exists(), {wrong!r})

    def test_new_moon_is_dark(self):
        self.assertEqual(0, 0)
"""
_FORM = """
[[project.almanac.stages.staging.parameters]]
name = "ticket"
type = "string"
label = "Change ticket"
pattern = "[A-Z]+-[0-9]+"
help = "The change's ticket, such as OPS-12."
required = true
[[project.almanac.stages.staging.parameters]]
name = "notes"
type = "text"
help = "What users will read."
[[project.almanac.stages.staging.parameters]]
name = "replicas"
type = "integer"
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
name = "migrate"
type = "boolean"
label = "Bring the database up to date"
[[project.almanac.stages.staging.parameters]]
name = "colour"
type = "choice"
choices = [{ value = "blue", label = "Blue" }, { value = "green", label = "Green" }]
default = "blue"
[[project.almanac.stages.staging.parameters]]
name = "regions"
type = "multi-choice"
choices = ["Europe", "Asia", "Africa"]
min = 1
default = ["Europe"]
[[project.almanac.stages.staging.parameters]]
name = "announce"
type = "date"
label = "Announced on"
min = "2026-01-01"
max = "2099-12-31"
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
"""


class AlmanacSite(FeatureSite):
    """A site with people, gates and environments."""

    def __init__(self) -> None:
        super().__init__()
        self.moon = self.folder / "moon"
        #: What the last deployment to staging was told; its program writes it.
        self.told = {name: self.folder / f"{name}.json" for name in ("staging", "production")}

    def begin(self) -> None:
        """Make both repositories and start the site."""
        self.make_repository()
        self.moon.mkdir()
        (self.moon / "tests").mkdir()
        (self.moon / "pyproject.toml").write_text('[project]\nname = "moon"\nversion = "1.0"\n')
        tests = _TESTS.format(mended=str(self.mended), wrong=WRONG)
        (self.moon / "tests" / "test_moon.py").write_text(tests)
        self.git("init", "--quiet", "--initial-branch=main", str(self.moon))
        self.git("-C", str(self.moon), "add", "--all")
        self.git("-C", str(self.moon), "commit", "--quiet", "-m", "Ask when the moon rises")
        self.try_to_start(self.write_pipeline)

    def kill(self) -> None:
        """End master and workers as a power cut does."""
        process, self.process = self.process, None
        kill(self.processes())
        if process is not None:
            process.wait(10)

    def write_pipeline(self) -> None:
        """Write pipeline.toml."""
        hashed = json.dumps(hash_password(PASSWORD))
        people = "".join(
            f'[people.{name}]\nroles = ["{role}"]\npassword = {hashed}\n'
            for name, role in ROLES.items()
        )
        text = f"""[site]
title = {json.dumps(self.title)}
url = {json.dumps(self.url)}
worker-port = {self.worker_port}

[project.almanac]
repository = "source"
poll = "12h"
{"".join(map(self._environment, self.told))}
[project.almanac.stages.build]
uses = "command"
argv = {json.dumps([sys.executable, "-c", _BUILD])}
artefacts = ["dist/almanac.zip"]

[project.almanac.stages.publish]
uses = "publish"
if-unchanged = "release"
needs = ["build"]

[project.almanac.stages.staging]
uses = "deploy"
needs = ["publish"]
environment = "staging"
manual = true
{_FORM}
[project.almanac.stages.production]
uses = "deploy"
needs = ["staging"]
environment = "production"
manual = true
allowed = ["releaser"]
approvals = 2

[project.moon]
repository = "moon"
poll = "12h"

[project.moon.stages.tests]
uses = "tests"

[project.moon.stages.look]
uses = "command"
needs = ["tests"]
argv = {json.dumps([sys.executable, "-c", "print('it is dark')"])}

[workers.local]
isolated = false
{people}"""
        (self.folder / "pipeline.toml").write_text(text)

    def _environment(self, name: str) -> str:
        argv = json.dumps([sys.executable, "-c", _DEPLOYER, str(self.told[name])])
        return (
            f"[project.almanac.environments.{name}]\n"
            f'url = "http://{name}.example.org/"\n'
            f'deployer = {{ kind = "command", argv = {argv} }}\n'
        )
