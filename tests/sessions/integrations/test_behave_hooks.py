"""The hooks for behave, by behave itself: settings, tags, evidence, clashes, clean ends."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys

import pytest

from slipway.sessions.evidence import EvidenceFolder
from slipway.sessions.session import Evidence

pytestmark = pytest.mark.slow

needs_browser = pytest.mark.skipif(
    not (shutil.which("chromedriver") and shutil.which("chromium-headless-shell")),
    reason="no chromedriver and chromium-headless-shell on PATH",
)
HOME = 'Feature: Shop\n  Scenario: Home page\n    Given I am on "/"\n    Then I should see "{}"\n'
JAVASCRIPT = f"@javascript\n{HOME.format('Welcome')}"


class Project:
    """A project with behave features, and behave in it."""

    def __init__(self, folder):
        self.folder = folder
        self.write(
            "features/environment.py", "from slipway.sessions.integrations.behave_hooks import *\n"
        )
        self.write("features/steps/ready.py", "from slipway.sessions.steps import *\n")
        self.write("features/one.feature", HOME.format("Welcome"))

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def behave(self, *arguments, **environ):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SLIPWAY_")}
        result = subprocess.run(
            [sys.executable, "-m", "behave", "--no-color", *arguments],
            cwd=self.folder,
            env=kept | environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return result.returncode, result.stdout + result.stderr


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_plain_behave_with_d(project, application):
    code, told = project.behave("--tags=~@javascript", "-D", f"base_url={application.url}")
    assert code == 0, told
    assert "1 scenario passed" in told


def test_settings_from_variables_and_pyproject_the_nearest_wins(project, application):
    nowhere = "http://127.0.0.1:9/"
    project.write(
        "pyproject.toml",
        f'[tool.slipway.features]\nbase-url = "{nowhere}"\ndefine = {{ shop = "own" }}\n'
        f'[tool.slipway.features.profiles.here]\nbase-url = "{application.url}"\n',
    )
    assert project.behave()[0] == 1
    assert project.behave("-D", "profile=here")[0] == 0
    assert project.behave(SLIPWAY_PROFILE="here")[0] == 0
    assert project.behave(SLIPWAY_BASE_URL=application.url)[0] == 0
    assert project.behave("-D", "profile=here", SLIPWAY_BASE_URL=nowhere)[0] == 1
    assert project.behave("-D", f"base_url={application.url}", SLIPWAY_BASE_URL=nowhere)[0] == 0


def test_define_of_pyproject_reaches_own_steps(project, application):
    project.write(
        "pyproject.toml",
        f'[tool.slipway.features]\nbase-url = "{application.url}"\ndefine = {{ shop = "own" }}\n',
    )
    project.write(
        "features/steps/own.py",
        "from behave import then\n@then('the shop is {name}')\n"
        "def step(context, name):\n    assert context.config.userdata['shop'] == name\n",
    )
    project.write("features/one.feature", HOME.format("Welcome") + "    And the shop is own\n")
    code, told = project.behave()
    assert code == 0, told
    code, told = project.behave("-D", "shop=other")
    assert code == 1, told


@pytest.mark.parametrize(
    ("arguments", "pyproject", "sentence"),
    [
        ([], "", "nothing says where the application runs: give -D base_url=http://..."),
        (["-D", "base_url=shop"], "", "-D base_url: 'shop' is no address"),
        (["-D", "window_size=big"], "", "-D window_size: 'big' is no size in pixels"),
        (["-D", "headless=perhaps"], "", "-D headless: 'perhaps' is not allowed"),
        (["-D", "without_browser=cry"], "", "-D without_browser: 'cry' is not allowed"),
        (["-D", "profile=stagin"], "[tool.slipway.features.profiles.staging]", '"staging"?'),
        (["-D", "profile=x"], "[tool.slipway]", 'the profile "x" is not in'),
        ([], "[tool.slipway.features]\nbase-url = 7", "features.base-url: 7 is no address"),
        (
            ["-D", "profile=x"],
            "[tool.slipway.features]\nprofiles = 7",
            "slipway.features.profiles: 7 is not allowed; write a table",
        ),
    ],
)
def test_wrong_settings_are_told_in_one_sentence(project, arguments, pyproject, sentence):
    if pyproject:
        project.write("pyproject.toml", pyproject)
    code, told = project.behave(*arguments)
    assert code == 1
    assert sentence in told
    assert "Traceback" not in told
    assert "0 scenarios passed" in told


def test_own_hooks_call_the_functions(project, application):
    project.write(
        "features/environment.py",
        "from slipway.sessions.integrations import behave_hooks as behaving\n"
        "def before_all(context):\n"
        f"    context.config.userdata['base_url'] = {application.url!r}\n"
        "def before_scenario(context, scenario):\n"
        "    behaving.before_scenario(context, scenario)\n"
        "    context.session.visit('/login')\n",
    )
    project.write("features/one.feature", HOME.format("Welcome").replace('am on "/"', 'follow "x"'))
    code, told = project.behave()
    assert code == 1
    assert 'no link "x" on the page' in told
    assert "/login" in told


def test_evidence_of_a_failed_step_and_the_steps_own_error(project, application, tmp_path):
    project.write("features/one.feature", HOME.format("Nowhere"))
    where = tmp_path / "evidence"
    for _ in range(2):
        code, told = project.behave(
            *("-f", "json", "-o", "out.json", "-f", "plain"),
            *("-D", f"base_url={application.url}"),
            SLIPWAY_EVIDENCE=str(where),
        )
        assert code == 1
        assert '"Nowhere" is not on the page http' in told
        assert "Traceback" not in told
    assert "Welcome" in (where / "home-page" / "page.html").read_text()
    assert (where / "home-page-2" / "page.html").is_file()
    (feature,) = json.loads((tmp_path / "out.json").read_text())
    kept = feature["elements"][0]["steps"][1]["embeddings"]
    html = [one for one in kept if one["mime_type"].startswith("text/html")]
    assert b"Welcome" in base64.b64decode(html[0]["data"])


def test_evidence_of_all_visitors_and_none_when_all_is_well(project, application, tmp_path):
    where = tmp_path / "evidence"
    target = ("-D", f"base_url={application.url}")
    assert project.behave(*target, SLIPWAY_EVIDENCE=str(where))[0] == 0
    assert not where.exists()
    text = HOME.format("Welcome") + '    Given I am "bob"\n    And I am on "/login"\n'
    project.write("features/one.feature", text + '    Then I should see "Nowhere"\n')
    assert project.behave(*target, SLIPWAY_EVIDENCE=str(where))[0] == 1
    names = {file.name for file in (where / "home-page").iterdir()}
    assert {"page.html", "bob-page.html"} <= names


def test_a_formatter_that_breaks_on_bytes_hides_nothing(project, application, tmp_path):
    project.write(
        "broken.py",
        "from behave.formatter.base import Formatter\n"
        "class Broken(Formatter):\n"
        "    def embedding(self, mime_type, data):\n"
        "        data + 'text'\n",
    )
    project.write("features/one.feature", HOME.format("Nowhere"))
    where = tmp_path / "evidence"
    code, told = project.behave(
        *("-f", "broken:Broken", "-f", "plain", "-D", f"base_url={application.url}"),
        PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
        SLIPWAY_EVIDENCE=str(where),
    )
    assert code == 1
    assert '"Nowhere" is not on the page http' in told
    assert "page.html is not kept: TypeError" in told
    assert "HOOK-ERROR" not in told
    assert (where / "home-page" / "page.html").is_file()


def test_a_place_for_evidence_that_cannot_be_written(project, application, tmp_path):
    (tmp_path / "taken").write_text("a file")
    project.write("features/one.feature", HOME.format("Nowhere"))
    target = ("-D", f"base_url={application.url}")
    code, told = project.behave(*target, SLIPWAY_EVIDENCE=str(tmp_path / "taken"))
    assert code == 1
    assert '"Nowhere" is not on the page http' in told
    assert "page.html is not kept" in told
    assert "HOOK-ERROR" not in told


def test_evidence_when_a_hook_of_the_project_fails(project, application, tmp_path):
    project.write(
        "features/environment.py",
        "from slipway.sessions.integrations.behave_hooks import *\n"
        "from slipway.sessions.integrations import behave_hooks as behaving\n"
        "def before_scenario(context, scenario):\n"
        "    behaving.before_scenario(context, scenario)\n"
        "    context.session.visit('/login')\n"
        "    context.session.press('Nowhere')\n",
    )
    where = tmp_path / "evidence"
    target = ("-D", f"base_url={application.url}")
    code, told = project.behave(*target, SLIPWAY_EVIDENCE=str(where))
    assert code == 1
    assert 'no button "Nowhere"' in told
    assert "Sign in" in (where / "home-page" / "page.html").read_text()


def test_a_clash_with_an_own_step_stops_the_run(project, application):
    project.write(
        "features/steps/own.py",
        "from behave import then\n@then('I should see \"{what}\"')\n"
        "def step(context, what):\n    pass\n",
    )
    code, told = project.behave("-D", f"base_url={application.url}")
    assert code == 1
    assert "features/steps/own.py:2 says the same as the ready step" in told
    assert "use_steps(without=" in told
    assert "scenario passed" not in told
    left_out = told.partition("use_steps(")[2].partition(")")[0]
    project.write(
        "features/steps/ready.py",
        f"from slipway.sessions.steps import use_steps\nuse_steps({left_out})\n",
    )
    code, told = project.behave("-D", f"base_url={application.url}")
    assert code == 0, told


def test_javascript_without_a_browser_fails_or_is_skipped_never_passes(
    project, application, tmp_path
):
    project.write("features/one.feature", JAVASCRIPT)
    # Nothing is on this PATH.
    nothing = {"PATH": str(tmp_path), "SLIPWAY_BROWSER": "no-such-browser"}
    target = ("-D", f"base_url={application.url}")
    code, told = project.behave(*target, **nothing)
    assert code == 1
    assert "DriverMissing" in told
    assert "no-such-browser" in told
    assert "0 scenarios passed" in told
    code, told = project.behave(*target, "-D", "without_browser=skip", **nothing)
    assert code == 0, told
    assert "SKIPPED 'Home page'" in told
    assert "0 scenarios passed, 0 failed, 1 skipped" in told


@needs_browser
def test_a_browser_where_the_tag_says_so_and_its_picture_as_evidence(
    project, application, tmp_path
):
    application.add("/script", "<p id=p></p><script>p.textContent = 'by script'</script>")
    steps = '    Given I am on "/script"\n    Then I should see "by script"\n'
    project.write(
        "features/one.feature",
        f"Feature: Scripts\n  @javascript\n  Scenario: With\n{steps}  Scenario: Without\n{steps}"
        f'  @javascript @insulated\n  Scenario: Bad\n{steps}    And I should see "Nowhere"\n',
    )
    where = tmp_path / "evidence"
    target = ("-D", f"base_url={application.url}")
    code, told = project.behave(*target, SLIPWAY_EVIDENCE=str(where))
    assert code == 1
    assert "1 scenario passed, 2 failed" in told
    kinds = {file.suffix for file in (where / "bad").iterdir()}
    assert {".png", ".html"} <= kinds
    assert not (where / "with").exists()


def test_names_in_the_evidence_folder(tmp_path):
    folder = EvidenceFolder("../Ärger / mit \\ Namen: x" * 20, tmp_path)
    first = folder.write(Evidence("a.png", "image/png", b"1"))
    second = folder.write(Evidence("a.png", "image/png", b"2"))
    third = folder.write(Evidence("../../up.html", "text/html", b"3"))
    assert {first.parent, second.parent, third.parent} == {first.parent}
    assert first.parent.parent == tmp_path
    assert (first.name, second.name, third.name) == ("a.png", "a-2.png", "up.html")
    assert EvidenceFolder("x", None).write(Evidence("a", "text/plain", b"")) is None


RETRIED = """@javascript
Feature: Shop
  Scenario: second time lucky
    Given I am on "/"
    And it works the second time
    Then I should see "Welcome"
"""
SECOND = """
from slipway.sessions.steps import *
from behave import given

@given("it works the second time")
def second(context):
    assert int(context.config.userdata["slipway.attempt"]) > 1, "not yet"
"""


@needs_browser
def test_a_second_attempt_is_filmed(project, application):
    project.write("features/one.feature", RETRIED)
    project.write("features/steps/ready.py", SECOND)
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "slipway.cli", "features", "--base-url", application.url),
            *("--retries", "1", "--output", "out"),
        ],
        cwd=project.folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("SLIPWAY_")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "1 scenario: 1 flaky" in ran.stdout, ran.stdout + ran.stderr
    frames = sorted((project.folder / "out" / "evidence").glob("*-2-*.jpg"))
    assert len(frames) == 3
    assert all(one.read_bytes().startswith(b"\xff\xd8\xff") for one in frames)
    assert max(one.stat().st_size for one in frames) < 50_000
    page = (project.folder / "out" / "features.html").read_text()
    for words in ("Given I am on", "And it works the second time", "Then I should see"):
        assert f"<span>{words}" in page
    assert "<span>screenshot.png</span>" in page
