"""Show targets where a channel points now: `slipway stage promote`. The master has moved it."""

from __future__ import annotations

import contextlib
from functools import partial

from slipway.model.errors import SlipwayError, StageFailed, WrongInput, error_line
from slipway.model.protocol.job import Job
from slipway.scripts.humanize import count_text
from slipway.scripts.releases.outgoing import Pointers
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.delivery.clock import Clock
from slipway.scripts.stages.publish.delivery.ends import destinations, pointers_of
from slipway.scripts.stages.publish.delivery.one_target import Destination
from slipway.scripts.stages.publish.delivery.pointing import point_in_order
from slipway.scripts.stages.publish.delivery.retries import Retries
from slipway.scripts.stages.publish.delivery.threads import side_by_side
from slipway.scripts.stages.publish.stage import PromoteStage

__all__ = ["point_one", "run"]


def run(job: Job, report: Report) -> None:
    """Bring pages, feeds and pointers to each target; no file of a release is touched.

    Raises:
        StageFailed: Some could not be brought them; the sentence says why for each.
        WrongInput: The stage is another.
    """
    stage = job.stage
    if not isinstance(stage, PromoteStage) or job.release is None:
        msg = f'stage "{job.name}" promotes nothing: it is of the kind "{stage.uses}"'
        raise WrongInput(msg)
    pointers = pointers_of(job.release, job.run.version)
    version = pointers.channels.get(stage.channel, "nothing")
    made = destinations(stage, job, report)
    clock, errors = Clock(), dict.fromkeys((one.title for one in made), "")

    def point(one: Destination) -> None:
        errors[one.title] = point_one(one, pointers, report, clock)

    side_by_side([partial(point, one) for one in made], clock)
    if said := "; ".join(filter(None, errors.values())):
        msg = f"{stage.channel} of {job.project} is {version}, but not everywhere: {said}"
        raise StageFailed(msg)
    where = f", and at {count_text(len(made), 'target')}" if made else ""
    report.summary(f"{stage.channel} of {job.project} is {version}{where}")


def point_one(destination: Destination, pointers: Pointers, report: Report, clock: Clock) -> str:
    """Bring pages, feeds and pointers to one target, and end its connections.

    Returns:
        Why it has not got them; empty: it has.
    """
    target = destination.target
    again = Retries(destination.title, clock, report)
    try:
        again(partial(point_in_order, target, destination.title, pointers, report))
    except SlipwayError as error:
        return f"{destination.title}: {error}"
    except Exception as error:  # noqa: BLE001  a library's error must not hide the others
        return f"{destination.title}: {error_line(error)}"
    finally:
        with contextlib.suppress(Exception):
            target.close()
    return ""
