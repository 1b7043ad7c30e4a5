"""Deploy by a program, and run it again with the previous release to roll back."""

from __future__ import annotations

import shutil
from pathlib import Path

from slipway.model.errors import MissingTool, StageFailed
from slipway.model.protocol.job import Deployment, Job, Release
from slipway.scripts.process import Finished, run
from slipway.scripts.python_env.interpreter import clean_environment
from slipway.scripts.report import Report
from slipway.scripts.stages.deploy.deployers import CommandDeployer
from slipway.scripts.stages.deploy.variables import as_json, variables

__all__ = ["NOT_BEGUN", "CommandDeployment"]

#: Exit code of a program that could not begin: nothing has changed there.
NOT_BEGUN = MissingTool.exit_code


class CommandDeployment:
    """A deployment by one run of the program, with a second run as rollback."""

    def __init__(
        self, job: Job, deployment: Deployment, deployer: CommandDeployer, report: Report
    ) -> None:
        self._job, self._deployment, self._deployer = job, deployment, deployer
        self._report = report
        self.touched = False
        self.target = Path(deployer.argv[0]).name

    @property
    def previous(self) -> Release | None:
        """The release to roll back to, if there is one."""
        return self._deployment.previous

    @property
    def folder(self) -> str:
        """The folder of the release's artefacts."""
        return str(_folder(self._job, self._deployment.release))

    def deploy(self) -> None:
        """Run the program.

        Raises:
            MissingTool: It does not exist, or reports that it could not begin: nothing has changed.
            StageFailed: It failed, or exceeded its timeout.
        """
        release = self._deployment.release
        env = variables(self._job, self._deployment, self.folder)
        self._program(release, env)
        finished = self._run(release, env)
        if finished.code == NOT_BEGUN:
            self.touched = False
            raise MissingTool(finished.sentence(self.target))
        if finished.code:
            raise StageFailed(finished.sentence(self.target))

    def put_back(self) -> str:
        """Roll back: run the program with the previous release.

        Returns:
            A description of what was done; empty if there is no previous release.

        Raises:
            StageFailed: The rollback failed too.
        """
        previous = self.previous
        if previous is None:
            return ""
        folder = str(_folder(self._job, previous))
        env = variables(self._job, self._deployment, folder, back_from=self._deployment.release)
        finished = self._run(previous, env)
        if finished.code:
            raise StageFailed(finished.sentence(self.target))
        return f"{previous.version} was put back"

    def settle(self) -> None:
        """No-op: the program itself manages what it keeps."""

    def close(self) -> None:
        """No-op: nothing is held open."""

    def _program(self, release: Release, env: dict[str, str]) -> str:
        """Find the program before anything is changed.

        Raises:
            MissingTool: It, or the folder to run it in, does not exist.
        """
        cwd = self._cwd(release)
        if not cwd.is_dir():
            msg = f"{self.target} cannot start: the folder {cwd} is not there"
            raise MissingTool(msg)
        path = (clean_environment() | env).get("PATH")
        name = self._deployer.argv[0]
        # A relative path is relative to the working folder, as for the system.
        found = shutil.which(name if name == Path(name).name else cwd / name, path=path)
        if found is None:
            msg = f"{name} is not on this machine; install it or put it on PATH"
            raise MissingTool(msg)
        return found

    def _run(self, release: Release, env: dict[str, str]) -> Finished:
        program = self._program(release, env)
        self.touched = True
        return run(
            [program, *self._deployer.argv[1:]],
            cwd=self._cwd(release),
            env=clean_environment() | dict(self._job.stage.env) | env,
            log=self._report.log,
            timeout=self._deployer.timeout,
            given=as_json(env, self._deployment, release),
        )

    def _cwd(self, release: Release) -> Path:
        if self._deployer.cwd is None:
            return _folder(self._job, release)
        return Path(self._job.state, self._deployer.cwd)


def _folder(job: Job, release: Release) -> Path:
    """Return the folder that a release's artefacts were fetched to."""
    if release.inputs:
        return Path(release.inputs[0].path).parent
    return Path(job.output)
