"""The target `sftp` beside scp, to an ssh server on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from publishing.measuring import Quiet, Way, bring, job_of
from slipway.scripts.releases.outgoing import OutgoingRelease, OutgoingStream
from slipway.scripts.stages.publish.targets.sftp.settings import SftpTarget
from slipway.scripts.stages.publish.targets.sftp.target import SftpCopy
from tests.support.ssh_server import SshServer

__all__ = ["ways"]


@contextlib.contextmanager
def ways(scratch: Path, release: OutgoingRelease) -> Iterator[list[Way]]:
    """Yield the ways, the rivals before what is compared with them."""
    there, keys = scratch / "there over ssh", scratch / "ssh"
    keys.mkdir()
    server = SshServer(keys).start()
    settings = SftpTarget(
        kind="sftp",
        host="127.0.0.1",
        port=server.port,
        user=server.user,
        path=str(there),
        host_key=(server.public("host"),),
        identity=str(keys / "mine"),
    )

    def begin() -> None:
        shutil.rmtree(there, ignore_errors=True)
        (there / "back").mkdir(parents=True)

    def copy() -> None:
        paths = [str(file.path) for file in release.files]
        _scp(server, keys, [*paths, f"{server.user}@127.0.0.1:{there}"])
        for file in release.files:
            # Ours has the server write to its disk.
            opened = os.open(there / file.path.name, os.O_RDONLY)
            os.fsync(opened)
            os.close(opened)

    def copy_there_and_back() -> None:
        copy()
        names = [f"{server.user}@127.0.0.1:{there / file.path.name}" for file in release.files]
        _scp(server, keys, [*names, str(there / "back")])
        found = subprocess.run(
            ["sha256sum", *(there / "back").iterdir()], check=True, capture_output=True, text=True
        ).stdout
        if {line.split()[0] for line in found.splitlines()} != {f.sha256 for f in release.files}:
            sys.exit("a copy has another hash")

    def upload() -> None:
        target = SftpCopy(settings, job_of(scratch), Quiet())
        target.look(release)
        for file in release.files:
            with OutgoingStream(file) as stream:
                target.stage(file, stream)
        target.commit(release)
        target.close()

    def ours() -> None:
        bring(SftpCopy(settings, job_of(scratch), Quiet()), release)

    try:
        yield [
            Way("scp, fsync", copy, begin),
            Way("scp there and back, sha256sum", copy_there_and_back, begin),
            Way("sftp, not read back", upload, begin, rival="scp, fsync", aim=1.0),
            Way("sftp", ours, begin, rival="scp there and back, sha256sum", aim=1.0),
        ]
    finally:
        server.stop()


def _scp(server: SshServer, keys: Path, words: list[str]) -> None:
    options = ("StrictHostKeyChecking=yes", f"UserKnownHostsFile={keys}/wanted")
    known = keys / "wanted"
    known.write_text((keys / "known hosts").read_text(encoding="utf-8"), encoding="utf-8")
    argv = ["scp", "-q", "-P", str(server.port), "-i", str(keys / "mine")]
    argv += [word for one in options for word in ("-o", one)]
    subprocess.run([*argv, *words], check=True)
