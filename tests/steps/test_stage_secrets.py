"""Secrets on their way through the step: to the script's input alone, and out of no log."""

import base64

import pytest
from buildbot.process.results import CANCELLED, FAILURE, SUCCESS

from slipway.model.errors import MissingTool
from slipway.model.protocol.event import Notice, Progress, Summary, TestResult

from .cases import StepCase, artefact, said

TOKEN = "hunter2-hunter3"


class SecretsTest(StepCase):
    """A stage with a secret."""

    kind = "command"

    def begin(self, **keys):
        super().begin(**keys)
        self.ledger.given = {"TOKEN": TOKEN}
        self.ledger.withheld = ("the secret OTHER is for release/* alone; a run of main has none",)

    def logs(self):
        return "".join(log.stdout + log.stderr + log.header for log in self.made.logs.values())

    async def test_it_goes_to_the_scripts_input_and_what_is_withheld_is_told(self):
        self.begin()
        self.expect_fetch()
        self.expect_script(said(Summary(text="all good")))
        self.expect_end()
        self.expect_outcome(SUCCESS, "all good")
        await self.run_step()
        assert "the secret OTHER is for release/* alone" in self.logs()
        assert TOKEN not in self.logs()
        assert TOKEN not in self.ledger.job.model_dump_json()

    @pytest.mark.slow
    async def test_output_past_the_script_is_masked_wherever_it_is_split(self):
        self.begin()
        self.expect_fetch()
        shell = len(self._expected_commands)
        self.expect_script()
        expected = self._expected_commands[shell]
        expected.behaviors.clear()
        told = base64.b64encode(f"x:{TOKEN}".encode()).decode()
        expected.stdout("before\nit is hun").stdout("ter2-hun").stdout("ter3 now\n")
        expected.stdout("hunter2-\n").stdout("hunter3\n")
        expected.stderr(f"Traceback\nValueError: {TOKEN}\n").stderr("hunter2-hu").stderr("nter3")
        expected.stdout(f"{told}\nthe end hunter2-hunter3")
        expected.exit(0)
        self.expect_end()
        self.expect_outcome(SUCCESS, "finished")
        await self.run_step()
        log = self.made.logs["stdio"]
        assert log.stdout == "before\nit is **** now\n****\n\neD****\nthe end ****\n"
        assert log.stderr == "Traceback\nValueError: ****\n****\n"

    async def test_events_are_masked_before_anything_is_kept(self):
        self.begin()
        self.expect_fetch()
        events = [
            Progress(text=f"with {TOKEN}"),
            TestResult(suite="s", name=f"test[{TOKEN}]", status="failed", message=f"a\n{TOKEN}\nb"),
            Summary(text=f"it was {TOKEN}", facts={TOKEN: [TOKEN], "n": 1}),
            Notice(text=f"no good: {TOKEN}", level="error"),
        ]
        self.expect_script(said(*events), code=1)
        self.expect_end()
        self.expect_outcome(FAILURE, "no good: ****")
        await self.run_step()
        assert self.ledger.told == [(7, 1, "no good: ****", {"****": ["****"], "n": 1})]
        (kept,) = self.written()
        assert (kept.name, kept.message) == ("test[****]", "a\n****\nb")
        assert TOKEN not in self.logs()

    async def test_an_artefact_that_is_called_like_a_secret_is_refused(self):
        self.begin()
        self.expect_fetch()
        self.expect_script(said(artefact(name=f"{TOKEN}.zip"), Summary(text="all good")))
        self.expect_end()
        told = "the name of an artefact holds a secret; call the file something else"
        self.expect_outcome(FAILURE, told)
        await self.run_step()
        assert self.ledger.kept == []
        assert TOKEN not in self.logs()

    async def test_one_that_cannot_be_read_fails_the_stage_before_the_worker_hears_of_it(self):
        self.begin()

        async def missing(_job):
            msg = "project.d.stages.a.secrets.TOKEN: the environment variable T is not set"
            raise MissingTool(msg)

        self.ledger.read_secrets = missing
        told = "project.d.stages.a.secrets.TOKEN: the environment variable T is not set"
        self.expect_outcome(FAILURE, told)
        await self.run_step()
        assert self.ledger.told == [(7, 3, told, {})]

    async def test_one_that_is_stopped_while_they_are_read_begins_nothing(self):
        self.begin()

        async def stopped(_job):
            self.made.stopped = True
            return {"TOKEN": TOKEN}, ()

        self.ledger.read_secrets = stopped
        self.expect_outcome(CANCELLED)
        await self.run_step()
        assert self.ledger.told == []
