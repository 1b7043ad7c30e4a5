"""A worker that meets a master which cannot let it in: it comes back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.workers.worker_tac import WorkerPlace, write_tac
from tests.support.machine import wait_for

pytestmark = pytest.mark.slow
#: Answers the first logins as a master that is being stopped does, then lets the worker in.
MASTER = """import sys
from twisted.cred import checkers, credentials, portal
from twisted.internet import reactor
from twisted.spread import pb
from zope.interface import implementer

class Let(pb.Avatar):
    def perspective_keepalive(self):
        pass

@implementer(portal.IRealm, checkers.ICredentialsChecker)
class Master:
    credentialInterfaces = [credentials.IUsernamePassword, credentials.IUsernameHashedPassword]
    left = 2
    def requestAvatarId(self, creds):
        self.left -= 1
        if self.left >= 0:
            print("refused", flush=True)
            return None.initLock
        return creds.username
    def requestAvatar(self, name, mind, *interfaces):
        print("let in", name.decode(), flush=True)
        return pb.IPerspective, Let(), lambda: None

master = Master()
made = portal.Portal(master)
made.registerChecker(master)
port = reactor.listenTCP(0, pb.PBServerFactory(made), interface="127.0.0.1")
print(port.getHost().port, flush=True)
reactor.run()
"""


def test_it_comes_back_to_a_master_that_was_being_stopped(tmp_path: Path) -> None:
    words = [sys.executable, "-c", MASTER]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as master:
        assert master.stdout is not None
        port = int(master.stdout.readline())
        place = WorkerPlace(tmp_path / "worker", "local", "127.0.0.1", port, None)
        place.folder.mkdir()
        twistd = "from twisted.scripts.twistd import run; run()"
        tac = str(write_tac(place))
        worker = subprocess.Popen(
            [sys.executable, "-c", twistd, "-n", "--no_save", "--pidfile", "", "--python", tac],
            cwd=place.folder,
            stdin=subprocess.PIPE,
            env=dict(os.environ),
        )
        try:
            assert worker.stdin is not None
            worker.stdin.write(b"hunter2\n")
            worker.stdin.close()
            said = [master.stdout.readline() for _ in range(3)]
            assert said == ["refused\n", "refused\n", "let in local\n"]
            assert worker.poll() is None
            log = place.folder / "twistd.log"
            wait_for(lambda: "worker is ready" in log.read_text(), log.read_text)
            assert "could not let this worker in" in log.read_text()
        finally:
            worker.kill()
            worker.wait()
            master.kill()
