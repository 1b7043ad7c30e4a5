"""Pages are the same bytes wherever and whenever they are made of the same facts."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from slipway.scripts.releases.manifest import Artefact, Manifest, StageResult
from slipway.scripts.stages.features.report.page import write_report
from slipway.scripts.stages.features.results import Attempt, FeaturesRun, ScenarioResult, STATUSES
from slipway.scripts.releases.site.contents import SiteContents, SiteRelease
from slipway.scripts.releases.site.pages import index_page, release_page
at = datetime(2026, 11, 21, 14, 5, 12, tzinfo=UTC)
stage = StageResult(stage="tests", state="passed", facts={"passed": 3, "b": {"c": 1, "a": [2]}})
one = Manifest(project="p", version="1", revision="", branch="", subject="s", author="", run=1,
    committed_at=at, published_at=at, worker="w", stages=(stage,),
    artefacts=(Artefact(name="a.zip", size=3, sha256="ab" * 32),))
site = SiteContents("p", (SiteRelease(one, "ab" * 32),))
cases = tuple(ScenarioResult("f", "a.feature", "n", n, s, 1.0, (Attempt(1, "failed", "no"),),
    ("x", "y")) for n, s in enumerate(STATUSES))
file = write_report(FeaturesRun("t", at, 1.0, scenarios=cases), Path(sys.argv[1]))
sys.stdout.buffer.write(file.read_bytes() + (release_page(one) + index_page(site)).encode())
"""


@pytest.mark.slow
def test_the_same_facts_make_the_same_bytes(tmp_path):
    made = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM, tmp_path / f"{seed}.html"],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C.UTF-8"},
            capture_output=True, check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]  # fmt: skip
    assert made[0].count(b"</html>") == 3
    assert made[0] == made[1]
