"""Deploy a release, check its health, roll back on failure: `slipway stage deploy`."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from slipway.model.errors import MissingTool, SlipwayError, StageFailed, WrongInput
from slipway.model.protocol.job import Deployment, Job
from slipway.scripts.python_env.interpreter import clean_environment
from slipway.scripts.report import Report
from slipway.scripts.stages.deploy import health
from slipway.scripts.stages.deploy.health import Healthy
from slipway.scripts.stages.deploy.variables import variables
from slipway.scripts.stages.deploy.way import Way

__all__ = ["run"]


def run(job: Job, report: Report) -> None:
    """Deploy the job's release.

    Raises:
        MissingTool: The environment cannot be reached, or has no space: nothing has changed there.
        StageFailed: The deployer or a health check failed; tells what was rolled back.
        WrongInput: The job or a parameter is wrong: nothing has changed there.
    """
    deployment = job.deployment
    if deployment is None:
        msg = (
            f'stage "{job.name}" deploys, but its job says neither what nor where; start it in the '
            "web UI or with `slipway deploy`, on a master that knows the environments"
        )
        raise WrongInput(msg)
    if not deployment.release.inputs:
        msg = f"the release {deployment.release.version} has no artefacts; publish it again"
        raise WrongInput(msg)
    try:
        _Run(job, deployment, report).go()
    except SlipwayError as error:
        # The error sentence quotes a program's last lines, which may hold secrets.
        raise _plain(type(error))(report.mask(str(error))) from None
    finally:
        shutil.rmtree(Path(job.output, "release"), ignore_errors=True)


class _Run:
    """One deployment, independent of its deployer."""

    def __init__(self, job: Job, deployment: Deployment, report: Report) -> None:
        self._job, self._deployment, self._report = job, deployment, report
        self._version = deployment.release.version
        self._name = deployment.name
        self._began = time.monotonic()
        self._healthy: list[Healthy] = []
        self._way = _find_way(job, deployment, report)
        # Validate the parameters before anything is changed.
        self._env = variables(job, deployment, self._way.folder)

    def go(self) -> None:
        """Deploy and check; then record the release as good, or roll back."""
        self._check_programs()
        try:
            try:
                self._way.deploy()
                self._healthy = self._check(self._env)
                self._way.settle()
            except (SlipwayError, OSError) as error:
                self._failed(error)
        finally:
            self._way.close()
        self._conclude("deployed", f"{self._name}: {self._version} is deployed{self._where()}")

    def _check_programs(self) -> None:
        """Check that the programs of health checks exist, before anything is changed.

        Raises:
            MissingTool: One does not.
        """
        for check in self._deployment.environment.health:
            if check.argv and shutil.which(check.argv[0]) is None:
                msg = f"health: {check.argv[0]} is not on this worker; install it, or name its path"
                raise MissingTool(msg)

    def _check(self, variables_: dict[str, str]) -> list[Healthy]:
        env = clean_environment() | dict(self._job.stage.env) | variables_
        found = []
        for check in self._deployment.environment.health:
            self._report.progress(f"asking {check.name}")
            found.append(health.wait(check, Path.cwd(), env, self._report.log))
        return found

    def _failed(self, error: SlipwayError | OSError) -> None:
        """Roll back, report the resulting state, and raise the error.

        Raises:
            SlipwayError: Always.
        """
        why = str(error) if isinstance(error, SlipwayError) else f"{error.strerror or error}"
        text = f"{self._name}: {self._version} was not deployed: {why}"
        if not self._way.touched:
            self._conclude("failed", text)
            kind = type(error) if isinstance(error, SlipwayError) else StageFailed
            raise _plain(kind)(f"{text}; nothing has changed there")
        self._report.notice(f"{text}; going back", level="warning")
        outcome, state = self._roll_back()
        self._conclude(outcome, f"{text}; {state}")
        raise StageFailed(f"{text}; {state}")

    def _roll_back(self) -> tuple[str, str]:
        previous = self._way.previous
        try:
            done = self._way.put_back()
        except (SlipwayError, OSError) as error:
            what = previous.version if previous else "nothing"
            return "failed", f"{what} could not be put back: {error}. Look after {self._name} now"
        if previous is None:
            state = done or "there is no other release to go back to, so it was left as it is"
            return "failed", state
        before = self._deployment.model_copy(update={"previous": previous})
        failed = self._deployment.release
        try:
            self._check(variables(self._job, before, self._way.folder, back_from=failed))
        except SlipwayError as error:
            text = f"{done}, but is not healthy either: {error}. Look after {self._name} now"
            return "failed", text
        well = " and is healthy" if self._deployment.environment.health else ""
        return "rolled-back", f"{done}{well}"

    def _where(self) -> str:
        if not self._healthy:
            return f" to {self._way.target}"
        seconds = sum(one.seconds for one in self._healthy)
        return f" to {self._way.target} and healthy after {seconds:.1f}s"

    def _conclude(self, outcome: str, text: str) -> None:
        previous = self._way.previous
        facts: dict[str, Any] = {
            "outcome": outcome,
            "environment": self._name,
            "deployment": self._deployment.number,
            "version": self._version,
            "revision": self._deployment.release.revision,
            "previous": previous.version if previous else None,
            "touched": self._way.touched,
            "target": self._way.target,
            "health": [asdict(one) for one in self._healthy],
            "seconds": round(time.monotonic() - self._began, 3),
        }
        self._report.summary(text, **facts)


def _find_way(job: Job, deployment: Deployment, report: Report) -> Way:
    deployer = deployment.environment.deployer
    way: Way = deployer.load_runner()(job, deployment, deployer, report)
    return way


def _plain(kind: type[SlipwayError]) -> Callable[[str], SlipwayError]:
    """Return the base error class with the same exit code; subclasses take other arguments."""
    return next(one for one in (MissingTool, WrongInput, StageFailed) if issubclass(kind, one))
