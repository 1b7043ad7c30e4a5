"""Find and remove old releases on GitHub."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.retention import PublishedRelease
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.targets.github.repository import Published, Repository
from slipway.scripts.stages.publish.targets.published import LONGEST, told_by

__all__ = ["OldReleases", "mark_of"]

_MARK = re.compile(r"<!-- slipway: ([0-9a-f]{64}) -->")
_WHOLE = "uploaded"


def mark_of(sha256: str) -> str:
    """Return what tells a release of ours from all others, by its manifest; it is not shown."""
    return f"<!-- slipway: {sha256} -->"


class OldReleases:
    """The releases of one project in a repository, which may be that of several projects."""

    def __init__(
        self, repository: Repository, project: str, tag_of: Callable[[str], str], where: str
    ) -> None:
        """Initialize; nothing is asked.

        Args:
            repository: The repository.
            project: The project's name.
            tag_of: Returns the tag of a version.
            where: The place, for sentences.
        """
        self._repository, self._project = repository, project
        self._tag_of, self._where = tag_of, where

    def versions(self, report: Report) -> Iterator[PublishedRelease]:
        """Yield the releases that were published from here and can be removed.

        Args:
            report: Is told of releases that GitHub would never let be published again.
        """
        immutable = 0
        for release in self._repository.all_published():
            found = self._ours(release)
            if found is None:
                continue
            if release.immutable:
                immutable += 1
                continue
            yield found
        if immutable:
            report.notice(
                f"{self._where}: immutable releases stay, {immutable} now: GitHub would never let "
                "their tags be used again"
            )

    def newest(self) -> str | None:
        """Return the version of the release that GitHub shows as the latest; None: not ours."""
        release = self._repository.newest()
        found = None if release is None else self._ours(release)
        return None if found is None else found.version

    def remove(self, version: str) -> None:
        """Delete a release with its files, in one request; its tag stays.

        Raises:
            StageFailed: The release of that tag is not the one that was published from here.
        """
        release = self._repository.published(self._tag_of(version))
        if release is None:
            return
        found = self._ours(release)
        if found is None or found.version != version or release.immutable:
            msg = f"{self._where}: the release {release.tag_name} is not that of {version} any more"
            raise StageFailed(msg)
        self._repository.drop_published(release)

    def _ours(self, release: Published) -> PublishedRelease | None:
        """Return a release if its text, its release.json and its tag say that it is ours."""
        mark = _MARK.search(release.body or "")
        if mark is None:
            return None
        for asset in self._repository.assets(release):
            if asset.name == MANIFEST and asset.state == _WHOLE and asset.size <= LONGEST:
                blocks = self._repository.bytes_of(asset, LONGEST)
                found = told_by(blocks, self._project, mark[1])
                return found if found is not None and self._is_tag(found, release) else None
        return None

    def _is_tag(self, found: PublishedRelease, release: Published) -> bool:
        try:
            return self._tag_of(found.version) == release.tag_name
        except WrongInput:
            return False
