"""Check for secrets of stages that cannot be read here and now."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from slipway.cli.preflight.findings import Finding, Outlook
from slipway.model.errors import SlipwayError
from slipway.model.secrets.location import StageSecret
from slipway.secrets.reading import given_to_stage

__all__ = ["secrets"]


def secrets(outlook: Outlook) -> Iterable[Finding]:
    """Find secrets that are missing on this machine, though the master may have them.

    Runs no `command` of a secret.
    """
    for project, settings in outlook.site.project.items():
        for name, stage in settings.stages.items():
            place = ("project", project, "stages", name, "secrets")
            for key, secret in stage.secrets.items():
                if problem := _missing(secret, outlook):
                    yield Finding((*place, key), problem)


def _missing(secret: StageSecret, outlook: Outlook) -> str:
    if secret.command is None:
        everywhere = {"it": secret.model_copy(update={"branches": ()})}
        try:
            given_to_stage(everywhere, "", outlook.folder, "")
        except SlipwayError as error:
            return str(error).removeprefix(".it: ") + "; the stage would fail where this is so"
        return ""
    program = secret.command[0]
    # A name without a folder is looked up on PATH.
    path = str(outlook.folder / program) if len(Path(program).parts) > 1 else program
    if shutil.which(path):
        return ""
    return f"{program} is not on this machine; the stage would fail where it is not"
