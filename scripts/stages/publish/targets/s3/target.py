"""Publish a release to a bucket: files that nobody knows of yet, then release.json."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.job import Job
from slipway.model.retention import PublishedRelease
from slipway.model.states import FileState
from slipway.scripts.humanize import plain_name
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.releases.outgoing import (
    OutgoingFile,
    OutgoingRelease,
    OutgoingStream,
    Pointers,
)
from slipway.scripts.releases.pointing import MOST
from slipway.scripts.releases.target import ReleaseTarget, Seen, TryAgain
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.targets.s3.body import Source
from slipway.scripts.stages.publish.targets.s3.bucket import Bucket, Refused
from slipway.scripts.stages.publish.targets.s3.parts import PartedUpload
from slipway.scripts.stages.publish.targets.s3.preflight import Preflight
from slipway.scripts.stages.publish.targets.s3.removal import Removal
from slipway.scripts.stages.publish.targets.s3.settings import S3Target
from slipway.scripts.stages.publish.targets.s3.writing import IMMUTABLE, VOLATILE, Writer, tag_of

__all__ = ["S3Release"]

#: Files of more bytes are sent in parts.
_WHOLE = 16 << 20
_LONGEST_KEY = 1024
_ABSENT = ("404", "NoSuchKey", "NotFound")


class S3Release(ReleaseTarget):
    """The publication of one release to a bucket.

    S3 knows no rename. Files are written under their own names, never over another; readers
    begin at release.json or at pointers, which are written last.
    """

    renames = True
    """What was read back is what readers get: `commit` looks whether it is still the same."""

    def __init__(self, target: S3Target, job: Job, report: Report) -> None:
        """Initialize; nothing is connected."""
        self._settings, self._report = target, report
        self.authorities = target.ca
        self._project = plain_name(job.project, "the project")
        self._version = plain_name(job.run.version, "the version")
        self._bucket = Bucket(target, job.stage.env)
        self._writer = Writer(self._bucket)
        self._manifest: bytes | None = None
        #: The tags of the bytes that were written or found, by name.
        self._tags: dict[str, str] = {}
        self._preflight = Preflight(self._bucket, self._writer, self._key(""), report)
        place = f"s3://{target.bucket}/{self._key('')}".rstrip("/")
        self.where = f"{place} at {self._bucket.place.server}" if target.endpoint else place

    def _key(self, name: str) -> str:
        """Return the key of what is called so in the project.

        Raises:
            StageFailed: It is too long.
        """
        parts = (self._settings.prefix, self._project, name)
        key = "/".join(part for part in parts if part or part is name)
        if len(key.encode()) > _LONGEST_KEY:
            msg = f'"{name[:80]}..." is too long a name for {self._settings.bucket}: shorten it'
            raise StageFailed(msg)
        return key

    def _of(self, name: str) -> str:
        return self._key(f"{self._version}/{name}")

    def check(self, version: str, size: int | None) -> None:
        """Check key, bucket, rights and clock, and that what is there can be kept safe."""
        del size
        self._preflight.check(self._key(f"{version}/{MANIFEST}"))

    def look(self, release: OutgoingRelease) -> Mapping[str, Seen]:
        """Return which files are there; they are public if release.json is.

        Raises:
            StageFailed: Files of another release are there that was not finished.
        """
        for one in release.files:
            self._of(plain_name(one.name, "a file of the release"))
        self._tags = self._list()
        if MANIFEST in self._tags:
            return dict.fromkeys(self._tags, Seen(FileState.PUBLIC))
        known = {one.name for one in release.files}
        if strange := sorted(self._tags.keys() - known):
            msg = (
                f'{self.where} has "{strange[0][:80]}" of another release {release.version} that '
                "was not finished; delete what is there, or give this one a version of its own"
            )
            raise StageFailed(msg)
        return dict.fromkeys(self._tags, Seen(FileState.STAGED))

    def _list(self) -> dict[str, str]:
        """Return the names that are there of this version, with the tags of their bytes."""
        home, found = self._of(""), {}
        what = f"looking at {self._version} (s3:ListBucket)"
        for page in self._bucket.pages("list_objects_v2", what, Prefix=home):
            for one in page.get("Contents", ()):
                found[str(one["Key"]).removeprefix(home)] = tag_of(one)
        return found

    def stage(self, file: OutgoingFile, stream: OutgoingStream) -> str | None:
        """Write one file, which nothing names yet; release.json is kept for the end.

        Raises:
            StageFailed: Another file is there.
        """
        if file.name == MANIFEST:
            self._manifest = stream.read()
            return None
        return self._write(file, stream)

    def _write(self, file: OutgoingFile, stream: OutgoingStream) -> str | None:
        """Write a file where nothing is; return its hash, if it was there already."""
        key, source = self._of(file.name), Source(file, stream)
        # For servers that ignore conditions, and to send nothing in vain.
        if self._facts(key) is not None:
            return self._accept(file)
        try:
            if file.size <= _WHOLE:
                tag = self._writer.put(key, source, IMMUTABLE, new=True)
            else:
                tag = PartedUpload(self._writer, key, source).bring()
        except Refused:
            return self._accept(file)
        self._tags[file.name] = tag
        return None

    def _facts(self, key: str) -> dict[str, Any] | None:
        """Return what the server says of an object, if there is one."""
        try:
            return self._bucket.call("head_object", "looking (s3:GetObject)", *_ABSENT, Key=key)
        except Refused:
            return None

    def _accept(self, file: OutgoingFile) -> str:
        """Take what is there for ours, if it has our bytes: another try has written it.

        Returns:
            Its hash.

        Raises:
            StageFailed: It has others. Nothing is overwritten.
        """
        self._tags[file.name] = tag_of(self._facts(self._of(file.name)) or {})
        digest = hashlib.sha256()
        for block in self._stored(file):
            digest.update(block)
        if digest.hexdigest() != file.sha256:
            msg = (
                f'{self.where} has another "{file.name}" of {self._version}, and nothing is '
                "overwritten: give this release a version of its own, or delete it there if it "
                "was not finished"
            )
            raise StageFailed(msg)
        return digest.hexdigest()

    def _stored(self, file: OutgoingFile) -> Iterator[bytes]:
        what = f"reading {file.name} back (s3:GetObject)"
        return self._bucket.content(self._of(file.name), what, file.size)

    def read_back(self, file: OutgoingFile) -> Iterator[bytes]:
        """Yield the bytes that the server has of a file."""
        if file.name == MANIFEST and self._manifest is not None:
            # It is sent by commit.
            return iter((self._manifest,))
        return self._stored(file)

    def commit(self, release: OutgoingRelease) -> str:
        """Write release.json, unless it is there.

        Raises:
            StageFailed: Another one is there, or a file has changed since it was read back.
        """
        if self._manifest is not None:
            self._refuse_changes(release)
            file = release.files[-1]
            with OutgoingStream(file) as stream:
                self._write(file, stream)
            self._manifest = None
        self._preflight.give_up_old()
        base = self._settings.public_url
        return self._address(f"{self._version}/") if base else f"{self.where} ({self._version})"

    def _refuse_changes(self, release: OutgoingRelease) -> None:
        """Refuse to show what another program has overwritten since.

        Servers that do not know conditions let it do that.
        """
        there = self._list()
        for file in release.files[:-1]:
            if file.name not in there:
                msg = f'{self.where} does not list "{file.name}" of {release.version}'
                raise TryAgain(msg)
            if there[file.name] != self._tags.get(file.name):
                msg = (
                    f'{self.where}: "{file.name}" of {release.version} was changed by another '
                    "program while it was published; see which, and publish again"
                )
                raise StageFailed(msg)

    def point(self, pointers: Pointers) -> None:
        """Write pages, feeds and pointers, where they have changed."""
        for file in pointers.files:
            key = self._key(_relative(file.name))
            if self._recorded(key) != file.sha256:
                with OutgoingStream(file) as stream:
                    self._writer.put(key, Source(file, stream), VOLATILE, new=False)

    def pointer(self, name: str) -> bytes | None:
        """Return the bytes of a pointer beside the releases."""
        key, what = self._key(_relative(name)), f"reading {name} (s3:GetObject)"
        there = self._facts(key)
        if there is None or int(there.get("ContentLength", 0)) > MOST:
            return None
        return b"".join(self._bucket.content(key, what, MOST))

    def _recorded(self, key: str) -> str:
        """Return the hash that an object was written with; empty if there is none."""
        return str((self._facts(key) or {}).get("Metadata", {}).get("sha256", ""))

    def public_url(self, name: str) -> str | None:
        """Return the address of a file, if there is a public one."""
        return self._address(f"{self._version}/{name}") if self._settings.public_url else None

    def _address(self, name: str) -> str:
        # Servers take a plus sign for a space.
        path = quote(f"{self._project}/{name}", safe="/-_.~")
        return f"{(self._settings.public_url or '').rstrip('/')}/{path}"

    def versions(self) -> Iterator[PublishedRelease]:
        """Yield the project's releases in the bucket."""
        return Removal(self._bucket, self._key("")).versions()

    def remove(self, version: str) -> None:
        """Remove a release, release.json first."""
        Removal(self._bucket, self._key("")).remove(plain_name(version, "the version"))

    def close(self) -> None:
        """End connections. Unfinished uploads stay for the next try."""
        self._bucket.close()


def _relative(name: str) -> str:
    """Return a name with slashes, checked.

    Raises:
        WrongInput: It leads elsewhere.
    """
    for part in name.split("/"):
        plain_name(part, f'a part of "{name}"')
    if not name.isprintable():
        msg = f"{name!r} holds characters that no address may hold"
        raise WrongInput(msg)
    return name
