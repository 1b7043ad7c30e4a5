"""Check a bucket before anything is written, and give up what nobody will finish."""

from __future__ import annotations

import contextlib
import time
from datetime import datetime
from typing import Any

from slipway.model.errors import SlipwayError, StageFailed
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.targets.s3.bucket import Bucket, Refused
from slipway.scripts.stages.publish.targets.s3.parts import UNLISTED
from slipway.scripts.stages.publish.targets.s3.writing import IMMUTABLE, Writer

__all__ = ["Preflight"]

_DAY = 86_400
_GONE = ("NoSuchUpload", "404", "NoSuchKey")


class Preflight:
    """The checks of one bucket."""

    def __init__(self, bucket: Bucket, writer: Writer, root: str, report: Report) -> None:
        """Initialize.

        Args:
            bucket: The bucket.
            writer: What writes there.
            root: What the names of the project begin with.
            report: Gets warnings.
        """
        self._bucket, self._writer, self._root, self._report = bucket, writer, root, report
        self._initiator = ""
        self._warned = False

    def check(self, key: str) -> None:
        """Check key, bucket, clock, and the rights to list and to write; nothing stays there.

        Args:
            key: An object that is to be written later.

        Raises:
            StageFailed: Something must be mended.
            TryAgain: It may pass by itself.
        """
        where = f'looking at the bucket "{self._bucket.settings.bucket}" (s3:ListBucket)'
        self._bucket.call("list_objects_v2", where, Prefix=key, MaxKeys=1)
        if not self._warned:
            self._warned = True
            self._check_versioning()
        self._check_writing(key)

    def _check_versioning(self) -> None:
        """Tell what it means if the bucket keeps no versions."""
        what = "looking for versioning (s3:GetBucketVersioning)"
        try:
            answer = self._bucket.call("get_bucket_versioning", what, *UNLISTED)
        except Refused:
            # Not every server has versions, nor every account the right to ask.
            return
        if answer.get("Status") != "Enabled":
            self._report.notice(
                f'the bucket "{self._bucket.settings.bucket}" keeps no versions: what another '
                "program overwrites or deletes there cannot be brought back; Slipway itself does "
                "neither to a release. Turn versioning on, or Object Lock",
                "warning",
            )

    def _check_writing(self, key: str) -> None:
        """Begin an upload and give it up: it takes the rights of a real one and leaves nothing."""
        upload = self._begin(key)
        try:
            self._initiator = self._initiator or self._initiator_of(key, upload)
        finally:
            self._bucket.call(
                "abort_multipart_upload",
                "giving up an upload (s3:AbortMultipartUpload)",
                *_GONE,
                Key=key,
                UploadId=upload,
            )

    def _begin(self, key: str) -> str:
        settings = self._bucket.settings
        answer = self._bucket.call(
            "create_multipart_upload",
            f'writing to "{self._root}" (s3:PutObject)',
            Key=key,
            ACL=settings.acl,
            StorageClass=settings.storage_class,
            ServerSideEncryption=settings.encryption,
            SSEKMSKeyId=settings.kms_key,
            CacheControl=IMMUTABLE,
        )
        upload = answer.get("UploadId")
        if not upload:
            msg = (
                f"{self._bucket.place.server} began an upload without naming it: no S3 server does"
            )
            raise StageFailed(msg)
        return str(upload)

    def _initiator_of(self, key: str, upload: str) -> str:
        """Return who the server says we are; empty if it does not say."""
        for one in self._uploads(key):
            if one.get("UploadId") == upload:
                return str(one.get("Initiator", {}).get("ID", ""))
        return ""

    def _uploads(self, prefix: str) -> list[dict[str, Any]]:
        what = "looking for unfinished uploads (s3:ListBucketMultipartUploads)"
        found: list[dict[str, Any]] = []
        with contextlib.suppress(Refused):
            pages = self._bucket.pages("list_multipart_uploads", what, *UNLISTED, Prefix=prefix)
            for page in pages:
                found += page.get("Uploads", ())
        return found

    def give_up_old(self) -> None:
        """Give up unfinished uploads of this project that this account began long ago.

        A failure is no failure of the release: the next one tries again.
        """
        days = self._bucket.settings.unfinished_days
        if not days or not self._initiator:
            return
        before = time.time() - days * _DAY
        with contextlib.suppress(SlipwayError, Refused):
            for one in self._uploads(self._root):
                key, begun = str(one.get("Key", "")), one.get("Initiated")
                ours = one.get("Initiator", {}).get("ID") == self._initiator
                old = isinstance(begun, datetime) and begun.timestamp() < before
                if ours and old and key.startswith(self._root) and one.get("UploadId"):
                    self._bucket.call(
                        "abort_multipart_upload",
                        f"giving up an unfinished upload of {key} (s3:AbortMultipartUpload)",
                        Key=key,
                        UploadId=str(one["UploadId"]),
                    )
