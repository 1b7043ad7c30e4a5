"""Sessions in pytest, unittest and nose2: fixtures, evidence and what is told without a browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

needs_browser = pytest.mark.skipif(
    not (shutil.which("chromedriver") and shutil.which("chromium-headless-shell")),
    reason="no chromedriver and chromium-headless-shell on PATH",
)

#: Half the start of pytest: plugins that are installed here, and that no test of these uses.
WITHOUT = ("-p", "no:schemathesis", "-p", "no:hypothesispytest")
BOTH = """
import pytest

@pytest.fixture(params=["http_session", BROWSER])
def session(request):
    return request.getfixturevalue(request.param)

def test_signing_in(session):
    session.visit("/login")
    session.fill("User name", "Ann")
    session.fill("Password", "secret")
    session.press("Sign in")
    session.see("Items of Ann")

def test_nothing_is_left_of_the_test_before(session):
    session.visit("/items")
    session.see("User name")
"""

BAD = """
def test_bad(http_session):
    http_session.visit("/login")
    http_session.see("Nowhere")
"""

PARTS = """
import unittest
from slipway.sessions.integrations.unittest_case import BrowserTestCase

class ShopTest(BrowserTestCase, unittest.TestCase):
    tags = TAGS

    def test_a_home_page(self):
        self.session.visit("/")
        self.session.see("Welcome")

    def setUp(self):
        # What is missing here will not come.
        self.session.patience = 0.5

    def test_b_bad(self):
        self.session.visit("/login")
        self.session.see("Nowhere")

    def test_c_bad_part(self):
        self.session.visit("/form")
        with self.subTest("part"):
            self.session.see("Elsewhere")

class SetUpTest(BrowserTestCase, unittest.TestCase):
    tags = TAGS

    def setUp(self):
        self.session.patience = 0.5
        self.session.visit("/cookie")
        self.session.press("Missing")

    def test_never(self):
        pass
"""


@pytest.fixture
def run(tmp_path):
    def inner(*arguments, **environ):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLIPWAY_", "PYTEST_"))}
        result = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=kept | environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return result.returncode, result.stdout + result.stderr

    return inner


@pytest.fixture
def pytest_run(run, tmp_path):
    def inner(text, *arguments, **environ):
        (tmp_path / "test_shop.py").write_text(text)
        plugin = ("-m", "pytest", *WITHOUT, "--strict-markers")
        return run(*plugin, *arguments, **environ)

    return inner


@pytest.mark.parametrize(
    "browser", ["http_session", pytest.param("browser_session", marks=needs_browser)]
)
def test_the_same_tests_pass_in_both_sessions(pytest_run, application, browser):
    code, told = pytest_run(
        BOTH.replace("BROWSER", repr(browser)), f"--slipway-base-url={application.url}"
    )
    assert code == 0, told
    assert "4 passed" in told


def test_where_the_application_is_by_ini_variable_and_fixture(pytest_run, application, tmp_path):
    text = (
        "def test_one(http_session):\n    http_session.visit('/')\n    http_session.see('Welc')\n"
    )
    assert pytest_run(text, "-o", f"slipway_base_url={application.url}")[0] == 0
    assert pytest_run(text, SLIPWAY_BASE_URL=application.url)[0] == 0
    (tmp_path / "conftest.py").write_text(
        "import pytest\n@pytest.fixture(scope='session')\ndef application_url():\n"
        f"    return {application.url!r}\n"
    )
    assert pytest_run(text)[0] == 0


def test_nothing_says_where_the_application_is(pytest_run):
    code, told = pytest_run("def test_one(http_session):\n    pass\n")
    assert code == 1
    assert "nothing says where the application runs" in told


def test_evidence_of_a_failed_test(pytest_run, application, tmp_path):
    code, told = pytest_run(
        BAD,
        f"--slipway-base-url={application.url}",
        "--junit-xml=junit.xml",
        SLIPWAY_EVIDENCE=str(tmp_path / "evidence"),
    )
    assert code == 1
    assert '"Nowhere" is not on the page' in told
    assert f"page: {application.url}login" in told
    page = tmp_path / "evidence" / "test_bad" / "page.html"
    assert "Sign in" in page.read_text()
    assert str(page) in told
    junit = (tmp_path / "junit.xml").read_text()
    assert f'<property name="evidence" value="{page}"' in junit


def test_no_files_unless_asked_for_and_none_when_all_is_well(pytest_run, application, tmp_path):
    url = f"--slipway-base-url={application.url}"
    code, told = pytest_run(BAD, url)
    assert code == 1
    assert f"page: {application.url}login" in told
    code, told = pytest_run(BAD.replace("Nowhere", "Sign in"), url, SLIPWAY_EVIDENCE="kept")
    assert code == 0
    assert not (tmp_path / "kept").exists()


def test_without_a_browser(pytest_run, application, tmp_path):
    text = "def test_one(browser_session):\n    pass\n"
    url = f"--slipway-base-url={application.url}"
    nothing = {"PATH": str(tmp_path), "SLIPWAY_BROWSER": "no-such-browser"}
    code, told = pytest_run(text, url, **nothing)
    assert code == 1
    assert "no-such-browser" in told
    assert "1 error" in told
    code, told = pytest_run(text, url, "-rs", SLIPWAY_WITHOUT_BROWSER="skip", **nothing)
    assert code == 0
    assert "1 skipped" in told


def test_the_marker_names_the_session(pytest_run, application):
    text = (
        "import pytest\n@pytest.mark.session('http')\ndef test_one(browser_session):\n"
        "    assert browser_session.driver == 'http'\n"
        "@pytest.mark.session('nowhere')\ndef test_two(browser_session):\n    pass\n"
    )
    code, told = pytest_run(text, f"--slipway-base-url={application.url}")
    assert code == 1
    assert "1 passed, 1 error" in told
    assert 'no driver "nowhere"' in told


@pytest.mark.parametrize(
    ("runner", "tags"),
    [
        ("unittest", "()"),
        ("nose2", "()"),
        ("pytest", "()"),
        pytest.param("unittest", "('javascript',)", marks=needs_browser),
    ],
)
def test_unittest_keeps_evidence(run, application, tmp_path, runner, tags):
    (tmp_path / "test_shop.py").write_text(PARTS.replace("TAGS", tags))
    where = tmp_path / "evidence"
    code, told = run(
        *("-m", runner, *(WITHOUT if runner == "pytest" else ["test_shop"])),
        SLIPWAY_BASE_URL=application.url,
        SLIPWAY_EVIDENCE=str(where),
    )
    assert code == 1, told
    assert '"Nowhere" is not on the page' in told
    pages = {
        name: (folder / "page.html").read_text()
        for folder in where.iterdir()
        for name in ("b_bad", "c_bad", "never")
        if name in folder.name
    }
    assert "Sign in" in pages["b_bad"]
    assert "Newsletter" in pages["c_bad"]
    assert "none" in pages["never"]
    assert f"page: {application.url}login" in told
    assert not any("home_page" in folder.name for folder in where.iterdir())


def test_unittest_without_a_browser(run, application, tmp_path):
    (tmp_path / "test_shop.py").write_text(PARTS.replace("    tags = TAGS\n", ""))
    nothing = {
        "PATH": str(tmp_path),
        "SLIPWAY_BROWSER": "no-such-browser",
        "SLIPWAY_BASE_URL": application.url,
    }
    code, told = run("-m", "unittest", "test_shop", **nothing)
    assert code == 1
    assert "DriverMissing" in told
    code, told = run("-m", "unittest", "test_shop", SLIPWAY_WITHOUT_BROWSER="skip", **nothing)
    assert code in (0, 5), told
    assert "skipped=4" in told
