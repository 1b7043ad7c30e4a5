"""Reading the secrets of stages, beside the reactor: programs may tell them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet import threads
from twisted.internet.error import ConnectionLost
from twisted.python.threadpool import ThreadPool

from slipway.model.errors import MissingTool
from slipway.model.secrets.location import StageSecret
from slipway.secrets.programs import end_programs
from slipway.secrets.reading import given_to_stage

#: So many stages have their secrets read at once, of the whole site.
_READERS = 4


class SecretReaders:
    """A pool of threads that is there once a stage has secrets."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._pool: ThreadPool | None = None
        self._ended = False

    async def read(
        self,
        secrets: Mapping[str, StageSecret],
        branch: str,
        folder: Path,
        key: str,
        is_on_it: Callable[[], bool],
    ) -> tuple[dict[str, str], tuple[str, ...]]:
        """Read the secrets of a stage.

        Args:
            secrets: Where each is to be found.
            branch: The run's.
            folder: The site's.
            key: The path of the stage's secrets in pipeline.toml.
            is_on_it: Tells whether the run's revision is on that branch.

        Returns:
            Them, by the name of the environment variable, and sentences about those that this run
            does not get.

        Raises:
            MissingTool: Some cannot be read; of each why.
            ConnectionLost: The master is stopping.
        """
        if self._pool is None:
            self._pool = ThreadPool(0, _READERS, "secrets")
            self._pool.start()
        args = (secrets, branch, folder, key, is_on_it)
        try:
            given = await threads.deferToThreadPool(
                self._reactor, self._pool, given_to_stage, *args
            )
        except MissingTool:
            if self._ended:
                # Their programs were ended with this master: the next one reads them.
                msg = "the master is stopping"
                raise ConnectionLost(msg) from None
            raise
        return given.values, given.withheld

    def stop(self) -> None:
        """End what reads, and its programs."""
        self._ended = True
        if self._pool is not None:
            end_programs()
            self._pool.stop()
            self._pool = None
