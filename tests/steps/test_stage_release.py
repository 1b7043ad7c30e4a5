"""The step of a publish stage: the master's release to the worker, and its targets' states back."""

from buildbot.process.results import FAILURE, SUCCESS

from slipway.model.errors import StageFailed
from slipway.model.protocol.delivery import Ended
from slipway.model.protocol.event import Notice, Summary, TargetEnded, TargetFile
from slipway.model.protocol.job import Job, MadeRelease
from slipway.model.states import FileState
from slipway.scripts.stages.publish.stage import PublishCheckStage
from slipway.steps.targets import EVERY

from .cases import StepCase, said

NAME = "given.zip"


class ReleaseCase(StepCase):
    """A step whose stage makes a release."""

    kind = "publish"
    targets = ("www",)

    def make_job(self):
        made = super().make_job()
        targets = [{"kind": "folder", "name": one, "path": one} for one in self.targets]
        stage = made.stage.model_dump(by_alias=True) | {"targets": targets}
        return Job(**{**dict(made), "stage": stage})

    def begin(self, **options):
        super().begin(**options)
        job = self.ledger.job
        self.hash = job.inputs[0].sha256
        release = MadeRelease(manifest_sha256=self.hash, files=job.inputs)
        made = job.model_copy(update={"inputs": (), "release": release})
        self.ledger.releases.job = made
        self.before, self.ledger.job = job, made

    def file(self, state, **changes):
        told = {"target": "www", "file": NAME, "sha256": self.hash, "state": state}
        return TargetFile(**(told | changes))

    def ended(self, state="public", **changes):
        return TargetEnded(**({"target": "www", "state": state, "place": "/srv"} | changes))

    async def does(self, *events, code=0, result=SUCCESS):
        self.expect_fetch()
        self.expect_script(said(*events), code)
        self.expect_end()
        self.expect_outcome(result)
        await self.run_step()
        ((_, told_code, summary, _),) = self.ledger.told
        return told_code, summary


class ReleaseTest(ReleaseCase):
    """What passes between the master's ledger and the worker."""

    async def test_the_worker_gets_the_release_and_tells_of_its_targets(self):
        self.begin()
        events = [self.file("staged"), self.file("verified"), self.file("public"), self.ended()]
        assert await self.does(*events, Summary(text="there")) == (0, "there")
        assert self.ledger.releases.made == [7]
        (news,) = self.ledger.releases.told
        assert news["www"].files == {NAME: (self.hash, FileState.PUBLIC)}
        assert news["www"].ended == Ended("/srv")

    async def test_a_release_that_cannot_be_made_reaches_no_worker(self):
        self.begin()
        self.ledger.releases.problem = StageFailed("1+7 is published already with other contents")
        self.expect_outcome(FAILURE)
        await self.run_step()
        assert self.ledger.told == [(7, 1, "1+7 is published already with other contents", {})]

    async def test_where_there_is_nothing_to_release_the_worker_has_nothing_to_do(self):
        self.begin()
        self.ledger.releases.why = "nothing to release: 1+6, of run 6, has the same file"
        self.expect_outcome(SUCCESS)
        await self.run_step()
        assert self.ledger.told == [(7, 0, self.ledger.releases.why, {})]
        assert self.ledger.releases.made == []

    async def test_a_key_that_cannot_sign_is_told_before_targets_are_asked(self):
        self.begin()
        check = PublishCheckStage(uses="publish-check", targets=self.ledger.job.stage.targets)
        self.ledger.job = self.before.model_copy(update={"stage": check})
        self.ledger.releases.keys = "the key that signs releases ends on 2026-12-02"
        self.expect_outcome(FAILURE)
        await self.run_step()
        assert self.ledger.told == [(7, 2, self.ledger.releases.keys, {})]

    async def test_what_targets_had_is_kept_when_the_script_fails(self):
        self.begin()
        why = "www: the connection was lost"
        events = [self.file("staged"), self.ended("failed", text="lost")]
        events.append(Notice(text=why, level="error"))
        assert await self.does(*events, code=1, result=FAILURE) == (1, why)
        (news,) = self.ledger.releases.told
        assert news["www"].files[NAME][1] is FileState.STAGED
        assert news["www"].ended == Ended("", "lost")

    async def test_passed_without_a_word_about_a_target_is_failed(self):
        self.begin()
        code, why = await self.does(Summary(text="there"), result=FAILURE)
        told = "the script ended well without saying that the release is public at www"
        assert (code, why) == (1, told)

    async def refused(self, events):
        self.begin()
        code, why = await self.does(*events(), Summary(text="there"), result=FAILURE)
        assert code == 1
        return why

    async def test_a_file_of_another_hash_is_no_public_one(self):
        why = await self.refused(lambda: [self.file("public", sha256="0" * 64), self.ended()])
        assert f'"{NAME}" is public at www with sha256 {"0" * 64}' in why

    async def test_another_stages_target_is_refused(self):
        why = await self.refused(lambda: [self.file("public", target="other")])
        assert why == 'the script tells of the target "other"; the stage has www'

    async def test_another_releases_file_is_refused(self):
        why = await self.refused(lambda: [self.file("public", file="other.zip")])
        assert why == 'the script tells of "other.zip", which is no file of the release'

    async def test_public_without_its_files_is_refused(self):
        assert "only 0 of its 1 files are" in await self.refused(lambda: [self.ended()])

    async def test_a_ledger_that_cannot_write_makes_the_stage_fail(self):
        self.begin()
        self.ledger.releases.broken = RuntimeError("no such table")
        code, why = await self.does(self.file("staged"), result=FAILURE)
        assert code == 1
        assert "RuntimeError: no such table" in why
        self.flushLoggedErrors(RuntimeError)

    async def test_it_is_written_while_the_script_goes_on(self):
        self.begin()
        self.expect_fetch()
        self.expect_script(said(self.file("staged")))
        shell = self._expected_commands[-1]

        def go_on(command):
            self.reactor.advance(EVERY)
            (news,) = self.ledger.releases.told
            assert news["www"].files[NAME][1] is FileState.STAGED
            events = [self.file("public"), self.ended()]
            return command.add_stdout_lines(said(*events), is_flushed=True)

        shell.behavior(go_on)
        self.expect_end()
        self.expect_outcome(SUCCESS)
        await self.run_step()
        assert len(self.ledger.releases.told) == 2


class ManyEventsTest(ReleaseCase):
    """A worker that tells a hundred thousand times what is so."""

    async def test_the_ledger_is_written_to_once(self):
        self.begin()
        events = [self.file("staged"), self.file("verified")] * 10_000
        events += [self.file("public"), self.ended()]
        assert (await self.does(*events))[0] == 0
        assert len(self.ledger.releases.told) == 1


class ForgedTest(StepCase):
    """A stage that makes no release and tells of targets all the same."""

    kind = "command"

    async def test_it_is_refused(self):
        self.begin()
        self.expect_fetch()
        event = TargetFile(target="www", file=NAME, sha256="0" * 64, state="public")
        self.expect_script(said(event))
        self.expect_end()
        self.expect_outcome(FAILURE)
        await self.run_step()
        ((_, code, why, _),) = self.ledger.told
        assert (code, why) == (1, 'the script tells of the target "www"; the stage has none')
