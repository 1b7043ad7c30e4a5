"""What tests of the stages' step share: a job, a desk in memory, a store, expected commands."""

import hashlib
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

from buildbot.process.remotetransfer import FileReader, StringFileReader
from buildbot.test.reactor import TestReactorMixin
from buildbot.test.steps import (
    ExpectDownloadFile,
    ExpectRemoteRef,
    ExpectShell,
    ExpectUploadFile,
    TestBuildStepMixin,
)
from twisted.internet import defer
from twisted.trial.unittest import TestCase

from slipway import steps
from slipway.ledger.store import Store
from slipway.model.event import (
    ArtefactLeft,
)
from slipway.model.job import Input, Job, RunFacts
from slipway.steps.desk import STAGE_PROPERTY
from slipway.steps.stage import GRACE
from slipway.steps.transfer import BLOCK, StoreWriter

DATA = b"what the stage left"
HASH = hashlib.sha256(DATA).hexdigest()
GIVEN = b"what the stage before left"
LEAST = {
    "tests": {},
    "freeze": {"script": "app.py"},
    "databases": {},
    "features": {},
    "archive": {"needs": ["before"]},
    "publish": {"needs": ["before"]},
    "command": {"argv": ["true"]},
    "deploy": {"environment": "staging"},
}


class MemoryDesk:
    """A desk that keeps in memory what a step tells it; the store is a real one."""

    def __init__(self, job, store):
        self.job, self.store = job, store
        self.claimed, self.kept, self.told = [], [], []

    async def claim(self, stage_id, build_id, worker):
        self.claimed.append((stage_id, build_id, worker))
        return self.job

    async def left(self, stage_id, artefacts):
        self.kept += [(stage_id, artefact.name) for artefact in artefacts]

    async def said(self, stage_id, exit_code, summary, facts):
        self.told.append((stage_id, exit_code, summary, facts))

    def path(self, sha256):
        return self.store.path(sha256)

    def incoming(self):
        return self.store.open_incoming()


def said(*events):
    return "".join(f"\x1e{event.model_dump_json()}\n" for event in events)


def artefact(data=DATA, name="almanac.zip", path="/wrk/output/almanac.zip"):
    digest = hashlib.sha256(data).hexdigest()
    return ArtefactLeft(path=path, name=name, sha256=digest, size=len(data))


class StepCase(TestBuildStepMixin, TestReactorMixin, TestCase):
    """What all tests of the step share."""

    kind = "command"
    system = "posix"

    @defer.inlineCallbacks
    def setUp(self):
        self.setup_test_reactor()
        yield self.setup_test_build_step()
        self.folder = Path(tempfile.mkdtemp(prefix="slipway-step-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.store = Store(self.folder / "store")

    def begin(self, *, job=True, stage_id=7):
        """Set up a step at its desk."""
        self.desk = MemoryDesk(self.make_job() if job else None, self.store)
        self.master.service_manager = SimpleNamespace(namedServices={"slipway": self.desk})
        (step,) = [
            one
            for one in vars(steps).values()
            if isinstance(one, type) and getattr(one, "uses", None) == self.kind
        ]
        self.made = self.setup_step(step(timeout=300))
        self.change_worker_system(self.system)
        self.build.workername = "local"
        if stage_id is not None:
            self.build.setProperty(STAGE_PROPERTY, stage_id, "Slipway")

    def make_job(self):
        digest = hashlib.sha256(GIVEN).hexdigest()
        given = self.folder / "given"
        given.write_bytes(GIVEN)
        self.store.add(given, digest)
        return Job(
            project="almanac",
            name=self.kind,
            stage={"uses": self.kind, **LEAST[self.kind]},
            run=RunFacts(number=7, revision="a" * 40, branch="main", committed_at=1, version="1+7"),
            inputs=(
                Input(
                    stage="before",
                    uses="command",
                    name="given.zip",
                    path="../input/before/given.zip",
                    sha256=digest,
                    size=len(GIVEN),
                ),
            ),
            output="../output",
            cache="../../cache",
            state="/state",
        )

    def expect_fetch(self):
        """Expect the input and the job to be sent, in this order; keep what was sent."""
        self.sent = {}
        places = (("input/before/given.zip", FileReader), ("job.json", StringFileReader))
        for target, reader in places:
            expected = ExpectDownloadFile(
                blocksize=BLOCK,
                maxsize=None,
                workerdest=target,
                workdir=".",
                reader=ExpectRemoteRef(reader),
                mode=None,
            )

            def keep(data, target=target):
                self.sent[target] = data

            self.expect_commands(expected.download_string(keep, size=100_000).exit(0))

    def expect_script(self, output="", code=0):
        shell = ExpectShell(
            workdir="wkdir",
            command=["slipway", "stage", self.kind, "--settings", "../job.json"],
            env={
                "PYTHONUTF8": "1",
                "PYTHONIOENCODING": "utf-8",
                "PYTHONUNBUFFERED": "1",
                "GIT_TERMINAL_PROMPT": "0",
                "PIP_NO_INPUT": "1",
            },
            timeout=None,
            max_time=300 + GRACE,
            sigterm_time=5,
            log_environ=False,
        ).stdout(output)
        self.expect_commands(shell.exit(code) if code is not None else shell)

    def expect_upload(self, data=DATA, path="/wrk/output/almanac.zip", code=0):
        upload = ExpectUploadFile(
            blocksize=BLOCK,
            maxsize=None,
            workersrc=path,
            workdir="wkdir",
            writer=ExpectRemoteRef(StoreWriter),
            keepstamp=False,
        )
        self.expect_commands(upload.upload_string(data).exit(code))

    def leftovers(self):
        return list((self.store.root / "incoming").glob("*.part"))
