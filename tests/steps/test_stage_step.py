"""The step of a stage, from its claim to its end: each kind of stage, on Linux and on Windows."""

import pytest
from buildbot.process.results import CANCELLED, FAILURE, SKIPPED, SUCCESS

from slipway.model.kinds.stage import STAGES
from slipway.model.protocol.event import Notice, Progress, Summary

from .cases import DATA, GIVEN, HASH, StepCase, artefact, said


class EachKind:
    """What every kind of stage does."""

    @pytest.mark.slow
    async def test_it_passes(self):
        self.begin()
        self.expect_fetch()
        left = artefact()
        events = said(Progress(text="at work"), left, Summary(text="all good", facts={"n": 3}))
        self.expect_script(f"a line of log\n{events}")
        self.expect_upload()
        self.expect_end()
        self.expect_outcome(SUCCESS, "all good")
        await self.run_step()
        assert self.ledger.claimed == [(7, 92, "local")]
        assert self.ledger.kept == [(7, "almanac.zip")]
        assert self.ledger.told == [(7, 0, "all good", {"n": 3})]
        assert self.store.path(HASH).read_bytes() == DATA
        assert list(self.sent.values()) == [GIVEN]
        assert self.made.logs["stdio"].stdout == (
            f"a line of log\nat work\nartefact almanac.zip: 19 bytes, sha256 {HASH}\nall good\n"
        )

    @pytest.mark.slow
    async def test_it_fails(self):
        self.begin()
        self.expect_fetch()
        self.expect_script(said(artefact(), Notice(text="it is bad", level="error")), code=1)
        self.expect_end()
        self.expect_outcome(FAILURE, "it is bad")
        await self.run_step()
        assert self.ledger.told == [(7, 1, "it is bad", {})]
        assert self.ledger.kept == []
        assert not self.store.has(HASH)

    @pytest.mark.slow
    async def test_it_is_skipped_where_the_attempt_has_ended(self):
        self.begin(job=False)
        self.expect_outcome(SKIPPED)
        await self.run_step()
        assert "has ended already" in self.made.getResultSummary()["step"]
        assert self.ledger.told == []


def _each(system, suffix):
    for kind in STAGES.members:
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
        self.expect_end()
        self.expect_outcome(result)
        await self.run_step()
        ((_, told_code, told, _),) = self.ledger.told
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
        await self.ends(-9, 1, "ended with exit code -9 without a reason; see the log")

    async def test_a_strange_code(self):
        await self.ends(77, 1, "ended with exit code 77")

    async def test_no_code_at_all(self):
        await self.ends(None, 1, "exit code None")

    async def test_an_error_and_no_reason(self):
        await self.ends(1, 1, "exit code 1 without a reason", said(Summary(text="well")))

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
        assert self.ledger.claimed == []

    async def test_stopped_by_a_person(self):
        self.begin()
        self.expect_fetch()
        self.expect_script(code=-15)
        self._expected_commands[-1].behavior(lambda _command: self.stop())
        self.expect_outcome(CANCELLED)
        await self.run_step()
        assert self.ledger.told == []

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
        self.expect_end()
        self.expect_outcome(FAILURE)
        await self.run_step()
        ((_, code, summary, _),) = self.ledger.told
        assert told in summary
        assert self.ledger.kept == []
        assert self.leftovers() == []
        assert told in self.made.logs["problem"].stdout
        return code

    async def test_an_altered_upload_fails_the_stage(self):
        data = DATA.replace(b"left", b"lift")
        code = await self.fails("arrived altered or cut short", [artefact()], {"data": data})
        assert code == 1
        assert not self.store.has(HASH)

    async def test_a_truncated_upload_fails_the_stage(self):
        await self.fails(
            "arrived altered or cut short", [artefact()], {"data": DATA[:-1], "size": len(DATA)}
        )

    async def test_of_a_stage_that_failed_the_reports_are_kept(self):
        self.begin()
        self.expect_fetch()
        report = artefact().model_copy(update={"role": "report"})
        product = artefact(b"half", name="half", path="/wrk/half")
        bad = Notice(text="it is bad", level="error")
        self.expect_script(said(product, report, bad), code=1)
        self.expect_upload()
        self.expect_end()
        self.expect_outcome(FAILURE, "it is bad")
        await self.run_step()
        assert self.ledger.kept == [(7, "almanac.zip")]
        assert self.ledger.told == [(7, 1, "it is bad", {})]

    async def test_a_report_that_cannot_be_kept_is_not_why_a_stage_failed(self):
        self.begin()
        self.expect_fetch()
        report = artefact().model_copy(update={"role": "report"})
        self.expect_script(said(report, Notice(text="it is bad", level="error")), code=1)
        self.expect_upload(b"", code=1, size=len(DATA))
        self.expect_end()
        self.expect_outcome(FAILURE, "it is bad")
        await self.run_step()
        assert self.ledger.told == [(7, 1, "it is bad", {})]
        assert "the worker could not send" in self.made.logs["problem"].stdout

    async def test_a_file_the_worker_cannot_send_fails_the_stage(self):
        told = "the worker could not send almanac.zip: it is gone"
        upload = {"data": b"", "code": 1, "size": len(DATA)}
        assert await self.fails(told, [artefact()], upload) == 1

    async def test_two_of_one_name_are_refused(self):
        other = artefact(b"other", path="/wrk/output/deep/almanac.zip")
        assert await self.fails("two artefacts have the same name", [artefact(), other]) == 2

    async def test_an_input_that_is_gone_fails_the_stage(self):
        self.begin()
        self.store.path(self.ledger.job.inputs[0].sha256).unlink()
        self.expect_begin()
        self.expect_end()
        self.expect_outcome(FAILURE)
        await self.run_step()
        ((_, code, summary, _),) = self.ledger.told
        assert code == 1
        assert summary.startswith("before/given.zip: the store cannot give ")

    async def test_several_are_kept_in_their_order(self):
        self.begin()
        self.expect_fetch()
        second = artefact(b"", name="empty", path="C:\\wrk\\empty")
        self.expect_script(said(artefact(), second))
        self.expect_upload()
        self.expect_upload(b"", "C:\\wrk\\empty")
        self.expect_end()
        self.expect_outcome(SUCCESS)
        await self.run_step()
        assert self.ledger.kept == [(7, "almanac.zip"), (7, "empty")]
