"""The step's side of the code that travels: asked for with the place, sent where it is wanted."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from buildbot.process.results import FAILURE, SUCCESS
from buildbot.test.steps import Expect, ExpectRemoteRef

from slipway.model.protocol.event import Summary
from slipway.steps import code as steps_code
from slipway.steps.transfer import BLOCK, StoreReader

from .cases import StepCase, said

CODE = b"the master's code"
PATH = "/wrk/code/0123456789-abcdef/env/bin:/usr/bin"


@dataclass(frozen=True)
class Carried:
    path: Path
    size: int = len(CODE)
    key: str = hashlib.sha256(CODE).hexdigest()
    version: str = "1.1"
    records: tuple[str, ...] = ("f" * 64,)


class CodeTest(StepCase):
    """Workers on other machines."""

    def begin(self, **how):
        file = self.folder / "code.zip"
        file.write_bytes(CODE)
        self.code.carried = Carried(file)
        super().begin(**how)
        self.worker.conn = self.connection = object()
        self.sent = b""

    def expect_inputs(self):
        [given] = self.ledger.job.fetched
        arguments = {
            "sha256": given.sha256,
            "size": given.size,
            "reader": ExpectRemoteRef(StoreReader),
            "blocksize": BLOCK,
        }
        self.expect_commands(Expect("slipway.take", arguments).exit(0))

    def expect_code(self, code=0, **updates):
        arguments = {
            "sha256": self.code.carried.key,
            "size": len(CODE),
            "reader": ExpectRemoteRef(StoreReader),
            "blocksize": BLOCK,
        }

        def read(command):
            self.sent = command.args["reader"].remote_read(10**9)
            command.args["reader"].remote_close()

        sent = Expect("slipway.code", arguments).behavior(read)
        for name, value in updates.items():
            sent.update(name, value)
        self.expect_commands(sent.exit(code))

    async def passes(self, **env):
        self.expect_inputs()
        self.expect_script(said(Summary(text="all good")), **env)
        self.expect_end()
        self.expect_outcome(SUCCESS, "all good")
        await self.run_step()
        return self.made.logs["stdio"].header

    async def fails(self, told):
        self.expect_outcome(FAILURE)
        await self.run_step()
        ((_, code, summary, _),) = self.ledger.told
        assert told in summary
        return code

    async def test_a_worker_of_the_same_code_costs_nothing(self):
        self.begin()
        self.expect_begin(code="own", path="", version="1.1")
        assert "other code" not in await self.passes()
        assert self.code.connections == set()

    async def test_what_is_there_is_used_and_told(self):
        self.begin()
        self.expect_begin(code="ready", path=PATH, version="1.0")
        told = await self.passes(PATH=PATH)
        assert "other code than the master's (Slipway 1.0 there, 1.1 here)" in told
        assert self.code.connections == {self.connection}

    async def test_it_is_told_once_for_each_connection(self):
        self.begin()
        self.code.connections.add(self.connection)
        self.expect_begin(code="ready", path=PATH, version="1.0")
        assert "other code" not in await self.passes(PATH=PATH)

    async def test_what_is_wanted_is_sent(self):
        self.begin()
        self.expect_begin(code="wanted", path="", version="1.0")
        self.expect_code(alive=1, path=PATH)
        assert "other code" in await self.passes(PATH=PATH)
        assert self.sent == CODE

    async def test_what_a_worker_says_is_no_reason_to_run_anything_else(self):
        self.begin()
        self.expect_begin(code="ready", path=["/bin"], version=7)
        self.expect_code(path="/a\nb")
        self.expect_end()
        assert await self.fails("it does not say where it is") == 3

    async def test_why_it_could_not_be_installed_is_told(self):
        self.begin()
        self.expect_begin(code="wanted", path="", version="1.0")
        self.expect_code(code=1, problem="the package index cannot be reached: no route")
        self.expect_end()
        told = (
            "the worker local could not install the master's code (Slipway 1.1): the package index "
            "cannot be reached: no route"
        )
        assert await self.fails(told) == 3

    async def test_a_worker_that_cannot_take_code_is_to_be_set_up_again(self):
        self.begin()
        self.versions = {"slipway.begin": "3.3"}
        self.build.getWorkerCommandVersion = lambda name, _old=None: self.versions.get(name)
        assert await self.fails("set it up again, for the last time: `slipway worker new") == 3

    async def test_the_master_s_own_file_is_gone(self):
        self.begin()
        self.code.carried.path.unlink()
        self.expect_begin(code="wanted", path="", version="1.0")
        self.expect_end()
        assert await self.fails("the master cannot read its own code") == 3

    def test_signs_of_life_are_progress_and_not_for_ever(self):
        self.begin()
        reader = StoreReader(self.code.carried.path)
        command = steps_code.CodeCommand(self.code.carried, reader)
        reader.remote_close()
        before = command.moved()
        command.remoteUpdate("alive", 1, is_flushed=False)
        assert command.moved() >= before
        command._began -= 2 * steps_code.INSTALLING
        command.remoteUpdate("alive", 1, is_flushed=False)
        assert command.moved() < before
