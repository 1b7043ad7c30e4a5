"""The step of a stage, from its claim to its end: each kind of stage, on Linux and on Windows."""

import base64
import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

from buildbot.process.remotetransfer import FileReader, StringFileReader
from buildbot.process.results import CANCELLED, FAILURE, SKIPPED, SUCCESS
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
    Notice,
    Picture,
    Piece,
    Progress,
    Summary,
    TestResult,
)
from slipway.model.job import Input, Job, RunFacts
from slipway.model.stage import KINDS
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


class EachKind:
    """What every kind of stage does."""

    async def test_it_passes(self):
        self.begin()
        self.expect_fetch()
        left = artefact()
        events = said(Progress(text="at work"), left, Summary(text="all good", facts={"n": 3}))
        self.expect_script(f"a line of log\n{events}")
        self.expect_upload()
        self.expect_outcome(SUCCESS, "all good")
        await self.run_step()
        assert self.desk.claimed == [(7, 92, "local")]
        assert self.desk.kept == [(7, "almanac.zip")]
        assert self.desk.told == [(7, 0, "all good", {"n": 3})]
        assert self.store.path(HASH).read_bytes() == DATA
        assert self.sent["input/before/given.zip"] == GIVEN
        sent = self.sent["job.json"]
        assert Job.model_validate_json(sent) == self.desk.job
        assert json.loads(sent)["stage"]["uses"] == self.kind
        assert self.made.logs["stdio"].stdout == (
            f"a line of log\nat work\nartefact almanac.zip: 19 bytes, sha256 {HASH}\nall good\n"
        )

    async def test_it_fails(self):
        self.begin()
        self.expect_fetch()
        self.expect_script(said(artefact(), Notice(text="it is bad", level="error")), code=1)
        self.expect_outcome(FAILURE, "it is bad")
        await self.run_step()
        assert self.desk.told == [(7, 1, "it is bad", {})]
        assert self.desk.kept == []
        assert not self.store.has(HASH)

    async def test_it_is_skipped_where_the_attempt_has_ended(self):
        self.begin(job=False)
        self.expect_outcome(SKIPPED)
        await self.run_step()
        assert "has ended already" in self.made.getResultSummary()["step"]
        assert self.desk.told == []


def _each(system, suffix):
    for kind in KINDS:
        name = f"{kind.capitalize()}{suffix}"
        members = {"kind": kind, "system": system, "__module__": __name__}
        globals()[name] = type(name, (EachKind, StepCase), members)


_each("posix", "OnLinuxTest")
_each("nt", "OnWindowsTest")


class EndsTest(StepCase):
    """The ways a stage can end."""

    async def ends(self, code, exit_code, summary, output="", result=FAILURE):
        self.begin()
        self.expect_fetch()
        self.expect_script(output, code)
        self.expect_outcome(result)
        await self.run_step()
        ((_, told_code, told, _),) = self.desk.told
        assert (told_code, self.made.exit_code) == (exit_code, exit_code)
        assert summary in told

    async def test_wrong_input(self):
        await self.ends(2, 2, "no such key", said(Notice(text="no such key", level="error")))

    async def test_something_missing(self):
        await self.ends(3, 3, "no git", said(Notice(text="no git", level="error")))

    async def test_no_slipway_on_the_worker(self):
        await self.ends(127, 3, "`slipway` is not on the worker's PATH")

    async def test_a_slipway_that_may_not_be_run(self):
        await self.ends(126, 3, "`slipway` is not on the worker's PATH")

    async def test_killed(self):
        await self.ends(-9, 1, "ended with exit code -9 and said no reason; see the log")

    async def test_a_strange_code(self):
        await self.ends(77, 1, "ended with exit code 77")

    async def test_no_code_at_all(self):
        await self.ends(None, 1, "exit code None")

    async def test_an_error_and_no_reason(self):
        await self.ends(1, 1, "exit code 1 and said no reason", said(Summary(text="well")))

    async def test_the_last_error_counts(self):
        errors = [Notice(text=text, level="error") for text in ("first", "last")]
        await self.ends(1, 1, "last", said(*errors))

    async def test_passed_without_a_word(self):
        await self.ends(0, 0, "", result=SUCCESS)

    async def test_a_build_that_belongs_to_no_run(self):
        self.begin(stage_id=None)
        self.expect_outcome(FAILURE)
        await self.run_step()
        told = "belongs to no run: start it with 'Run this stage' or 'Run the pipeline'"
        assert self.made.getResultSummary() == {"step": told, "build": told}
        assert self.desk.claimed == []

    async def test_stopped_by_a_person(self):
        self.begin()
        self.expect_fetch()
        self.expect_script(code=-15)
        self._expected_commands[-1].behavior(lambda _command: self.stop())
        self.expect_outcome(CANCELLED)
        await self.run_step()
        assert self.desk.told == []

    def stop(self):
        self.made.stopped = True


class ArtefactsTest(StepCase):
    """What a stage leaves, on its way into the store."""

    async def fails(self, told, events, *uploads):
        self.begin()
        self.expect_fetch()
        self.expect_script(said(*events, Summary(text="all good")))
        for upload in uploads:
            self.expect_upload(**upload)
        self.expect_outcome(FAILURE)
        await self.run_step()
        ((_, code, summary, _),) = self.desk.told
        assert told in summary
        assert self.desk.kept == []
        assert self.leftovers() == []
        assert told in self.made.logs["problem"].stdout
        return code

    async def test_an_altered_upload_fails_the_stage(self):
        data = DATA.replace(b"left", b"lift")
        code = await self.fails("arrived altered or cut short", [artefact()], {"data": data})
        assert code == 1
        assert not self.store.has(HASH)

    async def test_a_truncated_upload_fails_the_stage(self):
        await self.fails("arrived altered or cut short", [artefact()], {"data": DATA[:-1]})

    async def test_of_a_stage_that_failed_the_reports_are_kept(self):
        self.begin()
        self.expect_fetch()
        report = artefact().model_copy(update={"role": "report"})
        product = artefact(b"half", name="half", path="/wrk/half")
        bad = Notice(text="it is bad", level="error")
        self.expect_script(said(product, report, bad), code=1)
        self.expect_upload()
        self.expect_outcome(FAILURE, "it is bad")
        await self.run_step()
        assert self.desk.kept == [(7, "almanac.zip")]
        assert self.desk.told == [(7, 1, "it is bad", {})]

    async def test_a_report_that_cannot_be_kept_is_not_why_a_stage_failed(self):
        self.begin()
        self.expect_fetch()
        report = artefact().model_copy(update={"role": "report"})
        self.expect_script(said(report, Notice(text="it is bad", level="error")), code=1)
        self.expect_upload(b"", code=1)
        self.expect_outcome(FAILURE, "it is bad")
        await self.run_step()
        assert self.desk.told == [(7, 1, "it is bad", {})]
        assert "the worker could not send" in self.made.logs["problem"].stdout

    async def test_a_file_the_worker_cannot_send_fails_the_stage(self):
        told = "the worker could not send /wrk/output/almanac.zip"
        assert await self.fails(told, [artefact()], {"data": b"", "code": 1}) == 1

    async def test_two_of_one_name_are_refused(self):
        other = artefact(b"other", path="/wrk/output/deep/almanac.zip")
        assert await self.fails("two artefacts have the same name", [artefact(), other]) == 2

    async def test_an_input_that_is_gone_fails_the_stage(self):
        self.begin()
        self.store.path(self.desk.job.inputs[0].sha256).unlink()
        self.expect_outcome(FAILURE)
        await self.run_step()
        ((_, code, summary, _),) = self.desk.told
        assert code == 1
        assert summary.startswith("input/before/given.zip: the store cannot give ")

    async def test_several_are_kept_in_their_order(self):
        self.begin()
        self.expect_fetch()
        second = artefact(b"", name="empty", path="C:\\wrk\\empty")
        self.expect_script(said(artefact(), second))
        self.expect_upload()
        self.expect_upload(b"", "C:\\wrk\\empty")
        self.expect_outcome(SUCCESS)
        await self.run_step()
        assert self.desk.kept == [(7, "almanac.zip"), (7, "empty")]


class ResultsTest(StepCase):
    """Test results reach Buildbot's own tables."""

    kind = "tests"

    async def test_results(self):
        self.begin()
        self.expect_fetch()
        each = [
            TestResult(suite="p", name="a", status="passed", seconds=0.5, file="t.py", line=3),
            TestResult(suite="p", name="b", status="failed", message="no"),
            TestResult(suite="p", name="c", status="error"),
            TestResult(suite="p", name="d", status="skipped"),
        ]
        self.expect_script(said(*each, Notice(text="2 failed", level="error")), code=1)
        self.expect_outcome(FAILURE, "2 failed")
        self.expect_test_result_sets(
            [("Builder", "pass_fail", "boolean"), ("Builder", "fail_only", "message")]
        )
        self.expect_test_results(
            [
                (1000, "1", "a", "t.py", 3, 500_000_000),
                (1000, "0", "b", None, None, 0),
                (1000, "0", "c", None, None, 0),
                (1000, "1", "d", None, None, 0),
                (1001, "failed\nno", "b", None, None, None),
                (1001, "error\n", "c", None, None, None),
                (1001, "skipped\n", "d", None, None, None),
            ]
        )
        await self.run_step()

    async def test_a_test_may_take_longer_than_buildbots_column_holds(self):
        self.begin()
        self.expect_fetch()
        each = [
            TestResult(suite="p", name="a", status="passed", seconds=2.147483647),
            TestResult(suite="p", name="b", status="passed", seconds=3600.5),
        ]
        self.expect_script(said(*each, Summary(text="2 passed")))
        self.expect_outcome(SUCCESS, "2 passed")
        self.expect_test_result_sets(
            [("Builder", "pass_fail", "boolean"), ("Builder", "duration", "seconds")]
        )
        self.expect_test_results(
            [
                (1000, "1", "a", None, None, 2_147_483_647),
                (1000, "1", "b", None, None, 2_147_483_647),
                (1001, "3600.500000", "b", None, None, None),
            ]
        )
        await self.run_step()

    async def test_a_chunk_may_end_anywhere(self):
        self.begin()
        self.expect_fetch()
        text = (
            f"log\n{said(Progress(text='é'), Summary(text='all good'))}the end without a line feed"
        )
        shell = len(self._expected_commands)
        self.expect_script()
        expected = self._expected_commands[shell]
        expected.behaviors.clear()
        for character in text:
            expected.stdout(character)
        expected.exit(0)
        self.expect_outcome(SUCCESS, "all good")
        await self.run_step()
        assert self.made.logs["stdio"].stdout == ("log\né\nall good\nthe end without a line feed\n")


class DeployTest(StepCase):
    """What a deployment needs beside what every stage does."""

    kind = "deploy"

    def make_job(self):
        job = super().make_job()
        (given,) = job.inputs
        releases = {}
        for name in ("release", "previous"):
            path = f"../input/{name}/given.zip"
            one = given.model_copy(update={"path": path}).model_dump()
            releases[name] = {"version": "1+7", "run": 7, "revision": "", "inputs": [one]}
        deployment = {
            "number": 1,
            "name": "staging",
            "environment": {"deployer": {"kind": "command", "argv": ["roll-out"]}},
            "secrets": {"key": "hush hush"},
            **releases,
        }
        return Job.model_validate(job.model_dump() | {"inputs": [], "deployment": deployment})

    async def test_both_releases_are_fetched_and_the_job_is_for_its_owner_alone(self):
        self.begin()
        sent = {}
        for target, reader, mode in (
            ("input/release/given.zip", FileReader, None),
            ("input/previous/given.zip", FileReader, None),
            ("job.json", StringFileReader, 0o600),
        ):
            expected = ExpectDownloadFile(
                blocksize=BLOCK,
                maxsize=None,
                workerdest=target,
                workdir=".",
                reader=ExpectRemoteRef(reader),
                mode=mode,
            )

            def keep(data, target=target):
                sent[target] = data

            self.expect_commands(expected.download_string(keep, size=100_000).exit(0))
        self.expect_script(said(Summary(text="staging: 1+7 is deployed", facts={"n": 1})))
        self.expect_outcome(SUCCESS, "staging: 1+7 is deployed")
        await self.run_step()
        assert Job.model_validate_json(sent["job.json"]).deployment.secrets == {"key": "hush hush"}
        assert self.desk.told == [(7, 0, "staging: 1+7 is deployed", {"n": 1})]


class EvidenceTest(StepCase):
    """What failed is on the run's page before the stage has ended."""

    kind = "features"

    async def test_a_failed_scenario_with_its_picture(self):
        self.begin()
        self.expect_fetch()
        png = b"\x89PNG\r\n\x1a\n" + b"0" * 100
        digest = hashlib.sha256(png).hexdigest()
        picture = Picture(
            path="/wrk/output/evidence/a-3-1-1.png",
            title="screenshot.png",
            test="features/a.feature:3",
            sha256=digest,
            size=len(png),
        )
        piece = Piece(sha256=digest, data=base64.b64encode(png).decode())
        failed = TestResult(
            suite="behave",
            name="A: <b>b</b>",
            status="failed",
            file="features/a.feature",
            line=3,
            step="When I press Save",
            message="it is </pre> not there",
        )
        seen = []

        def look(_command):
            # Whatever is shown now is shown while the stage runs.
            seen.append(self.made.getCurrentSummary()["step"])

        shell = len(self._expected_commands)
        self.expect_script()
        expected = self._expected_commands[shell]
        expected.behaviors.clear()
        progress = Progress(text="scenarios, 1 failed", done=45, total=52)
        expected.stdout(said(picture, piece, failed, progress)).behavior(look)
        expected.stdout(said(Notice(text="1 failed", level="error"))).exit(1)
        self.expect_outcome(FAILURE, "1 failed")
        self.expect_test_result_sets(
            [("Builder", "pass_fail", "boolean"), ("Builder", "fail_only", "message")]
        )
        told = "failed\nit is </pre> not there"
        where = ("A: <b>b</b>", "features/a.feature", 3)
        self.expect_test_results([(1000, "0", *where, 0), (1001, told, *where, None)])
        await self.run_step()
        assert seen == ["45/52 scenarios, 1 failed"]
        page = self.made.logs["failures"].stdout
        assert base64.b64encode(png).decode() in page
        assert "A: &lt;b&gt;b&lt;/b&gt;" in page
        assert "it is &lt;/pre&gt; not there" in page
        assert self.store.path(digest).read_bytes() == png
        assert self.desk.kept == [(7, "evidence/a-3-1-1.png")]
        assert "base64" not in self.made.logs["stdio"].stdout
