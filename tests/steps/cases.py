"""What tests of the stages' step share: a job, a ledger in memory, a store, expected commands."""

import hashlib
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

from buildbot.test.reactor import TestReactorMixin
from buildbot.test.steps import (
    Expect,
    ExpectRemoteRef,
    ExpectShell,
    TestBuildStepMixin,
)
from twisted.internet import defer
from twisted.trial.unittest import TestCase

from slipway.artefacts.store import Store
from slipway.model.errors import WrongInput
from slipway.model.protocol.event import ArtefactLeft
from slipway.model.protocol.event_codes import Coder, made_key
from slipway.model.protocol.job import Input, Job, RunFacts
from slipway.model.protocol.script_input import Dispatched
from slipway.steps import Stage
from slipway.steps.ledger_api import STAGE_PROPERTY
from slipway.steps.stage import GRACE
from slipway.steps.transfer import BLOCK, StoreReader, StoreWriter
from tests.support.stored import put

DATA = b"what the stage left"
HASH = hashlib.sha256(DATA).hexdigest()
GIVEN = b"what the stage before left"
WORK = "/wrk/demo.command/build"
KEY = made_key()
CODER = Coder(KEY)
LEAST = {
    "tests": {},
    "freeze": {"script": "app.py"},
    "databases": {},
    "features": {},
    "archive": {"needs": ["before"]},
    "installer": {"needs": ["before"]},
    "publish": {"needs": ["before"]},
    "promote": {"channel": "stable"},
    "publish-check": {},
    "sign": {"needs": ["before"], "certificate": "/etc/signing/shelf.p12"},
    "command": {"argv": ["true"]},
    "deploy": {"environment": "staging"},
}


class MemoryReleases:
    """The master's releases: what was made of a job is given to the worker in its place."""

    def __init__(self):
        self.made, self.told = [], []
        self.job = self.problem = self.broken = None
        self.why = self.keys = ""

    async def check_keys(self):
        if self.keys:
            raise WrongInput(self.keys)

    async def unchanged(self, stage_id, job):
        return self.why

    async def make(self, stage_id, job):
        if self.problem is not None:
            raise self.problem
        self.made.append(stage_id)
        return self.job or job

    async def promote(self, stage_id, job):
        if self.problem is not None:
            raise self.problem
        self.made.append(stage_id)
        return self.job or job

    async def record(self, stage_id, told):
        if self.broken is not None:
            raise self.broken
        self.told.append(dict(told))


class MemoryDesk:
    """A ledger that keeps in memory what a step tells it; the store is a real one."""

    def __init__(self, job, store):
        self.job, self.store = job, store
        self.claimed, self.kept, self.told = [], [], []
        self.tests, self.losses = [], []
        self.given, self.withheld = {}, ()
        self.releases = MemoryReleases()

    async def claim(self, stage_id, build_id, worker):
        self.claimed.append((stage_id, build_id, worker))
        return self.job

    def tenant(self, job, secrets):
        return f"{job.project}~secrets" if secrets else job.project

    async def read_secrets(self, _job):
        return self.given, self.withheld

    def record_worker_loss(self, stage_id):
        self.losses.append(stage_id)

    async def record_artefacts(self, stage_id, artefacts):
        self.kept += [(stage_id, artefact.name) for artefact in artefacts]

    async def record_tests(self, builder, sets, tests):
        self.tests.append((builder, dict(sets), tests))

    async def record_result(self, stage_id, exit_code, summary, facts):
        self.told.append((stage_id, exit_code, summary, facts))

    def path(self, sha256):
        return self.store.path(sha256)

    def check_room(self, size):
        self.store.check_room(size)

    def incoming(self):
        return self.store.open_incoming()


class MemoryCode:
    """The master's code for workers elsewhere, in memory; workers need none, at first."""

    def __init__(self):
        self.carried, self.connections = None, set()

    async def code_for(self, worker):
        return self.carried

    def is_first(self, connection):
        first = connection not in self.connections
        self.connections.add(connection)
        return first


def said(*events):
    """Return what a script says; each code is good once, and later ones have higher numbers."""
    return "".join(f"\x1e{CODER.coded(event.model_dump_json())}\n" for event in events)


def artefact(data=DATA, name="almanac.zip", path="/wrk/output/almanac.zip"):
    digest = hashlib.sha256(data).hexdigest()
    return ArtefactLeft(path=path, name=name, sha256=digest, size=len(data))


class StepCase(TestBuildStepMixin, TestReactorMixin, TestCase):
    """What all tests of the step share."""

    kind = "command"
    system = "posix"
    problems = ()
    versions = {"slipway.begin": "3.3", "slipway.code": "3.3"}  # noqa: RUF012

    @defer.inlineCallbacks
    def setUp(self):
        self.setup_test_reactor()
        yield self.setup_test_build_step()
        self.code = MemoryCode()
        self.folder = Path(tempfile.mkdtemp(prefix="slipway-step-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.store = Store(self.folder / "store")

    def begin(self, *, job=True, stage_id=7):
        """Set up a step at its ledger."""
        self.ledger = MemoryDesk(self.make_job() if job else None, self.store)
        self.master.service_manager = SimpleNamespace(
            namedServices={"slipway": self.ledger, "slipway-code": self.code}
        )
        self.made = self.setup_step(Stage(self.kind, timeout=300))
        self.made.key = KEY
        self.change_worker_system(self.system)
        self.build.workername = "local"
        self.build.getBuilderId = lambda: defer.succeed(5)
        if stage_id is not None:
            self.build.setProperty(STAGE_PROPERTY, stage_id, "Slipway")

    def make_job(self):
        digest = hashlib.sha256(GIVEN).hexdigest()
        put(self.store, GIVEN)
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

    def expect_begin(self, **updates):
        """Expect a fresh place to be made; more updates come with the answer."""
        self.build.getWorkerCommandVersion = lambda name, _old=None: self.versions.get(name)
        told = {
            "run": f"run 7 of almanac ({self.kind})",
            "tenant": self.ledger.tenant(self.ledger.job, self.ledger.given),
        }
        if self.code.carried is not None:
            told |= {"code": self.code.carried.key, "records": list(self.code.carried.records)}
        begin = Expect("slipway.begin", told)
        for name, value in updates.items():
            begin.update(name, value)
        begin.update("work", WORK).update("given", "../given-x").update(
            "problems", list(self.problems)
        )
        self.expect_commands(begin.exit(0))

    def expect_fetch(self):
        """Expect a place, and the input to be sent to it under its hash; keep what was sent."""
        self.expect_begin()
        self.sent = {}
        for given in {one.sha256: one for one in self.ledger.job.fetched}.values():
            arguments = {
                "sha256": given.sha256,
                "size": given.size,
                "reader": ExpectRemoteRef(StoreReader),
                "blocksize": BLOCK,
            }

            def read(command):
                reader = command.args["reader"]
                self.sent[command.args["sha256"]] = reader.remote_read(10**9)
                reader.remote_close()

            self.expect_commands(Expect("slipway.take", arguments).behavior(read).exit(0))

    def expect_end(self):
        """Expect the place to be removed."""
        self.expect_commands(Expect("slipway.end", {}).exit(0))

    def handed(self):
        job, given = self.ledger.job, "../given-x"
        return Dispatched(job=job, key=KEY, given=given, secrets=self.ledger.given)

    def expect_script(self, output="", code=0, **env):
        shell = ExpectShell(
            workdir=WORK,
            command=["slipway", "stage", self.kind, "--keyed"],
            initial_stdin=self.handed().packed(),
            env={
                "PYTHONUTF8": "1",
                "PYTHONIOENCODING": "utf-8",
                "PYTHONUNBUFFERED": "1",
                "GIT_TERMINAL_PROMPT": "0",
                "PIP_NO_INPUT": "1",
                **env,
            },
            timeout=None,
            max_time=300 + GRACE,
            sigterm_time=5,
            log_environ=False,
        ).stdout(output)
        self.expect_commands(shell.exit(code) if code is not None else shell)

    def expect_upload(
        self, data=DATA, path="/wrk/output/almanac.zip", code=0, size=None, told="it is gone"
    ):
        """Expect a file to be asked for; of a certain size, or the data's own."""
        arguments = {
            "path": path,
            "size": len(data) if size is None else size,
            "writer": ExpectRemoteRef(StoreWriter),
            "blocksize": BLOCK,
        }

        def write(command):
            writer = command.args["writer"]
            for start in range(0, len(data), 7):
                writer.remote_write(data[start : start + 7])
            writer.remote_close()

        upload = Expect("slipway.give", arguments).behavior(write)
        self.expect_commands(upload.update("problem", told).exit(code) if code else upload.exit(0))

    async def sets(self):
        """Return Buildbot's sets by category: (complete, passed, failed)."""
        found = await self.master.db.test_result_sets.getTestResultSets(5)
        return {one.category: (one.complete, one.tests_passed, one.tests_failed) for one in found}

    def written(self):
        """Return the tests that were written down, in their order."""
        return [test for _, _, tests in self.ledger.tests for test in tests]

    def leftovers(self):
        return list((self.store.root / "incoming").glob("*.part"))
