"""The step of a stage: what it makes of tests, of deployments and of evidence."""

import base64
import hashlib

from buildbot.process.remotetransfer import FileReader, StringFileReader
from buildbot.process.results import FAILURE, SUCCESS
from buildbot.test.steps import (
    ExpectDownloadFile,
    ExpectRemoteRef,
)

from slipway.model.event import (
    Notice,
    Picture,
    Piece,
    Progress,
    Summary,
    TestResult,
)
from slipway.model.job import Job
from slipway.steps.transfer import BLOCK

from .cases import StepCase, said


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
