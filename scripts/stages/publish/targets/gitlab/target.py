"""Publish a release on GitLab: a generic package, then a release that links to its files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.job import Job
from slipway.model.retention import KeepReleases, PublishedRelease
from slipway.model.states import FileState
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.releases.outgoing import (
    OutgoingFile,
    OutgoingRelease,
    OutgoingStream,
    Pointers,
)
from slipway.scripts.releases.target import ReleaseTarget, Seen
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.targets.gitlab.old_releases import OldReleases
from slipway.scripts.stages.publish.targets.gitlab.project import (
    DEVELOPER,
    MAINTAINER,
    Facts,
    GitlabProject,
    Made,
)
from slipway.scripts.stages.publish.targets.gitlab.settings import GitlabTarget
from slipway.scripts.stages.publish.targets.http_api import HttpApi, secret_of
from slipway.scripts.stages.publish.targets.release_text import described, filled, tag_of

__all__ = ["GitlabRelease"]

#: What GitLab takes as names of files, versions, and paths of links.
_FILE = re.compile(r"(?![~@])[A-Za-z0-9._+~@-]{1,255}(?<![~@])")
_VERSION = re.compile(r"(?!.*\.\.)[\w+.-]{1,255}", re.ASCII)
_NO_PATH = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST_PATH = 128
_HEADERS = {"personal": "PRIVATE-TOKEN", "job": "JOB-TOKEN", "deploy": "DEPLOY-TOKEN"}


class GitlabRelease(ReleaseTarget):
    """One release on its way to GitLab.

    The files of the package can be downloaded by those who know the address as soon as they are
    there; people find them by the release, which is made last, in one request. GitLab would keep
    another file of the same name beside the first, and show the newest: so a file that is there is
    never sent again.
    """

    def __init__(self, target: GitlabTarget, job: Job, _report: Report) -> None:
        """Initialize; nothing is sent."""
        self._settings, self._job = target, job
        self.authorities = target.authorities
        token = secret_of(job, target.token)
        host = target.url.partition("://")[2].rstrip("/")
        self.where = f"{host} ({target.project})"
        self._api = HttpApi(
            self.where,
            f"{target.url.rstrip('/')}/api/v4",
            credentials={_HEADERS[target.token_kind]: token},
            secrets=(token,),
            authorities=self.authorities,
        )
        self._version = job.run.version
        package = target.package or job.project
        self._project = GitlabProject(self._api, target.url, target.project, package, self._version)
        self._package = f"{package} {self._version}"
        self._tag = self._other_tag(self._version)
        tags = self._other_tag if target.release else None
        self._old = OldReleases(self._project, job.project, tags, self.where)
        self._facts: Facts | None = None
        self._given: OutgoingRelease | None = None
        self._before: frozenset[str] = frozenset()
        """Files that were there when it was looked."""
        self._is_known = False
        """True: no upload failed since `look`."""

    def _other_tag(self, version: str) -> str:
        return tag_of(self._settings.tag, self._job.project, version)

    # ---- before

    def check(self, version: str, size: int | None) -> None:
        """Check the token, its rights, the tag and the commit.

        Raises:
            StageFailed: One of them is not right.
            WrongInput: GitLab takes no such version.
        """
        del size
        if not _VERSION.fullmatch(version):
            msg = f"GitLab takes letters, digits and + . _ - in versions of packages, not {version}"
            raise WrongInput(msg)
        if self._settings.token_kind == "deploy":  # noqa: S105  a kind of them
            self._project.check_files(MANIFEST)
            return
        self._project.check_lists(releases=self._settings.release)
        if self._settings.token_kind == "personal":  # noqa: S105  a kind of them
            self._check_project()
            if self._settings.release:
                self._check_tag()

    def _check_project(self) -> None:
        there = self._facts = self._project.facts()
        if there.archived:
            msg = f"{self.where} is archived: it takes no releases"
            raise StageFailed(msg)
        if not there.allows(DEVELOPER):
            msg = f"{self.where}: the token's owner may not release there; the role Developer may"
            raise StageFailed(msg)
        if self._settings.keep is not None and not there.allows(MAINTAINER):
            msg = (
                f"{self.where}: keep removes old releases, which the token's owner may not do "
                "there; the role Maintainer may"
            )
            raise StageFailed(msg)

    def _check_tag(self) -> None:
        revision = self._job.run.revision
        if not revision:
            msg = f"the run has no commit that the tag {self._tag} of {self.where} could point at"
            raise StageFailed(msg)
        tagged = self._project.tagged(self._tag)
        if tagged is None and not self._project.has_commit(revision):
            msg = f"{self.where} has no commit {revision}: push it there first"
            raise StageFailed(msg)
        if tagged not in {None, revision}:
            raise StageFailed(self._elsewhere(tagged))

    def _elsewhere(self, tagged: str | None) -> str:
        return (
            f"{self.where}: the tag {self._tag} points at {tagged}, and the release is of "
            f"{self._job.run.revision}; give this one a version of its own"
        )

    def look(self, release: OutgoingRelease) -> Mapping[str, Seen]:
        """Return which files the package has; public are those that the release links to.

        Raises:
            StageFailed: The package has another file, which no release links to.
        """
        _check_names(release)
        self._given = release
        there = self._there(release)
        self._is_known = True
        shown = self._linked() if self._settings.release else set(there)
        seen = {}
        for file in release.files:
            digest = there.get(file.name)
            if digest is None:
                continue
            is_public = file.name in shown
            if not is_public and digest not in {"", file.sha256}:
                raise StageFailed(self._other(file, digest))
            # What no release links to yet is read back, whatever GitLab says of it.
            seen[file.name] = (
                Seen(FileState.PUBLIC, digest) if is_public else Seen(FileState.STAGED)
            )
        self._before = frozenset(seen)
        return seen

    def _there(self, release: OutgoingRelease) -> dict[str, str]:
        """Return the hashes of files, "" where the server tells none."""
        if self._settings.token_kind != "deploy":  # noqa: S105  a kind of them
            files = self._project.files()
            return {name: one.file_sha256 or "" for name, one in files.items()}
        found = ((one.name, self._project.peek(one.name)) for one in release.files)
        return {name: digest for name, digest in found if digest is not None}

    def _linked(self) -> set[str]:
        made = self._project.release(self._tag)
        return {one.name for one in made.assets.links} if made is not None else set()

    def _other(self, file: OutgoingFile, digest: str) -> str:
        return (
            f'{self.where}: the package {self._package} has another "{file.name}" ({digest[:64]}), '
            f"and nothing is replaced there; delete that package if it is no "
            "release, or give this one a version of its own"
        )

    # ---- files

    def stage(self, file: OutgoingFile, stream: OutgoingStream) -> None:
        """Upload one file, unless an earlier try did whose answer was lost.

        Raises:
            StageFailed: The package has another file of that name.
        """
        if file.name in self._before:
            raise StageFailed(self._other(file, "unlike what it says"))
        if not self._is_known and self._is_there(file):
            return
        self._is_known = False
        if not self._project.upload(file, stream) and not self._is_there(file):
            msg = f"{self.where} takes no second {file.name} of {self._package}, and shows no first"
            raise StageFailed(msg)
        self._is_known = True

    def _is_there(self, file: OutgoingFile) -> bool:
        """Return whether a file is there; it is asked as seldom as that is uncertain."""
        if self._given is None:
            msg = "look comes before anything else"
            raise StageFailed(msg)
        digest = self._there(self._given).get(file.name)
        if digest not in {None, "", file.sha256}:
            raise StageFailed(self._other(file, digest or ""))
        return digest is not None

    def read_back(self, file: OutgoingFile) -> Iterator[bytes]:
        """Yield the bytes of a file as readers get them."""
        return self._project.bytes_of(file)

    # ---- to be seen

    def commit(self, release: OutgoingRelease) -> str:
        """Make the release that links to the files, or complete one that people have made.

        Raises:
            StageFailed: The tag is another's, or the release links to something else.
        """
        self._check_whole(release)
        if not self._settings.release:
            return self._project.address(MANIFEST)
        if self._settings.token_kind == "personal":  # noqa: S105  a kind of them
            self._check_tag()
        links = self._links(release)
        made = self._project.release(self._tag)
        if made is None:
            values = {
                "name": filled(self._settings.heading, release.project, release.version),
                "tag_name": self._tag,
                "ref": self._job.run.revision,
                "description": described(release),
                "assets": {"links": links},
            }
            made = self._project.create(values) or self._project.release(self._tag)
        if made is None:
            msg = f"{self.where} has made no release {self._tag} and does not say why"
            raise StageFailed(msg)
        if made.commit is not None and made.commit.id != self._job.run.revision:
            raise StageFailed(self._elsewhere(made.commit.id))
        self._complete(made, links)
        return made.links.self or self.where

    def _check_whole(self, release: OutgoingRelease) -> None:
        """Look once more: another run may have sent another file of the same name meanwhile."""
        there = self._there(release)
        for file in release.files:
            digest = there.get(file.name)
            if digest is None:
                msg = f"{self.where}: the package {self._package} has no {file.name} any more"
                raise StageFailed(msg)
            if digest not in {"", file.sha256}:
                raise StageFailed(self._other(file, digest))

    def _links(self, release: OutgoingRelease) -> list[dict[str, str]]:
        links, paths = [], set()
        for file in release.files:
            link = {
                "name": file.name,
                "url": self._project.address(file.name),
                "link_type": "other" if file.name == MANIFEST else "package",
            }
            # GitLab takes fewer signs in paths than in names, and each path once.
            path = "/" + _NO_PATH.sub("-", file.name)
            if path not in paths and path[-1].isalnum() and len(path) <= _LONGEST_PATH:
                link["direct_asset_path"] = path
                paths.add(path)
            links.append(link)
        return links

    def _complete(self, made: Made, links: list[dict[str, str]]) -> None:
        """Add links that are missing, in the order of the release: its manifest is the last."""
        there = {one.name: one.url for one in made.assets.links}
        for link in links:
            if link["name"] not in there:
                self._project.link(self._tag, link)
            elif there[link["name"]] != link["url"]:
                msg = (
                    f'{self.where}: "{link["name"]}" of the release {self._tag} leads to '
                    f"{there[link['name']][:200]!r} and not to the package {self._package}"
                )
                raise StageFailed(msg)

    def point(self, pointers: Pointers) -> None:
        """Do nothing: GitLab's latest release is the newest."""

    def public_url(self, name: str) -> str | None:
        """Return a file's address; None: not everybody may read it, or nobody knows."""
        if self._settings.token_kind != "personal":  # noqa: S105  a kind of them
            return None
        if self._facts is None:
            self._facts = self._project.facts()
        return self._project.address(name) if self._facts.visibility == "public" else None

    # ---- old releases

    def versions(self) -> Iterator[PublishedRelease]:
        """Return the project's releases."""
        keep = self._settings.keep or KeepReleases()
        return self._old.versions(keep.latest)

    def remove(self, version: str) -> None:
        """Delete a release, then its package; the tag stays."""
        self._old.remove(version)

    def close(self) -> None:
        """End the connections."""
        self._api.close()


def _check_names(release: OutgoingRelease) -> None:
    for one in release.files:
        if not _FILE.fullmatch(one.name):
            msg = (
                f'GitLab takes no file called "{one.name}": letters without accents, digits and '
                "+ . _ - ~ @ are allowed; give it another name"
            )
            raise WrongInput(msg)
