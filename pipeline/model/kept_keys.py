"""Check that keys stay where no program of a project can read them, and that they are there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from slipway.model.cell import cells
from slipway.model.graph import Breach, able_workers
from slipway.model.kinds.stage import Stage
from slipway.model.site import Site, Worker
from slipway.model.spelling import did_you_mean

__all__ = ["check_keys"]

_SHOWN = 3


def check_keys(site: Site, exposed: Collection[str] = ()) -> list[Breach]:
    """Return the breaches of all stages that keep keys, and of stages with unknown secrets.

    Args:
        site: The site.
        exposed: Workers on the master's machine that cannot keep tenants apart, though they should.
    """
    found = []
    for title, project in site.project.items():
        for name, stage in project.stages.items():
            if _is_covered(name, stage, project.stages):
                continue
            place = ("project", title, "stages", name)
            found += _check_secrets(stage, place)
            if stage.keeps_keys:
                found += list(_check_workers(site, stage, (title, name), exposed))
    return found


def _is_covered(name: str, stage: Stage, stages: Mapping[str, Stage]) -> bool:
    """Return True if a stage has what another has: one breach for both is enough."""
    other = stages.get(name.removesuffix("-check"))
    if stage.makes_release or other is None or not other.makes_release:
        return False
    same = (other.secrets, other.runs_on, other.lane)
    return stage.reaches_targets and (stage.secrets, stage.runs_on, stage.lane) == same


def _check_secrets(stage: Stage, place: tuple[str, ...]) -> list[Breach]:
    found = []
    known = stage.known_secrets
    for name in stage.secrets if known is not None else ():
        if name not in (known or ()):
            message = f'"{stage.uses}" takes no such secret; it takes {", ".join(known or ())}.'
            message += did_you_mean(name, known or ())
            found.append(Breach((*place, "secrets", name), message))
    for name in stage.needed_secrets:
        if name not in stage.secrets:
            message = (
                f'"{stage.uses}" needs the secret {name}; write where it is kept: '
                f'[{".".join(place)}.secrets] {name} = {{ file = "path" }}'
            )
            found.append(Breach((*place, "secrets"), message))
    return found


def _check_workers(
    site: Site, stage: Stage, key: tuple[str, str], exposed: Collection[str]
) -> Iterator[Breach]:
    """Yield a breach for a worker that could be given the keys and a program of a project."""
    title, name = key
    able = dict.fromkeys(
        worker for cell in cells(stage) for worker in able_workers(cell.stage, site.workers)
    )
    for worker in able:
        if worker not in exposed and _keeps_tenants_apart(site.workers[worker]):
            continue
        others = _programs_on(site, worker)
        if others:
            more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
            message = (
                f'the worker "{worker}" may be given it and its key, and also '
                f"{', '.join(others[:_SHOWN])}{more}, whose programs could read the key there; "
                "let it run on a worker that none of these may use, or on the master's own, which "
                "keeps them apart: by runs-on and lane"
            )
            yield Breach(("project", title, "stages", name, "runs-on"), message)
            return


def _keeps_tenants_apart(worker: Worker) -> bool:
    return worker.password is None and worker.isolated


def _programs_on(site: Site, worker: str) -> list[str]:
    """Return the stages with programs of a project that a worker may be given."""
    only = {worker: site.workers[worker]}
    return [
        f"{name} of {title}"
        for title, project in site.project.items()
        for name, stage in project.stages.items()
        if stage.runs_programs and not stage.keeps_keys
        if any(able_workers(cell.stage, only) for cell in cells(stage))
    ]
