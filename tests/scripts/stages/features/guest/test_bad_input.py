"""Bad input through the real `slipway features`: a sentence, an exit code, a failure in JUnit."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import zipfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

HAS_BROWSER = shutil.which("chromedriver") is not None
OLD_DRIVER = Path(__file__).parents[4] / "data" / "sessions" / "old_driver.py"
CRASH = ("the browser crashes", "all is well")

APPLICATION = """
    import http.server, os, sys, time

    ROW = b"<p>" + b"row of text " * 40 + b"</p>\\n"
    PAGES = {
        "/": b"<title>Shop</title><p>Welcome</p>",
        "/invalid": b"<p>one<b>two</p><table><tr><td>three<p></table></b><<a href=/>Ho<me</p>",
        "/latin": "<p>Zürich</p>".encode("latin-1"),
        "/broken": b"<meta charset=utf-8><p>Z\\xfcrich \\xff here</p>",
        "/big": b"<p>Begin</p>" + ROW * 113_000 + b"<p>End</p>",
    }
    KINDS = {"/latin": "text/html; charset=iso-8859-1"}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/die":
                print("dying of it", flush=True)
                os._exit(4)
            if self.path.startswith("/circle"):
                self.send_response(302)
                self.send_header("Location", "/circle/2" if self.path == "/circle" else "/circle")
                self.end_headers()
                return
            self.send_response(503 if "ill" in sys.argv else 200)
            self.send_header("Content-Type", KINDS.get(self.path, "text/html"))
            self.end_headers()
            self.wfile.write(PAGES.get(self.path, b"no such page"))

        def log_message(self, *args):
            pass

    port = int(sys.argv[1])
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
STEPS = """
    import contextlib, os, signal, time
    from behave import given
    import psutil
    from slipway.sessions.steps import *

    @given("all is well")
    def well(context):
        pass

    @given("it hangs")
    def hangs(context):
        time.sleep(600)

    @given("the browser crashes")
    def crashes(context):
        for one in psutil.Process().children(recursive=True):
            # Some end by themselves when another is gone.
            with contextlib.suppress(psutil.NoSuchProcess):
                if "chrom" in one.name() and "driver" not in one.name():
                    one.kill()
"""
GOOD = """
    Feature: Good
      Scenario: good
        Given all is well
"""


@dataclass
class Ran:
    code: int
    said: str
    output: Path

    def junit(self):
        """Return how many scenarios JUnit says have passed, and what it says of the others."""
        passed, bad = 0, []
        with zipfile.ZipFile(self.output / "junit.zip") as packed:
            for name in filter(lambda one: one.endswith(".xml"), packed.namelist()):
                for case in ET.fromstring(packed.read(name)).iter("testcase"):  # noqa: S314
                    wrong = [one for one in case if one.tag in {"failure", "error"}]
                    passed += len(case) == 0
                    bad += [str(one.get("message")) for one in wrong]
        return passed, bad

    def messages(self):
        return {one["name"]: one["message"] for one in json.loads(self.tests())}

    def tests(self):
        return (self.output / "tests.json").read_text()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A project whose environment is its own, as a user's is."""
    folder = tmp_path_factory.mktemp("project")
    words = [sys.executable, "-m", "venv", "--without-pip", "--symlinks", ".venv"]
    subprocess.run(words, cwd=folder, check=True)
    [site] = (folder / ".venv").rglob("site-packages")
    [ours] = [path for path in map(Path, sys.path) if path.name == "site-packages"][:1]
    (site / "ours.pth").write_text(f"import site; site.addsitedir({str(ours)!r})\n")
    return folder


@pytest.fixture
def walk(home):
    """Run `slipway features` on features; more keys for pyproject.toml may be given."""

    def run(*features, keys="", served=("{port}",), environment="", arguments=(), **env):
        for old in (home / "features").rglob("*.*"):
            old.unlink()
        (home / "features" / "steps").mkdir(parents=True, exist_ok=True)
        (home / "features" / "steps" / "all.py").write_text(textwrap.dedent(STEPS))
        hooks = (
            "from slipway.sessions.integrations.behave_hooks import *\n" if served else environment
        )
        (home / "features" / "environment.py").write_text(hooks)
        (home / "application.py").write_text(textwrap.dedent(APPLICATION))
        for number, text in enumerate(features):
            (home / "features" / f"f{number}.feature").write_text(textwrap.dedent(text))
        command = json.dumps(["python", "application.py", *served])
        told = f'[project]\nname = "shop"\nversion = "1"\n[tool.slipway.features]\n{keys}\n'
        told += f"command = {command}\n" if served else ""
        (home / "pyproject.toml").write_text(told)
        python = str(home / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "python")
        done = subprocess.run(
            [python, "-m", "slipway.cli", "features", *arguments],
            cwd=home,
            env={**os.environ, "COLUMNS": "400", **env},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said = done.stdout + done.stderr
        assert "Traceback" not in done.stderr, said
        return Ran(done.returncode, said, home / ".slipway" / "features" / "output")

    return run


def page(path, *steps):
    lines = "\n".join(f"        {one}" for one in steps)
    return f'    Feature: Page\n      Scenario: page\n        Given I am on "{path}"\n{lines}\n'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (
            "Feature: F\n  Scenario: s\n    Given all is well\n    Gvien x\n",
            2,
            'f0.feature:4: "Gvien x"',
        ),
        ("Feature: F\n  Scenario s\n    Given all is well\n", 2, "Scenario without its colon"),
        ("Feature: F\n  @x\n  Scenario: s\n    Given all is well\n", 1, "nothing ran"),
    ],
)
def test_nothing_runs_and_one_sentence_says_why(walk, text, code, told):
    chosen = ["--tags=not @x"] if code == 1 else []
    ran = walk(text, served=(), arguments=chosen)
    assert ran.code == code
    assert told in ran.said


@pytest.mark.slow
def test_undefined_steps_and_hooks_that_raise_are_failures(walk):
    ran = walk("Feature: F\n  Scenario: s\n    Given nobody knows\n", GOOD, served=())
    assert ran.code == 1
    assert "1 passed, 1 error" in ran.said
    passed, [bad] = ran.junit()
    assert passed == 1
    assert "nobody knows" in bad
    hook = "def before_all(context):\n    raise OSError('no licence')\n"
    ran = walk(GOOD, served=(), environment=hook)
    assert ran.code == 1
    passed, [bad] = ran.junit()
    assert passed == 0
    assert "before_all failed: OSError: no licence" in bad


@pytest.mark.slow
def test_a_step_that_hangs_is_ended_and_counted(walk):
    ran = walk(
        "Feature: F\n  Scenario: s\n    Given it hangs\n", served=(), keys='step-timeout = "1s"'
    )
    assert ran.code == 1
    assert "hangs: it did not end within 1 s" in ran.said
    assert any("hangs" in one for one in ran.junit()[1])


@pytest.mark.slow
def test_an_application_that_dies_or_never_gets_well(walk):
    ran = walk(page("/die"), page("/"), arguments=["--jobs", "1"])
    assert ran.code == 1
    assert "exit code 4" in ran.said
    assert "dying of it" in ran.said
    assert ran.junit()[0] == 0
    ran = walk(GOOD, served=("{port}", "ill"), keys='patience = "8s"')
    assert ran.code == 1
    assert "gave: status 503" in ran.said


@pytest.mark.slow
def test_a_port_that_is_taken(walk):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = walk(GOOD, served=(str(taken.getsockname()[1]),), keys='patience = "10s"')
    assert ran.code == 1
    assert "port" in ran.said
    assert "Address already in use" in ran.said


@pytest.mark.slow
def test_pages_that_no_one_should_make(walk):
    ran = walk(
        page("/circle"),
        page("/invalid", 'Then I should see "three"', 'When I follow "Ho"'),
        page("/latin", 'Then I should see "Zürich"'),
        page("/broken", 'Then I should see "here"'),
        page("/big", 'Then I should see "End"'),
    )
    assert "4 passed, 1 failed" in ran.said, ran.said
    passed, [bad] = ran.junit()
    assert passed == 4
    assert "redirect" in bad


@pytest.mark.slow
def test_two_thousand_scenarios(walk):
    rows = "".join(f"\n      Scenario: s{n}\n        Given all is well" for n in range(500))
    ran = walk(*(f"    Feature: F{n}{rows}\n" for n in range(4)), served=(), arguments=["-q"])
    assert ran.code == 0
    assert "2000 scenarios: 2000 passed" in ran.said
    assert ran.junit() == (2000, [])
    assert len(json.loads(ran.tests())) == 2000


JAVASCRIPT = """
    Feature: Browser
      @javascript
      Scenario: page
        Given I am on "/"
        {step}
        Then I should see "Welcome"
"""


@pytest.mark.slow
def test_no_browser_and_a_driver_of_the_wrong_version(walk, tmp_path):
    feature = JAVASCRIPT.format(step="And all is well")
    ran = walk(feature, SLIPWAY_BROWSER=str(tmp_path / "none"))
    assert ran.code == 1
    assert "is not on this machine; install it" in ran.messages()["Browser: page"]
    assert len(ran.junit()[1]) == 1
    driver = tmp_path / "driver"
    driver.write_text(f"#!{sys.executable}\n{OLD_DRIVER.read_text()}")
    driver.chmod(0o755)
    # Any program will do: such a driver never gets to start it.
    ran = walk(feature, SLIPWAY_DRIVER=str(driver), SLIPWAY_BROWSER=sys.executable)
    assert ran.code == 1
    assert "both must be of one version" in ran.messages()["Browser: page"]


@pytest.mark.slow
@pytest.mark.skipif(not HAS_BROWSER, reason="there is no browser here")
def test_a_browser_that_crashes(walk):
    crashes, well = (JAVASCRIPT.format(step=f"And {one}") for one in CRASH)
    ran = walk(crashes, well, arguments=["--jobs", "1"])
    assert ran.code == 1
    assert re.search("1 passed, 1 (error|failed)", ran.said), ran.said
    assert "gone: it" in ran.tests()
    assert ran.junit()[0] == 1
