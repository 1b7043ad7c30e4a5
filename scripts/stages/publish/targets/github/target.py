"""Publish a release on GitHub: a draft with all files, then one request that publishes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.job import Job
from slipway.model.retention import PublishedRelease
from slipway.model.states import FileState
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.releases.outgoing import (
    OutgoingFile,
    OutgoingRelease,
    OutgoingStream,
    Pointers,
)
from slipway.scripts.releases.target import ReleaseTarget, Seen, TryAgain
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.targets.github.names import check_names, folded, is_kept
from slipway.scripts.stages.publish.targets.github.old_releases import OldReleases, mark_of
from slipway.scripts.stages.publish.targets.github.repository import (
    Asset,
    Facts,
    Published,
    Repository,
)
from slipway.scripts.stages.publish.targets.github.settings import GithubTarget
from slipway.scripts.stages.publish.targets.http_api import HttpApi, secret_of
from slipway.scripts.stages.publish.targets.release_text import (
    described,
    filled,
    is_early,
    tag_of,
)

__all__ = ["GithubRelease"]

#: What GitHub takes at most: the bytes of a file, and the files of a release.
_LARGEST = (1 << 31) - 1
_MOST = 1000
_WHOLE = "uploaded"


class GithubRelease(ReleaseTarget):
    """One release on its way to GitHub.

    The draft is found again by a mark in its text, which names the release's manifest by its hash:
    another release of the same version has a draft of its own, and people's drafts are left alone.
    """

    def __init__(self, target: GithubTarget, job: Job, report: Report) -> None:
        """Initialize; nothing is sent."""
        self._settings, self._job, self._report = target, job, report
        self.authorities = target.authorities
        token = secret_of(job, target.token)
        self.where = f"{_host(target.url)} ({target.repository})"
        self._api = HttpApi(
            self.where,
            target.url,
            credentials={"Authorization": f"Bearer {token}"},
            secrets=(token,),
            authorities=self.authorities,
        )
        self._repository = Repository(self._api, target.repository, target.url)
        self._tag = self._other_tag(job.run.version)
        self._old = OldReleases(self._repository, job.project, self._other_tag, self.where)
        self._facts: Facts | None = None
        self._release: Published | None = None
        self._is_mine = False
        """True: the draft was made just now."""
        self._has_asked = False
        """True: a draft was asked for. Its answer may be lost, and the draft be there."""
        self._assets: dict[str, Asset] = {}
        self._is_known = False
        """True while `_assets` is what the server has."""
        self._removable: set[str] = set()
        """Files that were there at first, or are ours: not those that another run brings now."""
        self._given: OutgoingRelease | None = None

    # ---- before

    def check(self, version: str, size: int | None) -> None:
        """Check the token, its rights, the tag and the commit.

        Raises:
            StageFailed: One of them is not right.
        """
        del version, size
        there = self._repository.facts()
        name = self._settings.repository
        if there.full_name.lower() != name.lower():
            msg = f"{name} is called {there.full_name[:200]} now: write that into pipeline.toml"
            raise StageFailed(msg)
        if there.archived:
            msg = f"{self.where} is archived: it takes no releases"
            raise StageFailed(msg)
        if not there.permissions.push:
            msg = (
                f"{self.where}: the token may read and not write; give it the right to write "
                "contents, and its owner the right to push"
            )
            raise StageFailed(msg)
        self._facts = there
        self._check_tag()

    def _check_tag(self) -> None:
        revision = self._job.run.revision
        if not revision:
            msg = f"the run has no commit that the tag {self._tag} of {self.where} could point at"
            raise StageFailed(msg)
        tagged = self._repository.tagged(self._tag)
        if tagged is None and not self._repository.has_commit(revision):
            msg = f"{self.where} has no commit {revision}: push it there first"
            raise StageFailed(msg)
        if tagged not in {None, revision}:
            msg = (
                f"{self.where}: the tag {self._tag} points at {tagged}, and the release is of "
                f"{revision}; give this one a version of its own"
            )
            raise StageFailed(msg)

    def look(self, release: OutgoingRelease) -> Mapping[str, Seen]:
        """Return which files the release or its draft has."""
        _check_limits(release)
        self._given = release
        self._release = self._repository.published(self._tag)
        if self._release is None:
            self._release = self._own_draft(release)
        if self._release is None:
            return {}
        self._list(release)
        self._removable = set(self._assets)
        whole = [(name, one) for name, one in self._assets.items() if one.state == _WHOLE]
        if self._release.draft:
            # Read back whatever GitHub says of it: once published it can never be mended.
            return {name: Seen(FileState.STAGED) for name, _ in whole}
        return {name: Seen(FileState.PUBLIC, one.sha256) for name, one in whole}

    def _own_draft(self, release: OutgoingRelease) -> Published | None:
        drafts = self._repository.drafts(self._tag)
        mine = [one for one in drafts if _mark(release) in (one.body or "")]
        if others := len(drafts) - len(mine):
            text = f"{self.where} has {others} more drafts of {self._tag}, which are left alone"
            self._report.notice(text)
        # Two runs at once may have made one each: both go on with the older one.
        return mine[0] if mine else None

    def _list(self, release: OutgoingRelease) -> None:
        """Find the release's files among those that the server has."""
        there = self._repository.assets(self._needed)
        by_label = {one.label: one for one in there if one.label}
        by_name = {folded(one.name): one for one in there}
        found = ((file.name, by_label.get(file.name)) for file in release.files)
        self._assets = {
            name: one
            for name, labelled in found
            if (one := labelled or by_name.get(folded(name))) is not None
        }
        mine = {one.id for one in self._assets.values()}
        more = sorted(one.name for one in there if one.id not in mine)
        if more and self._needed.draft:
            msg = (
                f'the draft of {self._tag} at {self.where} has "{more[0][:200]}", which is not of '
                "this release; delete it there"
            )
            raise StageFailed(msg)
        self._is_known = True

    @property
    def _needed(self) -> Published:
        if self._release is None:
            msg = f"{self.where} has neither a release nor a draft of {self._tag}"
            raise StageFailed(msg)
        return self._release

    @property
    def _outgoing(self) -> OutgoingRelease:
        if self._given is None:
            msg = "look comes before anything else"
            raise StageFailed(msg)
        return self._given

    # ---- files

    def stage(self, file: OutgoingFile, stream: OutgoingStream) -> None:
        """Upload one file to the draft; what an upload that was cut has left is deleted before."""
        release = self._draft()
        if not self._is_known:
            self._list(self._outgoing)
        if (old := self._assets.get(file.name)) is not None:
            if old.state == _WHOLE and file.name not in self._removable:
                # Another run of this release was quicker; what it brought is read back.
                return
            self._refuse_rival(old, file)
            self._repository.remove(old)
            del self._assets[file.name]
        # An upload may be cut after its last byte, too: only an answer says what is there.
        self._is_known = False
        self._removable.add(file.name)
        new = self._repository.upload(release, file, stream)
        if new is None:
            self._removable.discard(file.name)
            self._list(self._outgoing)
            new = self._assets.get(file.name)
        if new is None or new.state != _WHOLE:
            msg = f"{self.where} does not have all of {file.name} yet"
            raise TryAgain(msg)
        self._assets[file.name] = new
        self._is_known = True
        if not is_kept(file.name) and new.name != file.name:
            self._report.notice(f'{self.where} has "{file.name}" as "{new.name[:200]}"')

    def _draft(self) -> Published:
        """Return the draft; it is made where there is none."""
        if self._release is None and self._has_asked:
            self._release = self._own_draft(self._outgoing)
        if self._release is None:
            self._has_asked = True
            self._release = self._repository.create(self._values())
            self._is_mine = True
        if not self._release.draft:
            msg = f"{self.where} has published {self._tag} already; nothing is added to it"
            raise StageFailed(msg)
        return self._release

    def _refuse_rival(self, old: Asset, file: OutgoingFile) -> None:
        """Let another run finish its upload.

        Raises:
            TryAgain: Another run is uploading the file.
        """
        if old.state != _WHOLE and file.name not in self._removable:
            # The next time it is deleted: whoever was uploading it has died.
            self._removable.add(file.name)
            msg = f"{self.where}: {file.name} is being uploaded by somebody else"
            raise TryAgain(msg)

    def read_back(self, file: OutgoingFile) -> Iterator[bytes]:
        """Yield the bytes of a file by the API, of a draft or of what is published."""
        if not self._is_known:
            self._list(self._outgoing)
        asset = self._assets.get(file.name)
        if asset is None:
            msg = f"{self.where} has no {file.name} in {self._tag} any more"
            raise StageFailed(msg)
        return self._repository.bytes_of(asset, file.size)

    # ---- to be seen

    def _values(self) -> dict[str, Any]:
        release = self._outgoing
        return {
            "tag_name": self._tag,
            "target_commitish": self._job.run.revision,
            "name": filled(self._settings.heading, release.project, release.version),
            "body": f"{described(release)}\n{_mark(release)}\n",
            "prerelease": self._is_early_at_first(release.version),
        }

    def _is_early_at_first(self, version: str) -> bool:
        if self._settings.prerelease is not None:
            return self._settings.prerelease
        return is_early(version) or bool(self._settings.pre_channels)

    def commit(self, release: OutgoingRelease) -> str:
        """Publish the draft.

        Raises:
            StageFailed: It lacks a file, the tag is another's, or another release was quicker.
        """
        there = self._repository.published(self._tag)
        if there is None:
            draft = self._draft()
            self._list(release)
            self._check_whole(release)
            self._check_tag()
            # GitHub's own rule, until `point` says which one is the latest: of an immutable
            # release nothing of that can be changed afterwards.
            early = self._is_early_at_first(release.version)
            values = {**self._values(), "draft": False}
            values["make_latest"] = "false" if early else "legacy"
            there = self._repository.change(draft, f"publishing {self._tag}", values)
            if there is None:
                there = self._repository.published(self._tag)
        if there is None or there.draft:
            msg = f"{self.where} did not publish {self._tag} and does not say why"
            raise StageFailed(msg)
        mine, self._release = self._release, there
        self._list(release)
        self._check_whole(release)
        if mine is not None and mine.id != there.id and self._is_mine:
            # Another run of the same release was quicker.
            self._repository.drop_draft(mine)
        if (tagged := self._repository.tagged(self._tag)) != self._job.run.revision:
            msg = (
                f"{self.where}: {self._tag} is published, but its tag points at {tagged} instead "
                f"of {self._job.run.revision}"
            )
            raise StageFailed(msg)
        return there.html_url or self.where

    def _check_whole(self, release: OutgoingRelease) -> None:
        for file in release.files:
            asset = self._assets.get(file.name)
            if asset is None or asset.state != _WHOLE:
                msg = f"{self.where}: {self._tag} has no {file.name}"
                raise StageFailed(msg)
            if asset.size != file.size or asset.sha256 not in {"", file.sha256}:
                msg = f'{self.where} has another "{file.name}" of {self._tag}'
                raise StageFailed(msg)

    def point(self, pointers: Pointers) -> None:
        """Mark pre-releases and the latest release, as channels say."""
        for version in sorted({pointers.latest, *pointers.channels.values()}):
            release = self._repository.published(self._other_tag(version))
            if release is None:
                continue
            early = self._is_early(version, pointers, release)
            if early != release.prerelease:
                self._change(release, {"prerelease": early})
            if version == pointers.latest and not early:
                newest = self._repository.newest()
                if newest is None or newest.id != release.id:
                    self._change(release, {"make_latest": "true"})

    def _other_tag(self, version: str) -> str:
        return tag_of(self._settings.tag, self._job.project, version)

    def _is_early(self, version: str, pointers: Pointers, release: Published) -> bool:
        settings = self._settings
        if settings.prerelease is False:
            return False
        names = {name for name, one in pointers.channels.items() if one == version}
        if settings.prerelease is None and is_early(version):
            return True
        return names <= set(settings.pre_channels) if names else release.prerelease

    def _change(self, release: Published, values: dict[str, Any]) -> None:
        try:
            if self._repository.change(release, f"marking {release.tag_name}", values) is not None:
                return
            why = "it is not valid"
        except TryAgain:
            raise
        except StageFailed as error:
            why = str(error)
        key, value = next(iter(values.items()))
        text = f"{self.where}: {release.tag_name} stays as it is; {key} = {value} is refused: {why}"
        self._report.notice(text, level="warning")

    def public_url(self, name: str) -> str | None:
        """Return a file's address; None: the repository is private."""
        if self._facts is None:
            self._facts = self._repository.facts()
        asset = self._assets.get(name)
        if self._facts.private or asset is None:
            return None
        return asset.browser_download_url or None

    # ---- old releases

    def newest(self) -> str | None:
        """Return the version of the release that GitHub shows as the latest."""
        return self._old.newest()

    def versions(self) -> Iterator[PublishedRelease]:
        """Return the project's releases, without those that are immutable."""
        return self._old.versions(self._report)

    def remove(self, version: str) -> None:
        """Delete a release with its files, in one request; its tag stays."""
        self._old.remove(version)

    def close(self) -> None:
        """End the connections; a draft stays for the next try."""
        self._api.close()


def _mark(release: OutgoingRelease) -> str:
    return mark_of(next(one.sha256 for one in release.files if one.name == MANIFEST))


def _check_limits(release: OutgoingRelease) -> None:
    check_names(one.name for one in release.files)
    if len(release.files) > _MOST:
        msg = f"GitHub takes {_MOST} files for a release; this one has {len(release.files)}"
        raise WrongInput(msg)
    for one in release.files:
        if one.size > _LARGEST:
            msg = f"GitHub takes files below 2 GiB; {one.name} has {one.size:,} bytes"
            raise WrongInput(msg)


def _host(url: str) -> str:
    host = url.partition("://")[2].partition("/")[0]
    return "GitHub" if host == "api.github.com" else host
