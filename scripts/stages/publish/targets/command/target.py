"""Publish a release by a program of one's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from slipway.model.errors import StageFailed
from slipway.model.protocol.job import Job
from slipway.model.states import TOLD_OF_FILES, FileState
from slipway.scripts.python_env.interpreter import clean_environment
from slipway.scripts.releases.outgoing import (
    OutgoingFile,
    OutgoingRelease,
    OutgoingStream,
    Pointers,
)
from slipway.scripts.releases.target import ReleaseTarget, Seen
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.targets.command.program import Program
from slipway.scripts.stages.publish.targets.command.settings import CommandTarget

__all__ = ["CommandCopy"]

_PROTOCOL = 1
_LONGEST_PLACE = 2000
_HASH = 64


class CommandCopy(ReleaseTarget):
    """One release on its way to wherever a program brings it."""

    def __init__(self, target: CommandTarget, job: Job, report: Report) -> None:
        """Initialize; the program is not started."""
        withheld = set(job.secrets) - set(target.secrets)
        own = {name: value for name, value in job.stage.env.items() if name not in withheld}
        env = clean_environment() | own
        # Windows would otherwise search this process's own PATH.
        words = (shutil.which(target.argv[0], path=env.get("PATH")) or target.argv[0],)
        self._program = Program(words + target.argv[1:], env, target.timeout, report.log)
        self._public_url, self._project = target.public_url, job.project
        self._version = job.run.version
        self._common = {"slipway": _PROTOCOL, "project": job.project, "version": job.run.version}
        self.where = self._program.name

    def _request(self, verb: str, **more: Any) -> dict[str, Any]:
        return {"verb": verb, **self._common, **more}

    def check(self, version: str, size: int | None) -> None:
        """Have the program check what it can."""
        self._program.ask(self._request("check") | {"version": version, "size": size})

    def look(self, release: OutgoingRelease) -> Mapping[str, Seen]:
        """Ask which files are there.

        Raises:
            StageFailed: It says something else.
        """
        files = [_facts(one) for one in release.files]
        answer = self._program.ask(self._request("look", files=files))
        seen = answer.get("files", {})
        if not isinstance(seen, dict):
            msg = f"{self.where} (look) answers with files that are no object by name: {seen!r:.80}"
            raise StageFailed(msg)
        return {name: self._seen(name, one) for name, one in seen.items()}

    def _seen(self, name: str, facts: Any) -> Seen:
        """Return what the program says of one file.

        Raises:
            StageFailed: It is neither a state nor an object with one.
        """
        facts = facts if isinstance(facts, dict) else {"state": facts}
        digest = facts.get("sha256", "")
        try:
            state = FileState(facts["state"])
        except (KeyError, ValueError, TypeError):
            state = None
        if (
            state not in TOLD_OF_FILES
            or not isinstance(digest, str)
            or len(digest) not in {0, _HASH}
        ):
            states = ", ".join(TOLD_OF_FILES)
            msg = (
                f"{self.where} (look) says of {ascii(name)[:200]} what is no state: "
                f"{ascii(facts)[:200]}; there are {states}, and perhaps a sha256"
            )
            raise StageFailed(msg)
        return Seen(state, digest)

    def stage(self, file: OutgoingFile, stream: OutgoingStream) -> None:
        """Give the program the file's bytes."""
        self._program.ask(self._request("stage", file=_facts(file)), stream)

    def read_back(self, file: OutgoingFile) -> Iterator[bytes]:
        """Have the program write the file's bytes."""
        return self._program.read(self._request("read", file=_facts(file)))

    def commit(self, release: OutgoingRelease) -> str:
        """Have the program make the release visible.

        Raises:
            StageFailed: It answers with a place that is no line of text.
        """
        files = [_facts(one) for one in release.files]
        place = self._program.ask(self._request("commit", files=files)).get("place", self.where)
        if not isinstance(place, str) or not place.isprintable() or len(place) > _LONGEST_PLACE:
            msg = (
                f"{self.where} (commit) answers with a place that is no line: {ascii(place)[:200]}"
            )
            raise StageFailed(msg)
        return place

    def point(self, pointers: Pointers) -> None:
        """Give the program each page, and then what `latest` and the channels stand for."""
        for page in pointers.files:
            with OutgoingStream(page) as stream:
                self._program.ask(self._request("page", file=_facts(page)), stream)
        said = {"latest": pointers.latest, "channels": pointers.channels}
        self._program.ask(self._request("point", **said))

    def public_url(self, name: str) -> str | None:
        """Return the address by the settings."""
        if self._public_url is None:
            return None
        url = self._public_url
        parts = {"{project}": self._project, "{version}": self._version, "{file}": name}
        for part, value in parts.items():
            url = url.replace(part, quote(value, safe="+"))
        return url


def _facts(file: OutgoingFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "size": file.size,
        "sha256": file.sha256,
        "media_type": file.media_type,
    }
