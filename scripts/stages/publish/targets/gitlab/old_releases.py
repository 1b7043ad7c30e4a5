"""Find and remove old releases on GitLab."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.retention import PublishedRelease
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.stages.publish.targets.gitlab.project import GitlabProject, Made, Package
from slipway.scripts.stages.publish.targets.published import LONGEST, told_by

__all__ = ["OldReleases"]


class OldReleases:
    """The packages of one project, and the releases that link to them."""

    def __init__(
        self, gitlab: GitlabProject, project: str, tag_of: Callable[[str], str] | None, where: str
    ) -> None:
        """Initialize; nothing is asked.

        Args:
            gitlab: The project on GitLab.
            project: The project's name here.
            tag_of: Returns the tag of a version. None: there are packages alone.
            where: The place, for sentences.
        """
        self._gitlab, self._project, self._where = gitlab, project, where
        self._tag_of = tag_of

    def versions(self, latest: int) -> Iterator[PublishedRelease]:
        """Yield the releases that readers see, and what is left of removals that were cut.

        A package that no release links to may be on its way just now: it is left alone unless as
        many releases as stay are newer.

        Args:
            latest: So many of the newest releases stay.
        """
        packages = list(self._gitlab.packages())
        linked = None if self._tag_of is None else self._linked(packages)
        shown: list[PublishedRelease] = []
        loose: list[PublishedRelease] = []
        for package in packages:
            found = self._ours(package)
            if found is not None:
                (shown if linked is None or found.version in linked else loose).append(found)
        times = sorted(one.published_at or 0.0 for one in shown)
        oldest = times[-latest] if len(times) >= latest else 0.0
        yield from shown
        yield from (one for one in loose if (one.published_at or 0.0) < oldest)

    def remove(self, version: str) -> None:
        """Delete a release, then its package; the tag stays.

        Raises:
            StageFailed: The release or the package is not the one that was published from here.
        """
        packages = [one for one in self._gitlab.packages() if one.version == version]
        if any(self._ours(one) is None for one in packages):
            msg = f"{self._where}: the package {version} is not that of {self._project} any more"
            raise StageFailed(msg)
        if self._tag_of is not None:
            made = self._gitlab.release(tag := self._tag_of(version))
            if made is not None and not self._links(made, version):
                msg = f"{self._where}: the release {tag} is not that of {version} any more"
                raise StageFailed(msg)
            if made is not None:
                self._gitlab.drop(tag)
        for one in packages:
            self._gitlab.drop_package(one)

    def _linked(self, packages: list[Package]) -> set[str]:
        """Return the versions of packages whose release.json a release links to."""
        releases = list(self._gitlab.releases())
        return {
            package.version
            for package in packages
            if package.version is not None
            and any(
                self._is_tag(made, package.version) and self._links(made, package.version)
                for made in releases
            )
        }

    def _is_tag(self, made: Made, version: str) -> bool:
        try:
            return self._tag_of is not None and self._tag_of(version) == made.tag_name
        except WrongInput:
            return False

    def _links(self, made: Made, version: str) -> bool:
        address = self._gitlab.address(MANIFEST, version)
        return any((one.name, one.url) == (MANIFEST, address) for one in made.assets.links)

    def _ours(self, package: Package) -> PublishedRelease | None:
        """Return the release of a package if its release.json says that it is ours."""
        if package.version is None:
            return None
        blocks = self._gitlab.blocks(MANIFEST, package.version, LONGEST)
        found = told_by(blocks, self._project) if blocks is not None else None
        return found if found is not None and found.version == package.version else None
