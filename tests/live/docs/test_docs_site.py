"""The pages that need a site which runs: each command of theirs, literally, in order, on one site.

What a page tells the test is in `tests/support/docs_pages.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.master.access.passwords import hash_password
from tests.live.conftest import LiveSite
from tests.support.docs_pages import ON_A_SITE, ROOT, blocks, looks_like, put, statements
from tests.support.site import command

pytestmark = [pytest.mark.live, pytest.mark.slow]

PYPROJECT = '[project]\nname = "almanac"\nversion = "1.4.0"\n'
#: As the pages show them.
FILES = [
    "almanac-1.4.0-linux-x86_64.tar.zst",
    "almanac-linux-x86_64.cdx.json",
    "almanac-roles.sql",
    "almanac.dump",
]
BILL = '{"bomFormat": "CycloneDX", "specVersion": "1.6"}'
STAGES = (
    command("tests", "print('fine')")
    + command(
        "build",
        f"[open(name, 'w').write({BILL!r} if '.cdx.' in name else name) for name in {FILES}]",
        artefacts=json.dumps(FILES),
    )
    + """[project.demo.stages.publish]
uses = "publish"
if-unchanged = "release"
needs = ["build"]

[project.demo.environments.staging]
deployer = { kind = "command", argv = ["true"] }

[project.demo.stages.staging]
uses = "deploy"
environment = "staging"
needs = ["publish"]
manual = true
parameters = [{ name = "ticket", type = "string" }]
"""
    + command("hand-over", "print('over')", "build", manual="true", approvals="1")
    + """parameters = [
  { name = "reason", type = "string", required = true },
  { name = "replicas", type = "integer", min = 1, max = 8 },
]
"""
)
#: Gates of run 1 and 2, as the pages have them: of hand-over, then of staging.
GATES = [(1, "hand-over"), (2, "staging"), (3, "hand-over"), (4, "staging")]


class Reader:
    """Somebody in the site's folder, with the pages open."""

    def __init__(self, site: LiveSite) -> None:
        self.site = site
        who = {"NAME": "Ann", "EMAIL": "ann@example.org"}
        self.env = {
            f"GIT_{role}_{key}": one for role in ("AUTHOR", "COMMITTER") for key, one in who.items()
        }
        self.env |= site.env | {"PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"}
        self.tokens: dict[str, str] = {}

    def furnish(self) -> None:
        """Have two runs, each deployed to staging, and a gate of each that waits."""
        site, folder = self.site, self.site.folder
        site.make_repository()
        (site.repository / "pyproject.toml").write_text(PYPROJECT)
        site.commit("The almanac")
        (folder / ".venv").symlink_to(ROOT / ".venv")
        site.state.mkdir()
        (folder / ".slipway").symlink_to(site.state)
        (folder / "backups").mkdir()
        (site.state / "almanac").symlink_to(site.repository)
        site.write(STAGES)
        file = folder / "pipeline.toml"
        text = file.read_text().replace("[project.demo", "[project.almanac")
        bob = json.dumps(hash_password("a long word of his"))
        file.write_text(f'{text}\n[people.bob]\npassword = {bob}\nroles = ["developer"]\n')
        site.up()
        for number in (1, 2):
            if number > 1:
                assert self.site.run_slipway("trigger").returncode == 0
            site.wait_for_stage(number, "staging", "gate")
            done = site.run_slipway("deploy", "staging", "--run", str(number))
            assert done.returncode == 0, done.stderr
        gates = json.loads(site.run_slipway("gate", "list", "--all", "--json").stdout)
        assert sorted((one["id"], one["stage"]) for one in gates) == GATES

    def person(self, name: str) -> dict[str, str]:
        """Return the environment of somebody elsewhere, who has a token."""
        if name not in self.tokens:
            made = self.site.run_slipway("token", "create", "--person", name, "--name", "pages")
            self.tokens[name] = made.stdout.strip()
        return {"SLIPWAY_URL": self.site.url, "SLIPWAY_TOKEN": self.tokens[name]}

    def run(self, command: str, marks: dict[str, str]) -> tuple[int, str]:
        """Run a command; return its exit code and what it printed."""
        more = self.person(marks["as"]) if "as" in marks else {}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-o", "pipefail", "-c", put(command, marks)],
            cwd=self.site.folder,
            env=self.env | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    site = LiveSite(tmp_path_factory.mktemp("pages"))
    made = Reader(site)
    try:
        made.furnish()
        yield made
    finally:
        left = site.end_processes()
    assert not left, left


@pytest.mark.skipif(sys.platform != "linux", reason="the pages are written for Linux")
def test_pages_are_done_literally_in_order(reader: Reader) -> None:
    for name in ON_A_SITE:
        assert done(reader, ROOT / name), f"nothing of {name} was run"


def done(reader: Reader, page: Path) -> int:
    """Do a page; return how many of its commands were run."""
    ran = 0
    for block in blocks(page):
        if not block.commands or "not run" in block.marks:
            continue
        said = ""
        if "curl " in block.text and shutil.which("curl") is None:
            # What a reader has need not be on this machine.
            continue
        for is_command, line in statements(block.text):
            if not is_command:
                assert looks_like(line, said), f"{page}: {line}\nnot in:\n{said}"
                continue
            code, said = reader.run(line, block.marks)
            expected = int(block.marks.get("exit", "0"))
            assert code == expected, f"{page}: {line}: {code}\n{said}"
            assert "Traceback" not in said
            ran += 1
    return ran
