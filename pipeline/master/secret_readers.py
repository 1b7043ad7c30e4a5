"""Read the secrets of stages in threads, since programs may provide them."""

from __future__ import annotations

import os
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
from slipway.workers.isolation import methods as isolation

__all__ = ["SecretReaders", "check_kept_apart"]

#: Maximum number of stages whose secrets are read at once, for the whole site.
_READERS = 4


class SecretReaders:
    """Thread pool for secrets, created for the first stage that has some."""

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
            secrets: The location of each secret.
            branch: The run's branch.
            folder: The site's folder.
            key: The path of the stage's secrets in pipeline.toml.
            is_on_it: Returns whether the run's revision is on that branch.

        Returns:
            The secrets by environment variable, and sentences about those withheld from this run.

        Raises:
            MissingTool: Some cannot be read; the message gives each reason.
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
                # Their programs were killed by this master's stop: the next master reads them
                # again.
                msg = "the master is stopping"
                raise ConnectionLost(msg) from None
            raise
        return given.values, given.withheld

    def stop(self) -> None:
        """Stop the threads and kill their programs."""
        self._ended = True
        if self._pool is not None:
            end_programs()
            self._pool.stop()
            self._pool = None


def check_kept_apart(worker: str) -> None:
    """Refuse keys to a worker that keeps tenants apart elsewhere, and cannot do it here.

    `slipway check` has compared what pipeline.toml says; `slipway up` has tried what is possible.

    Args:
        worker: The worker's name.

    Raises:
        MissingTool: It runs as the master's user, though nobody has asked for that.
    """
    told = isolation.from_text(os.environ.get(isolation.VARIABLE)).get(worker)
    if told is None or told["way"] != "none" or told["reason"].endswith(isolation.ON_PURPOSE):
        return
    msg = (
        f"{told['reason']}; so programs of commits could read the key there, and it is not given; "
        "mend that, or let the stage run on a worker of its own (runs-on)"
    )
    raise MissingTool(msg)
