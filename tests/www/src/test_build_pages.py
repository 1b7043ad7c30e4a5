"""What the build of the pages says where it cannot be done."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SOURCES = Path(__file__).resolve().parents[3] / "www" / "src"


def fetched() -> bool:
    """Tell whether node_modules is what the lock names; else npm would begin it anew."""
    stamp = SOURCES / "node_modules" / ".lock.sha256"
    lock = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    return stamp.is_file() and stamp.read_text() == lock


@pytest.fixture
def copy(tmp_path):
    """The sources alone, with nothing fetched."""
    theme = tmp_path / "pipeline" / "html" / "theme.py"
    theme.parent.mkdir(parents=True)
    shutil.copy(SOURCES.parents[1] / "pipeline" / "html" / "theme.py", theme)
    made = tmp_path / "www" / "src"
    shutil.copytree(SOURCES, made, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    return made


def build(copy: Path, *options: str) -> subprocess.CompletedProcess[str]:
    nowhere = {
        "npm_config_registry": "http://127.0.0.1:9/",
        "npm_config_cache": str(copy.parent / "cache"),
        "npm_config_fetch_retries": "0",
    }
    return subprocess.run(
        [sys.executable, str(copy / "build_pages.py"), *options],
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm on this machine")
def test_without_a_registry_it_says_so_and_the_site_goes_on(copy):
    refused = build(copy)
    assert refused.returncode == 3
    assert "npm cannot fetch what package-lock.json names" in refused.stderr
    assert "Traceback" not in refused.stderr
    gone_on = build(copy, "--if-possible")
    assert gone_on.returncode == 0
    assert "The master runs without them" in gone_on.stderr


def test_what_is_up_to_date_is_not_built_again(copy):
    static = copy.parent / "static"
    static.mkdir()
    for name in ("scripts.js", "styles.css"):
        (static / name).write_text("")
    told = subprocess.run(
        [sys.executable, "-c", "import build_pages; print(build_pages.fingerprint())"],
        cwd=copy, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    (static / "sources.sha256").write_text(told.strip())
    # No registry is reached for: it would fail.
    done = build(copy)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_other_answers_are_reason_enough_to_build_again_and_what_is_made_is_not(copy):
    def told():
        command = [sys.executable, "-c", "import build_pages; print(build_pages.fingerprint())"]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=True)
        return done.stdout

    before = told()
    for name in ("api/schema.d.ts", "styles/palette.css"):
        (copy / name).write_text("another")
    assert told() == before
    (copy / "api" / "openapi.json").write_text("{}")
    assert told() != before


@pytest.mark.slow
@pytest.mark.skipif(not fetched(), reason="what the lock names is not installed here")
def test_a_page_that_reads_what_no_answer_has_is_found(copy):
    (copy / "node_modules").symlink_to(SOURCES / "node_modules")
    (copy / "stray.ts").write_text(
        'import type { Attempt } from "./api/shapes";\n'
        "export const wrong = (attempt: Attempt) => attempt.superseded;\n"
    )
    refused = build(copy, "--check")
    assert refused.returncode == 3
    assert "the types are wrong" in refused.stderr
    assert "Property 'superseded' does not exist" in refused.stderr


def test_another_colour_is_reason_enough_to_build_again(copy):
    import_it = "import build_pages; print(build_pages.fingerprint()); print(build_pages.palette())"

    def told():
        command = [sys.executable, "-c", import_it]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=True)
        return done.stdout.partition("\n")

    fingerprint, _, palette = told()
    assert "--failed: #b91c28;" in palette
    assert ":root" not in palette
    theme = copy.parents[1] / "pipeline" / "html" / "theme.py"
    theme.write_text(theme.read_text().replace("#b91c28", "#b91c29"))
    assert "--failed: #b91c29;" in told()[2]
    assert told()[0] != fingerprint
