"""Service with the code that the master's stages run, for workers on other machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

from buildbot.util.service import BuildbotService
from twisted.internet import defer, threads
from twisted.python import log
from twisted.python.failure import Failure

from slipway.model.errors import MissingTool, SlipwayError
from slipway.workers.stage_code.carried import CarriedCode, pack_code

__all__ = ["CodeService"]


class CodeService(BuildbotService):
    """The code service, one per master. It packs the code once."""

    compare_attrs: ClassVar[tuple[str, ...]] = ("folder", "elsewhere")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._packing = False
        self._waiting: list[defer.Deferred[tuple[CarriedCode | Failure]]] = []
        self._packed: CarriedCode | Failure | None = None
        self._told: WeakSet[Any] = WeakSet()
        super().__init__(*args, **kwargs)

    def checkConfig(self, *, folder: str, elsewhere: list[str]) -> None:
        """Accept the arguments."""
        super().checkConfig()

    async def reconfigService(self, *, folder: str, elsewhere: list[str]) -> None:
        """Pack the code, as soon as there is a worker on another machine.

        Args:
            folder: The folder for the file, ours alone.
            elsewhere: The names of those workers.
        """
        self.folder, self.elsewhere = folder, elsewhere
        await super().reconfigService()
        if elsewhere:
            # Now: the files may be those of another version by the time a stage needs them.
            self._pack()

    def _pack(self) -> None:
        if not self._packing:
            self._packing, self._packed = True, None
            threads.deferToThread(pack_code, Path(self.folder)).addBoth(self._keep)

    def _keep(self, found: Any) -> None:
        self._packed = found
        if isinstance(found, Failure):
            # The next stage has it tried again.
            self._packing = False
            log.err(found, "while packing the code for workers on other machines")
        else:
            for sentence in found.left_out:
                log.msg(sentence)
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            # As a value: a failure is told as a sentence by each.
            one.callback((found,))

    async def code_for(self, worker: str) -> CarriedCode | None:
        """Return the code for a worker's stages; None if it has the master's installation.

        Raises:
            MissingTool: The master's code cannot be packed.
        """
        if worker not in self.elsewhere:
            return None
        self._pack()
        if self._packed is None:
            waiting: defer.Deferred[tuple[CarriedCode | Failure]] = defer.Deferred()
            self._waiting.append(waiting)
            (packed,) = await waiting
        else:
            packed = self._packed
        if isinstance(packed, Failure):
            error = packed.value
            if isinstance(error, SlipwayError):
                raise error
            msg = f"the master's code cannot be packed for {worker}: {error}; see the master's log"
            raise MissingTool(msg)
        return packed

    def is_first(self, connection: object) -> bool:
        """Return True once for each connection of a worker."""
        if connection in self._told:
            return False
        self._told.add(connection)
        return True
