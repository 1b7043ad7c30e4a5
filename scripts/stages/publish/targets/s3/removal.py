"""Remove old releases from a bucket: release.json first, so that nobody finds half of one."""

from __future__ import annotations

import json
from collections.abc import Iterator

from slipway.model.retention import PublishedRelease
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.releases.published import published_release
from slipway.scripts.stages.publish.targets.s3.bucket import Bucket, Refused

__all__ = ["Removal"]

#: Written before release.json goes, removed as the last: by it a removal that was cut is known. No
#: file of a release begins with a dot.
_MARK = ".removed"
_LONGEST = 64_000_000
_ABSENT = ("404", "NoSuchKey", "NotFound")


class Removal:
    """The releases of one project in a bucket."""

    def __init__(self, bucket: Bucket, home: str) -> None:
        """Initialize; nothing is asked.

        Args:
            bucket: The bucket.
            home: What all names of the project begin with; it ends with a slash.
        """
        self._bucket, self._home = bucket, home

    def versions(self) -> Iterator[PublishedRelease]:
        """Yield the releases that are public, and those whose removal was cut, as the oldest."""
        what = "listing the releases (s3:ListBucket)"
        answers = self._bucket.pages("list_objects_v2", what, Prefix=self._home, Delimiter="/")
        for answer in answers:
            for one in answer.get("CommonPrefixes", ()):
                folder = str(one["Prefix"])
                version = folder.removeprefix(self._home).removesuffix("/")
                if self._is_there(folder + _MARK):
                    yield PublishedRelease(version, 0.0)
                    continue
                project = self._home.rstrip("/").rpartition("/")[2]
                found = published_release(self._manifest(folder + MANIFEST), project, version)
                if found is not None:
                    yield found

    def _is_there(self, key: str) -> bool:
        try:
            self._bucket.call("head_object", "looking (s3:GetObject)", *_ABSENT, Key=key)
        except Refused:
            return False
        return True

    def _manifest(self, key: str) -> bytes:
        """Return the bytes of a release.json; empty if there is none."""
        if not self._is_there(key):
            return b""
        return b"".join(self._bucket.content(key, "reading a release.json", _LONGEST))

    def remove(self, version: str) -> None:
        """Remove a release; what an earlier try has left of it, too."""
        folder = f"{self._home}{version}/"
        if not self._is_there(folder + MANIFEST) and not self._is_there(folder + _MARK):
            return
        what = f"removing {version} (s3:DeleteObject)"
        mark = json.dumps({"version": version}).encode()
        self._bucket.call("put_object", what, Key=folder + _MARK, Body=mark)
        self._bucket.call("delete_object", what, Key=folder + MANIFEST)
        keys = [
            str(one["Key"])
            for answer in self._bucket.pages("list_objects_v2", what, Prefix=folder)
            for one in answer.get("Contents", ())
        ]
        for key in keys:
            if key != folder + _MARK:
                self._bucket.call("delete_object", what, Key=key)
        self._bucket.call("delete_object", what, Key=folder + _MARK)
