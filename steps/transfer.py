"""Artefacts between the store and a worker, hashed on both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from buildbot.process.remotecommand import RemoteCommand, RemoteException
from buildbot.process.remotetransfer import FileReader, StringFileReader
from buildbot.worker.protocols.base import FileWriterImpl

from slipway.model.errors import StageFailed
from slipway.steps.desk import Incoming

#: Bytes a block. Twisted's Perspective Broker refuses strings over 640 KiB.
BLOCK = 512 * 1024


class StoreWriter(FileWriterImpl):
    """Takes a worker's upload block by block into the store."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self.error: Exception | None = None

    def remote_write(self, data: Any) -> None:
        """Take a block."""
        if self.error is None:
            try:
                self._incoming.write(data if isinstance(data, bytes) else data.encode())
            except Exception as error:  # noqa: BLE001  told by the step once the upload has ended
                self.error = error

    def remote_utime(self, accessed_modified: Any) -> None:
        """Times are not kept: the hash is what counts."""

    def remote_close(self) -> None:
        """Nothing more comes; the step commits or aborts."""


async def upload(step: Any, source: str, incoming: Incoming) -> None:
    """Bring a file from the worker into the store's incoming folder.

    Args:
        step: The running step.
        source: The file's path on the worker.
        incoming: Takes the blocks; the caller commits.

    Raises:
        StageFailed: The worker could not read it, or the store could not take it.
    """
    writer = StoreWriter(incoming)
    arguments = {
        "workdir": step.workdir,
        "workersrc": source,
        "writer": writer,
        "maxsize": None,
        "blocksize": BLOCK,
        "keepstamp": False,
    }
    command = RemoteCommand("uploadFile", arguments)
    await step.runCommand(command)
    if writer.error is not None:
        raise writer.error
    if command.didFail():
        msg = f"the worker could not send {source}; see the log"
        raise StageFailed(msg)


async def download(step: Any, source: Path | str, target: str, mode: int | None = None) -> None:
    """Bring a file of the store, or a text, to the worker.

    Args:
        step: The running step.
        source: The file's path on the master, or the text itself.
        target: Where to put it, relative to the builder's folder on the worker; the stage's own
            folder below it need not be there yet.
        mode: Its permissions there. None: as the worker's umask has it.

    Raises:
        StageFailed: It is not there, or the worker could not write it.
    """
    try:
        reader = (
            FileReader(source.open("rb")) if isinstance(source, Path) else StringFileReader(source)
        )
    except OSError as error:
        msg = f"{target}: the store cannot give {source}: {error.strerror}"
        raise StageFailed(msg) from None
    arguments = {
        "workdir": ".",
        "workerdest": target,
        "reader": reader,
        "maxsize": None,
        "blocksize": BLOCK,
        "mode": mode,
    }
    command = RemoteCommand("downloadFile", arguments)
    try:
        await step.runCommand(command)
    except RemoteException as error:
        msg = f"the worker could not write {target}: {str(error).splitlines()[0]}"
        raise StageFailed(msg) from None
    finally:
        reader.remote_close()
    if command.didFail():
        msg = f"the worker could not write {target}; is its disk full? See the log"
        raise StageFailed(msg)
