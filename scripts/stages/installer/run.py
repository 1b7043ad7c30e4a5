"""Make installers of what was frozen: `slipway stage installer`."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.job import Input, Job
from slipway.scripts.archives.frozen import BILL, SUFFIX, is_bill, is_frozen, platform_tag
from slipway.scripts.atomic_files import link_file
from slipway.scripts.humanize import plain_name, size_text
from slipway.scripts.report import Report
from slipway.scripts.stages.installer.deb import make_deb
from slipway.scripts.stages.installer.msi import make_msi
from slipway.scripts.stages.installer.nsis import make_nsis
from slipway.scripts.stages.installer.product import Product, describe
from slipway.scripts.stages.installer.stage import Format, InstallerStage
from slipway.scripts.stages.installer.tree import unpack_tree

__all__ = ["run"]

_SYSTEMS: dict[Format, str] = {"nsis": "Windows", "msi": "Windows", "deb": "Linux"}
_SUFFIXES: dict[Format, str] = {"nsis": "-setup.exe", "msi": ".msi"}


def run(job: Job, report: Report) -> None:
    """Make the installers of the job's frozen programs.

    Raises:
        MissingTool: A program that makes them is not on this machine.
        StageFailed: No frozen program is there for a format, or none can be made of one.
        WrongInput: A setting, the version or a file of the project cannot be used.
    """
    stage = job.stage
    if not isinstance(stage, InstallerStage):
        msg = f'stage "{job.name}" is no installer stage but "{stage.uses}"'
        raise WrongInput(msg)
    product = describe(job, stage, Path.cwd())
    plans = _plans(job, stage)
    work = Path(job.output) / ".installers"
    work.mkdir(parents=True, exist_ok=True)
    try:
        made = [_make(plan, product, job, work, report) for plan in plans]
    finally:
        shutil.rmtree(work, ignore_errors=True)
    results: list[dict[str, Any]] = []
    for plan, path in made:
        left = report.artefact(path)
        results.append({"format": plan.format, "name": path.name, "size": left.size})
    for bill in _bills(job, plans):
        target = Path(job.output) / bill.name
        target.parent.mkdir(exist_ok=True)
        link_file(Path(bill.path), target)
        report.artefact(target, name=bill.name)
    report.summary(
        "; ".join(f"{one['name']}: {size_text(one['size'])}" for one in results),
        installers=results,
        title=product.title,
        publisher=product.publisher,
        upgrade_code=str(product.upgrade),
    )


@dataclass(frozen=True)
class _Plan:
    """One installer to make."""

    format: Format
    given: Input
    platform: str


def _plans(job: Job, stage: InstallerStage) -> list[_Plan]:
    """Return the installers to make of the job's inputs.

    Raises:
        StageFailed: Nothing is there for a format, or no format for a frozen program.
    """
    frozen = _frozen(job)
    plans = []
    for tag, given in frozen.items():
        system = "Windows" if tag.startswith("win") else "Linux" if "linux" in tag else tag
        default: tuple[Format, ...] = ("nsis",) if system == "Windows" else ("deb",)
        wanted = [one for one in stage.formats or default if _SYSTEMS[one] == system]
        if not wanted:
            msg = f"no installer is made of {given.name}, frozen on {system}: {_possible(system)}"
            raise StageFailed(msg)
        plans += [_Plan(one, given, tag) for one in dict.fromkeys(wanted)]
    for one in stage.formats or ():
        if one not in {plan.format for plan in plans}:
            there = ", ".join(frozen)
            msg = (
                f'formats: "{one}" takes what was frozen on {_SYSTEMS[one]}, and stage '
                f'"{job.name}" got {there} alone; need a freeze stage that runs there, or take '
                f'"{one}" out'
            )
            raise StageFailed(msg)
    return plans


def _possible(system: str) -> str:
    able = [f'"{one}"' for one, of in _SYSTEMS.items() if of == system]
    return f"write {' or '.join(able)} into formats" if able else "none of the formats is for it"


def _frozen(job: Job) -> dict[str, Input]:
    """Return the frozen programs among the inputs, by platform.

    Raises:
        StageFailed: There is none, or there are two of one platform.
    """
    found: dict[str, Input] = {}
    for one in sorted(job.inputs, key=lambda given: (given.stage, given.name)):
        if one.role != "product" or not is_frozen(one):
            continue
        tag = platform_tag(one.name) or "an unknown platform"
        if tag in found:
            msg = (
                f"{found[tag].name} and {one.name} are both of {tag}; give each an installer stage "
                "of its own, or freeze both executables in one stage"
            )
            raise StageFailed(msg)
        found[tag] = one
    if not found:
        names = ", ".join(job.stage.needs) or "no stage: it has no needs"
        msg = (
            f'stage "{job.name}" has nothing to make an installer of: no frozen program came from '
            f"{names}; need a stage that freezes or signs one"
        )
        raise StageFailed(msg)
    return found


def _bills(job: Job, plans: list[_Plan]) -> list[Input]:
    """Return the bills of materials of the trees that installers were made of."""
    wanted = {f"{plan.given.name.removesuffix(SUFFIX)}{BILL}" for plan in plans}
    found = {
        one.name: one
        for one in job.inputs
        if one.role == "product" and is_bill(one) and one.name in wanted
    }
    return [found[name] for name in sorted(found)]


def _make(
    plan: _Plan, product: Product, job: Job, work: Path, report: Report
) -> tuple[_Plan, Path]:
    """Make one installer, each from a tree of its own."""
    folder = work / f"{plan.format}-{plan.platform}"
    tree = unpack_tree(plan.given, plan.platform, folder / "tree")
    root = plain_name(f"{product.name}-{job.run.version}", "an installer called")
    if plan.format == "deb":
        return plan, make_deb(product, tree, Path(job.output), report)
    target = Path(job.output) / f"{root}-{plan.platform}{_SUFFIXES[plan.format]}"
    makers: dict[Format, Any] = {"nsis": make_nsis, "msi": make_msi}
    return plan, makers[plan.format](product, tree, target, report)
