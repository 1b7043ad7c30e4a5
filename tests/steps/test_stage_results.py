"""The step of a stage: what it makes of tests, of deployments and of evidence."""

import base64
import hashlib
import tracemalloc

import pytest
from buildbot.process.results import FAILURE, SUCCESS
from twisted.internet import defer, task

from slipway.model.protocol.event import Notice, Picture, Piece, Progress, Summary, TestResult
from slipway.model.protocol.job import Job
from slipway.steps import event_parser
from slipway.steps.results import BATCH, LARGE, Results

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
        self.expect_end()
        self.expect_outcome(FAILURE, "2 failed")
        await self.run_step()
        assert self.written() == each
        ((builder, sets, _),) = self.ledger.tests
        assert (builder, sorted(sets)) == (5, ["fail_only", "pass_fail"])
        assert await self.sets() == {"pass_fail": (True, 2, 2), "fail_only": (True, 0, 2)}

    async def test_a_test_may_take_longer_than_buildbots_column_holds(self):
        self.begin()
        self.expect_fetch()
        each = [
            TestResult(suite="p", name="a", status="passed", seconds=2.147483647),
            TestResult(suite="p", name="b", status="passed", seconds=3600.5),
        ]
        self.expect_script(said(*each, Summary(text="2 passed")))
        self.expect_end()
        self.expect_outcome(SUCCESS, "2 passed")
        await self.run_step()
        assert self.written() == each
        assert await self.sets() == {"pass_fail": (True, 2, 0), "duration": (True, 0, 0)}

    @pytest.mark.slow
    async def test_many_results_are_written_in_batches_while_the_stage_runs(self):
        self.begin()
        self.expect_fetch()
        each = [
            TestResult(suite="p", name=f"t{n}", status="failed", message="m" * 3500)
            for n in range(2 * BATCH + 7)
        ]
        seen = []
        shell = len(self._expected_commands)
        self.expect_script()
        expected = self._expected_commands[shell]
        expected.behaviors.clear()
        for start in range(0, len(each), 100):
            expected.stdout(said(*each[start : start + 100]))
        expected.behavior(lambda _command: seen.append(len(self.ledger.tests)))
        expected.stdout(said(Notice(text="all failed", level="error"))).exit(1)
        self.expect_end()
        self.expect_outcome(FAILURE, "all failed")
        self.patch(task, "deferLater", lambda *_: defer.succeed(None))
        await self.run_step()
        assert seen[0] >= 2
        assert [test.name for test in self.written()] == [test.name for test in each]
        sizes = [len(tests) for _, _, tests in self.ledger.tests]
        assert max(sizes) <= BATCH
        texts = [sum(len(one.message) for one in tests) for _, _, tests in self.ledger.tests]
        assert max(texts) < LARGE + 3501
        assert (await self.sets())["fail_only"] == (True, 0, len(each))

    @pytest.mark.slow
    async def test_the_texts_of_a_stage_are_bounded(self):
        self.begin()
        self.expect_fetch()
        message = "AssertionError\n" + "x" * 3500 + "\nthe end"
        each = [
            TestResult(suite="p", name=f"t{n}", status="failed", message=message)
            for n in range(5000)
        ]
        self.expect_script(said(*each, Notice(text="all failed", level="error")), code=1)
        self.expect_end()
        self.expect_outcome(FAILURE, "all failed")
        self.patch(task, "deferLater", lambda *_: defer.succeed(None))
        await self.run_step()
        kept = [test.message for test in self.written()]
        assert len(kept[0]) > 3000
        assert len(kept[-1]) < 600
        assert {text[:14] + text[-7:] for text in kept} == {"AssertionErrorthe end"}
        assert sum(map(len, kept)) < 7_000_000

    async def test_results_that_no_database_takes_are_mended(self):
        self.begin()
        self.expect_fetch()
        strange = TestResult(suite="p", name="n\0" + "x" * 3000, status="passed", file="a\0.py")
        self.expect_script(said(strange, Summary(text="passed")))
        self.expect_end()
        self.expect_outcome(SUCCESS, "passed")
        await self.run_step()
        (kept,) = self.written()
        assert kept.name.startswith("n\ufffdx")
        assert len(kept.name) < 650
        assert kept.file == "a\ufffd.py"

    async def test_results_that_cannot_be_written_do_not_fail_the_stage(self):
        self.begin()
        self.expect_fetch()

        async def full(*_):
            raise OSError(28, "No space left on device")

        self.ledger.record_tests = full
        each = [TestResult(suite="p", name=f"t{n}", status="passed") for n in range(3)]
        self.expect_script(said(*each, Summary(text="3 passed")))
        self.expect_end()
        self.expect_outcome(SUCCESS, "3 passed")
        await self.run_step()
        assert "3 test results could not be written down" in self.made.logs["tests left out"].stdout
        assert len(self.flushLoggedErrors(OSError)) == 1

    @pytest.mark.slow
    async def test_of_a_long_log_the_beginning_and_the_end_are_kept(self):
        self.patch(event_parser, "_HEAD", 1000)
        self.patch(event_parser, "_TAIL", 200)
        self.begin()
        self.expect_fetch()
        shell = len(self._expected_commands)
        self.expect_script()
        expected = self._expected_commands[shell]
        expected.behaviors.clear()
        for number in range(5000):
            expected.stdout(f"line {number}\n")
            expected.stderr(f"error {number}\n")
        expected.stdout(said(Summary(text="all good"))).stdout("the end without a line feed")
        expected.exit(0)
        self.expect_end()
        self.expect_outcome(SUCCESS, "all good")
        await self.run_step()
        log = self.made.logs["stdio"]
        assert log.stdout.startswith("line 0\nline 1\n")
        assert "[from here on only the end of the output is kept]\n" in log.stdout
        assert "characters are left out here]\n" in log.stdout
        assert log.stdout.endswith("line 4999\nall good\nthe end without a line feed\n")
        assert log.stderr.endswith("error 4999\n")
        assert len(log.stdout) < 1500
        assert len(log.stderr) < 700

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
        self.expect_end()
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

    async def test_what_both_releases_have_is_fetched_once(self):
        self.begin()
        self.expect_fetch()
        self.expect_script(said(Summary(text="staging: 1+7 is deployed", facts={"n": 1})))
        self.expect_end()
        self.expect_outcome(SUCCESS, "staging: 1+7 is deployed")
        await self.run_step()
        assert self.ledger.told == [(7, 0, "staging: 1+7 is deployed", {"n": 1})]


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
        self.expect_end()
        self.expect_outcome(FAILURE, "1 failed")
        await self.run_step()
        assert self.written() == [failed]
        assert seen == ["45/52 scenarios, 1 failed"]
        page = self.made.logs["failures"].stdout
        assert base64.b64encode(png).decode() in page
        assert "A: &lt;b&gt;b&lt;/b&gt;" in page
        assert "it is &lt;/pre&gt; not there" in page
        assert self.store.path(digest).read_bytes() == png
        assert self.ledger.kept == [(7, "evidence/a-3-1-1.png")]
        assert "base64" not in self.made.logs["stdio"].stdout


@pytest.mark.slow
def test_results_that_wait_for_the_database_take_little_memory():
    """What is said of 20,000 tests is 6 MB; as objects they were some 30."""
    number, message = 20_000, "AssertionError: " + "x" * 230
    holds: defer.Deferred[None] = defer.Deferred()
    kept: list[TestResult] = []

    async def open_set(_category: str) -> int:
        return 1

    async def keep(_sets, tests):
        await holds
        kept.extend(tests)

    async def nothing(*_):
        pass

    results = Results(open_set, keep, nothing, nothing)
    tracemalloc.start()
    try:
        for n in range(number):
            results.take(
                TestResult(
                    suite="unittest",
                    name=f"test_all.Tests.test_that_number_{n}_is_as_it_should_be",
                    status="failed",
                    file="tests/test_all.py",
                    message=f"{n} {message}",
                )
            )
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 15_000_000
    closed = defer.Deferred.fromCoroutine(results.close())
    holds.callback(None)
    assert closed.called
    assert [int(one.message.partition(" ")[0]) for one in kept] == list(range(number))
    assert results.lost == 0
