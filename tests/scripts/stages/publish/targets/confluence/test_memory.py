"""A file of any size goes to Confluence and back in some megabytes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.confluence import standin

from .wikis import KINDS, settings

_SIZE = 96 << 20
_PUBLISH = """
import resource, sys
from pathlib import Path
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.targets.confluence.settings import ConfluenceTarget
from slipway.scripts.stages.publish.targets.confluence.target import ConfluencePages
from tests.scripts.stages.publish.test_run import job
from tests.support.release_targets import Told, Pointers, Destination, deliver, make_release
import httpx

folder, given, token = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
settings = ConfluenceTarget.model_validate_json(given)
release = make_release(folder, "1.0.0", {"small.zip": b"small"})
big = folder / "big"
from dataclasses import replace
from slipway.scripts.report import hash_file
from slipway.scripts.releases.outgoing import OutgoingFile
file = OutgoingFile("big.zip", big, big.stat().st_size, hash_file(big))
release = replace(release, files=(file, *release.files))
stage = {"uses": "publish", "needs": ["archive"], "env": {"CONFLUENCE_TOKEN": token}}
target = ConfluencePages(settings, job(folder / "job", version="1.0.0", stage=stage), Report())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
deliver([Destination("there", target)], release, Pointers("1.0.0", {}), Told())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows tells no peak as getrusage does")
@pytest.mark.parametrize("kind", KINDS)
def test_a_large_file_is_never_in_memory(tmp_path, kind):
    with (tmp_path / "big").open("wb") as stream:
        for number in range(_SIZE >> 20):
            stream.write(bytes([number]) * (1 << 20))
    with standin(kind) as wiki:
        given = settings(wiki).model_dump_json(exclude_none=True, by_alias=True)
        words = [sys.executable, "-c", _PUBLISH, str(tmp_path), given, wiki.edition.token]
        home = Path(__file__).parents[6]
        done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=home)
        assert done.returncode == 0, done.stderr
        (page,) = wiki.site.seen()
        assert len(page.files["big.zip"].data) == _SIZE
    assert int(done.stdout) < 32_000, f"{done.stdout} kB"
