"""The private key is seen by the program that signs alone, and stays nowhere."""

import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest
from cryptography.hazmat.primitives import serialization

from slipway.model.protocol.job import Job, RunFacts
from tests.support.signing import NEEDS_OSSLSIGNCODE, authority, signer, stamp_server

from .conftest import EPOCH

pytestmark = NEEDS_OSSLSIGNCODE
PASSWORD = "correct horse battery"


def secrets():
    key = signer().key_pem(PASSWORD)
    return {
        "SIGNING_CERTIFICATE": signer().pem,
        "SIGNING_KEY": key,
        "SIGNING_PASSWORD": PASSWORD,
    }


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands before the program")
def test_no_argument_or_variable_holds_it(sign, tree, tmp_path, monkeypatch):
    watcher = tmp_path / "bin" / "osslsigncode"
    watcher.parent.mkdir()
    watcher.write_text(
        "#!/bin/sh\n"
        f'{{ printf "%s\\n" "$@"; env; }} >> {tmp_path}/seen\n'
        f"stat -c '%a %n' {tmp_path}/output/.signing-* {tmp_path}/output/.signing-*/keys/* "
        f">> {tmp_path}/modes\n"
        f'exec {shutil.which("osslsigncode")} "$@"\n'
    )
    watcher.chmod(0o755)
    monkeypatch.setenv("PATH", f"{watcher.parent}:{os.environ['PATH']}")
    done = sign(tree, secrets=secrets())
    assert done.code == 0, done.notices
    seen = (tmp_path / "seen").read_text()
    assert "certificates.pem" in seen
    for secret in (PASSWORD, *secrets()["SIGNING_KEY"].splitlines()[1:-1]):
        assert secret not in seen
    assert "PRIVATE KEY" not in seen
    modes = {line.split()[0] for line in (tmp_path / "modes").read_text().splitlines()}
    assert modes == {"700", "600"}


class Killed:
    """A stage that is ended while a timestamp authority keeps it waiting."""

    def __init__(self, tmp_path, tree, number):
        roots = tmp_path / "roots.pem"
        roots.write_text(authority().pem)
        with stamp_server(tmp_path / "tsa") as server:
            server.held = threading.Event()
            job = Job(
                project="shelf",
                name="sign",
                stage={
                    "uses": "sign",
                    "needs": ["freeze"],
                    "timestamp": [server.url],
                    "timestamp_roots": str(roots),
                },
                run=RunFacts(
                    number=7, revision="ab", branch="main", committed_at=EPOCH, version="1+7"
                ),
                inputs=(tree,),
                output=str(tmp_path / "output"),
                cache=str(tmp_path / "cache"),
                state=str(tmp_path / "state"),
                answers=secrets(),
                secrets=tuple(secrets()),
            )
            with subprocess.Popen(
                [sys.executable, "-m", "slipway.cli", "stage", "sign", "--settings", "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=tmp_path,
                text=True,
            ) as process:
                process.stdin.write(job.model_dump_json(by_alias=True))
                process.stdin.close()
                assert server.came.wait(60)
                (self.folder,) = (tmp_path / "output").glob(".signing-*")
                process.send_signal(number)
                self.code = process.wait(60)
                self.said = process.stdout.read() if number == signal.SIGTERM else ""


@pytest.mark.slow
def test_a_stage_that_is_stopped_leaves_nothing(tmp_path, tree):
    killed = Killed(tmp_path, tree, signal.SIGTERM)
    assert killed.code != 0
    assert list((tmp_path / "output").iterdir()) == []
    assert PASSWORD not in killed.said


@pytest.mark.slow
def test_a_stage_that_is_killed_leaves_no_key_that_can_be_used(tmp_path, tree):
    killed = Killed(tmp_path, tree, signal.SIGKILL)
    left = killed.folder / "keys" / "key.pem"
    data = left.read_bytes()
    assert b"ENCRYPTED PRIVATE KEY" in data
    for password in (None, PASSWORD.encode()):
        with pytest.raises((ValueError, TypeError)):
            serialization.load_pem_private_key(data, password)
    assert killed.folder.stat().st_mode & 0o777 == 0o700
    everything = b"".join(p.read_bytes() for p in killed.folder.rglob("*") if p.is_file())
    assert b"BEGIN PRIVATE KEY" not in everything
    assert PASSWORD.encode() not in everything
