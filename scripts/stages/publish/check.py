"""Check the targets of a publish stage at the start of a run: `slipway stage publish-check`."""

from __future__ import annotations

import contextlib
from functools import partial

from slipway.model.errors import SlipwayError, StageFailed, WrongInput, error_line
from slipway.model.protocol.job import Job
from slipway.scripts.humanize import count_text
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.delivery.clock import Clock
from slipway.scripts.stages.publish.delivery.ends import destinations
from slipway.scripts.stages.publish.delivery.one_target import Destination
from slipway.scripts.stages.publish.delivery.threads import side_by_side
from slipway.scripts.stages.publish.making import version_of
from slipway.scripts.stages.publish.stage import PublishCheckStage

__all__ = ["run"]


def run(job: Job, report: Report) -> None:
    """Check each target; what may pass by itself is no failure, as it is tried again later.

    Raises:
        StageFailed: Some cannot take a release; the sentence says why for each.
        WrongInput: The stage is another, or the version cannot be published.
    """
    stage = job.stage
    if not isinstance(stage, PublishCheckStage):
        msg = f'stage "{job.name}" does not check targets; it is of the kind "{stage.uses}"'
        raise WrongInput(msg)
    version = version_of(job)
    made = destinations(stage, job, report)
    errors: dict[str, SlipwayError | None] = {}

    def check(one: Destination) -> None:
        errors[one.title] = _check(one, version)

    side_by_side([partial(check, one) for one in made], Clock())
    refused = []
    for one in made:
        error = errors[one.title]
        if isinstance(error, TryAgain):
            text = f"{one.title} could not be checked now, which may pass by itself: {error}"
            report.notice(text, level="warning")
        elif error is not None:
            refused.append(f"{one.title}: {error}")
    if refused:
        raise StageFailed("; ".join(refused))
    unsure = sum(error is not None for error in errors.values())
    good = f"{count_text(len(made) - unsure, 'target')} can take {version}"
    report.summary(f"{good}; {unsure} could not be checked now" if unsure else good)


def _check(destination: Destination, version: str) -> SlipwayError | None:
    target = destination.target
    try:
        target.check(version, None)
    except SlipwayError as error:
        return error
    except Exception as error:  # noqa: BLE001  a library's error must not hide the others
        return StageFailed(f"{target.where}: {error_line(error)}")
    finally:
        with contextlib.suppress(Exception):
            target.close()
    return None
