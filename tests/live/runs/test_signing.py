"""A site signs: the key gets from the master to the stage that signs, and nobody else sees it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.conftest import LiveSite
from tests.support.signing import (
    NEEDS_OSSLSIGNCODE,
    authority,
    program,
    signer,
    stamp_server,
    verify,
)
from tests.support.site import command

pytestmark = [pytest.mark.live, pytest.mark.slow, NEEDS_OSSLSIGNCODE]

#: Waits until the program that signs is there, and looks for the key wherever it can.
SPY = """
import os, pathlib, time, urllib.request
seen, names, end = False, [], time.monotonic() + 100
while not seen and time.monotonic() < end:
    for one in pathlib.Path('/proc').iterdir():
        if not one.name.isdigit():
            continue
        try:
            words = (one / 'cmdline').read_bytes()
        except OSError:
            continue
        if not words.split(bytes(1))[0].endswith(b'/osslsigncode') or b'-ts' not in words:
            continue
        seen = True
        for name in ('environ', 'maps', 'mem', 'fd/0', 'root/etc/passwd'):
            try:
                with open(one / name, 'rb') as stream:
                    names.append((name, stream.read(1)))
            except OSError:
                pass
        for word in words.split(bytes(1)):
            if word.startswith(b'/') and b'.signing-' in word:
                folder = pathlib.Path(os.fsdecode(word))
                while '.signing-' in str(folder):
                    folder = folder.parent
                try:
                    names.append((str(folder), os.listdir(folder)))
                except OSError:
                    pass
    time.sleep(0.02)
urllib.request.urlopen('URL/go')
assert seen, 'nobody signed'
assert not names, names
"""


@pytest.fixture
def roots() -> Iterator[Path]:
    """A file that each user of this machine may read."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    (folder / "roots.pem").write_text(authority().pem)
    yield folder / "roots.pem"
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="users of their own for stages: root makes them")
def test_a_site_signs_and_no_other_stage_sees_the_key(
    site: LiveSite, tmp_path: Path, roots: Path
) -> None:
    site.isolated = True
    (site.repository / "setup.exe").write_bytes(program())
    site.commit("an installer")
    for name, text in (("chain", signer().pem), ("key", signer().key_pem())):
        (site.folder / f"{name}.pem").write_text(text)
        (site.folder / f"{name}.pem").chmod(0o600)
    with stamp_server(tmp_path / "tsa") as server:
        server.held = threading.Event()
        site.write(
            command("make", "pass", artefacts='["setup.exe"]')
            + command("spy", SPY.replace("URL", server.url), "make")
            + f"""[project.demo.stages.sign]
uses = "sign"
needs = ["make"]
timestamp = {json.dumps(server.url)}
timestamp-roots = {json.dumps(str(roots))}

[project.demo.stages.sign.secrets]
SIGNING_CERTIFICATE = {{ file = "chain.pem" }}
SIGNING_KEY = {{ file = "key.pem" }}

"""
        )
        site.up()
        number = site.run(1).get("number") or site.start_run("make", "passed")
        signed = site.wait_for_stage(number, "sign", "passed", "failed")
        spied = site.wait_for_stage(number, "spy", "passed", "failed")
        assert signed["state"] == "passed", signed["summary"]
        assert spied["state"] == "passed", spied["summary"]
        words = ("download", str(number), "setup.exe", "--stage", "sign")
        done = site.run_slipway(*words, "-o", str(tmp_path / "setup.exe"))
    assert done.returncode == 0, done
    verify(tmp_path / "setup.exe", tmp_path)
    assert site.run_slipway("check").returncode == 0
    for file in site.state.rglob("*"):
        if file.is_file() and not file.is_symlink():
            assert signer().key_pem().encode() not in file.read_bytes(), file
