"""Whoever downloads needs no compiled library: signatures are verified without one, only slower."""

import subprocess
import sys

import pytest

from tests.support.signed_releases import make, new_signer, site_signer

#: As in an environment that has Slipway's own dependencies and no extra.
PROGRAM = """
import sys
for name in ("cryptography", "httpx", "sigstore", "boto3"):
    sys.modules[name] = None
from pathlib import Path
from slipway.scripts.releases.verification.trust import Trust, known_keys
from slipway.scripts.releases.verify import Found, examine
found = examine(Found(Path(sys.argv[1])), Trust(known_keys([sys.argv[2]], Path())))
problems = [f"{one.name}: {one.problem}" for one in found if one.problem]
sys.exit("; ".join(problems) or 0)
"""


@pytest.mark.slow
def test_signatures_are_verified_without_it(tmp_path):
    signer = new_signer(days=36500)
    make(tmp_path / "x", site_signer(signer))

    def told(key=signer.key.id):
        argv = [sys.executable, "-c", PROGRAM, str(tmp_path / "x"), key]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr.strip()

    assert told() == (0, "")
    code, why = told(new_signer().key.id)
    assert (code, "none of the keys that are known" in why) == (1, True)
    path = tmp_path / "x" / "release.json.sig"
    path.write_bytes(bytes(64))
    code, why = told()
    assert (code, "is no signature of release.json" in why) == (1, True)
