"""A behave suite that nobody here wrote: python-docx's own, as its source distribution has it."""

import json
import subprocess
import sys

import pytest

_RELEASE = "python-docx==1.2.0"
_SCENARIOS = 650


@pytest.fixture
def project(tmp_path):
    words = ("download", "--quiet", "--no-deps", "--no-binary", "python-docx", _RELEASE)
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words, "--dest", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = list(tmp_path.glob("*.tar.gz"))
    if not found:
        pytest.skip(f"{_RELEASE} cannot be downloaded here: {done.stderr.strip()[-300:]}")
    subprocess.run(["tar", "--extract", "--file", found[0]], cwd=tmp_path, check=True)
    return next(path for path in tmp_path.iterdir() if path.is_dir())


@pytest.mark.slow
def test_it_runs_unchanged(project):
    argv = [sys.executable, "-m", "slipway.cli", "features", "--jobs", "2"]
    done = subprocess.run(argv, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert f"{_SCENARIOS} scenarios: {_SCENARIOS} passed" in done.stdout
    results = json.loads((project / ".slipway/features/output/tests.json").read_text())
    assert len(results) == _SCENARIOS
    assert {one["status"] for one in results} == {"passed"}
