"""Deploy into a folder, here or over ssh: unpack beside it, then switch by an atomic rename."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from slipway.model.errors import MissingTool, SlipwayError, StageFailed, WrongInput
from slipway.model.protocol.job import Deployment, Input, Job, Release
from slipway.scripts.archives.entries import Entry, entries
from slipway.scripts.archives.unpack import unpack
from slipway.scripts.humanize import count_text, plain_name
from slipway.scripts.report import Report, hash_file
from slipway.scripts.stages.deploy.deployers import FolderDeployer, SshDeployer
from slipway.scripts.stages.deploy.remote_session import Lost, Refused, Session, here
from slipway.scripts.stages.deploy.ssh import there, unreachable
from slipway.scripts.stages.deploy.variables import variables

__all__ = ["PATIENCE", "PlaceDeployment"]

#: Seconds to wait for the folder's lock; that of a worker that has just died is released soon.
PATIENCE = 60.0
_ARCHIVES = (".tar.zst", ".zip")
_LAST_LINES = 8


class PlaceDeployment:
    """The deployment of one release into a folder of releases."""

    def __init__(
        self,
        job: Job,
        deployment: Deployment,
        deployer: FolderDeployer | SshDeployer,
        report: Report,
    ) -> None:
        self._job, self._deployment, self._deployer = job, deployment, deployer
        self._report = report
        self._tail: list[str] = []
        self._session: Session | None = None
        self._path = ""
        self._name = ""
        self._good: dict[str, Any] | None = None
        self.touched = False
        where = f"{deployer.host}:" if isinstance(deployer, SshDeployer) else ""
        self.target = f"{where}{deployer.path}"

    @property
    def previous(self) -> Release | None:
        """The release to roll back to: the last one recorded as good there."""
        if self._good is None or self._good["name"] == self._name:
            return None
        facts = {key: self._good.get(key) for key in ("version", "run", "revision")}
        return Release.model_validate(facts)

    @property
    def folder(self) -> str:
        """The folder of the release's artefacts."""
        return str(Path(self._deployment.release.inputs[0].path).parent)

    def deploy(self) -> None:
        """Unpack the release beside the others, switch the link, restart.

        Raises:
            MissingTool: The place cannot be reached or written: nothing has changed.
            WrongInput: It is ambiguous what to unpack, or the place is not a folder of releases.
            StageFailed: The archive is invalid (nothing has changed), or the restart failed.
        """
        archives = self._archives()
        tree = self._unpack(archives)
        files = {one.name: _mark(one) for one in tree if one.kind != "folder"}
        session = self._open()
        try:
            found = session.ask(
                "find",
                name=_name(self._deployment.release, archives),
                files=files,
                size=sum(one.size for one in tree),
            )
            self._name = found["name"]
            if found["there"]:
                self._report.progress(f"{self._name} lies there already, every file as it was")
            else:
                count = count_text(len(files), "file")
                self._report.progress(f"unpacking {count} beside the others at {self.target}")
                session.send_tree(tree, name=self._name)
            self.touched = True
            session.ask("switch", name=self._name)
        except Refused as refusal:
            self.touched = False
            raise refusal.as_untouched() from None
        except Lost as lost:
            raise self._lost_sentence(lost) from None
        self._restart(variables(self._job, self._deployment, self._there(self._name)))

    def put_back(self) -> str:
        """Roll back: switch the link back and restart; without an earlier release remove the link.

        Returns:
            A description of what was done; empty if the earlier release is this same one.

        Raises:
            StageFailed: The rollback failed too.
        """
        if self._session is not None and not self._session.alive:
            self.close()
            self._open()
        if self._good is None:
            return self._take_away()
        if self._good["name"] == self._name:
            return ""
        name = self._good["name"]
        self._ask("switch", name=name)
        back = self._deployment.model_copy(update={"previous": self.previous})
        self._restart(
            variables(self._job, back, self._there(name), back_from=self._deployment.release)
        )
        return f"{self._good['version']} was put back"

    def settle(self) -> None:
        """Record the release as good there, and delete old ones.

        Raises:
            StageFailed: The place is gone, or cannot be written any more.
        """
        release = self._deployment.release
        good = {"name": self._name, "version": release.version, "run": release.run}
        good |= {"revision": release.revision, "at": int(time.time())}
        removed = self._ask("settle", good=good, keep=self._deployer.keep)["removed"]
        if removed:
            self._report.progress(f"removed {', '.join(removed)}")

    def close(self) -> None:
        """Close the session, which releases the folder's lock. Idempotent."""
        if self._session is not None:
            self._session.close()
            self._session = None

    # -- the contents of the release ----------------------------------------------------------

    def _archives(self) -> list[Input]:
        given = self._deployment.release.inputs
        pattern = self._deployer.artefact
        names = ", ".join(one.name for one in given) or "none"
        if pattern is not None:
            found = [one for one in given if fnmatchcase(one.name, pattern)]
            if not found:
                msg = f'artefact = "{pattern}" matches nothing of the release; there are: {names}'
                raise WrongInput(msg)
            return found
        found = [one for one in given if one.name.endswith(_ARCHIVES)]
        if len(found) != 1:
            msg = (
                f"the release has {count_text(len(found), 'archive')} and one is needed; "
                f'name it with artefact = "..." in the deployer. There are: {names}'
            )
            raise WrongInput(msg)
        return found

    def _unpack(self, archives: list[Input]) -> list[Entry]:
        """Unpack on this machine first, so that unsafe or damaged archives are never sent.

        Raises:
            StageFailed: The archive is unsafe, damaged, or holds no file.
        """
        folder = Path(self._job.output, "release")
        for one in archives:
            self._report.progress(f"unpacking {one.name}")
            unpack(Path(one.path), folder)
        inside = list(folder.iterdir())
        if len(inside) == 1 and inside[0].is_dir() and not inside[0].is_symlink():
            # The name of an archive's single top folder contains the version; paths below `current`
            # must not.
            folder = inside[0]
        tree = entries(folder, root="")
        if not any(one.kind == "file" for one in tree):
            msg = f"{archives[0].name} holds no file; there is nothing to deploy"
            raise StageFailed(msg)
        return tree

    # -- the place ----------------------------------------------------------------------------

    def _open(self) -> Session:
        """Start a session and lock the place.

        Raises:
            MissingTool: It cannot be reached, or another deployment holds its lock.
            WrongInput: The folder is not a folder of releases.
        """
        deployer, state = self._deployer, Path(self._job.state)
        far = deployer if isinstance(deployer, SshDeployer) else None
        if far is None and os.name == "nt":
            msg = (
                "the deployer folder needs a POSIX system for its links; run the stage on such a "
                'worker (runs-on), or deploy with kind = "command"'
            )
            raise MissingTool(msg)
        self._report.progress(f"opening {self.target}")
        session = there(far, state, self._log) if far else here(self._log)
        self._session = session
        try:
            answer = session.ask(
                "open",
                path=deployer.path if far else str(state / deployer.path),
                owner=self._owner(),
                patience=PATIENCE,
            )
        except Refused as refusal:
            raise refusal.as_untouched() from None
        except Lost as lost:
            if far:
                raise unreachable(far, session, lost) from None
            msg = f"{self.target} cannot be opened: {lost}"
            raise MissingTool(msg) from None
        self._path = answer["path"]
        self._good = _good(answer)
        return session

    def _owner(self) -> str:
        number, worker = self._deployment.number, self._job.worker
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return (
            f"deployment {number} of {self._job.project} {self._deployment.release.version}, "
            f"on {worker} ({socket.gethostname()}), since {since}"
        )

    def _there(self, name: str) -> str:
        return f"{self._path}/releases/{name}"

    def _ask(self, what: str, **order: Any) -> dict[str, Any]:
        if self._session is None:
            msg = f"{self.target} is not open"
            raise StageFailed(msg)
        try:
            return self._session.ask(what, **order)
        except Lost as lost:
            raise self._lost_sentence(lost) from None

    def _lost_sentence(self, lost: Lost) -> SlipwayError:
        msg = f"the connection to {self.target} was lost: {lost}"
        return StageFailed(msg) if self.touched else MissingTool(msg)

    def _take_away(self) -> str:
        if self._deployer.stop:
            first = self._deployment.release
            env = variables(self._job, self._deployment, self._there(self._name), back_from=first)
            self._run(self._deployer.stop, env)
        self._ask("switch", name=None)
        return "nothing ran there before, so the link current was removed again"

    def _restart(self, env: dict[str, str]) -> None:
        if self._deployer.restart:
            self._report.progress(f"restarting with {Path(self._deployer.restart[0]).name}")
            self._run(self._deployer.restart, env)

    def _run(self, argv: tuple[str, ...], env: dict[str, str]) -> None:
        self._tail.clear()
        env = dict(self._job.stage.env) | env | {"SLIPWAY_CURRENT": f"{self._path}/current"}
        timeout = self._deployer.timeout
        code = self._ask("run", argv=list(argv), env=env, timeout=timeout)["code"]
        if code != 0:
            how = f"did not end within {timeout} seconds and was stopped"
            if code is not None:
                how = f"ended with exit code {code}"
            lines = " | ".join(self._tail[-_LAST_LINES:]) or "nothing"
            msg = f"{' '.join(argv)[:200]} {how}; its last lines: {lines}"
            raise StageFailed(msg)

    def _log(self, line: str) -> None:
        if line.strip():
            self._tail.append(line.strip())
            del self._tail[:-_LAST_LINES]
        self._report.log(line)


def _good(answer: dict[str, Any]) -> dict[str, Any] | None:
    """Return the release to roll back to: the one recorded as good, else `current`."""
    good = answer["state"].get("good")
    if isinstance(good, dict) and {"name", "version", "run", "revision"} <= set(good):
        return good
    name = answer["current"]
    if name is None:
        return None
    # The record is lost, or a killed worker never wrote it; this one is running.
    return {"name": name, "version": name.rpartition("-")[0] or name, "run": 0, "revision": ""}


def _name(release: Release, archives: list[Input]) -> str:
    """Return the name of a release's folder: its version and the hash of its archives."""
    hashes = sorted(one.sha256 for one in archives)
    digest = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    return f"{plain_name(release.version, 'the version')}-{digest[:12]}"


def _mark(entry: Entry) -> str:
    return f"-> {entry.link}" if entry.kind == "link" else hash_file(entry.path)
