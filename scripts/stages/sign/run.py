"""Sign Windows programs and installers: `slipway stage sign`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from slipway.model.errors import MissingTool, WrongInput
from slipway.model.protocol.job import Job
from slipway.scripts.report import Report
from slipway.scripts.stages.sign.stage import SignStage

__all__ = ["run"]


def run(job: Job, report: Report) -> None:
    """Sign the job's inputs, and leave them under the same names.

    Args:
        job: The stage.
        report: Receives progress, artefacts and the summary.

    Raises:
        MissingTool: This machine has no program that signs.
        StageFailed: Nothing was there to sign, or something could not be signed. Then nothing is
            left.
        WrongInput: The certificate, its key or the password is wrong.
    """
    stage = job.stage
    if not isinstance(stage, SignStage):
        msg = f'stage "{job.name}" is no sign stage but "{stage.uses}"'
        raise WrongInput(msg)
    try:
        from slipway.scripts.stages.sign.signing import Signing
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "cryptography":
            raise
        msg = "signing needs the package cryptography; install it: pip install 'slipway[sign]'"
        raise MissingTool(msg) from None
    # In the stage's own folder: it is removed with it, even where this process is killed.
    work = Path(tempfile.mkdtemp(prefix=".signing-", dir=job.output))
    try:
        Signing(job, stage, work, report).run()
    finally:
        shutil.rmtree(work, ignore_errors=True)
