"""Write objects: whole, with a checksum, and where nothing is yet."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from slipway.scripts.releases.outgoing import OutgoingFile
from slipway.scripts.stages.publish.targets.s3.body import Body, Source
from slipway.scripts.stages.publish.targets.s3.bucket import Bucket, Refused

__all__ = ["IMMUTABLE", "THERE", "VOLATILE", "Writer", "in_base64", "tag_of"]

#: What caches may do with a released file: it never changes.
IMMUTABLE = "public, max-age=31536000, immutable"
#: What they may do with pages and pointers: they ask each time.
VOLATILE = "no-cache"
#: Codes of a refusal to write where something is already.
THERE = ("PreconditionFailed", "412")
#: Codes of servers that do not know conditional writes.
_UNKNOWN = ("NotImplemented", "501")
_TEXTS = ("application/json", "application/xml", "application/atom+xml", "image/svg+xml")


def in_base64(digest: bytes) -> str:
    """Return a hash as servers write it."""
    return base64.b64encode(digest).decode("ascii")


def tag_of(answer: Mapping[str, Any]) -> str:
    """Return the tag of an object's bytes: another one means other bytes."""
    return str(answer.get("ETag", "")).strip('"')


class Writer:
    """Writes objects of one bucket."""

    def __init__(self, bucket: Bucket) -> None:
        """Initialize."""
        self.bucket = bucket
        self._knows_conditions = True

    def head(self, file: OutgoingFile, cache: str) -> dict[str, Any]:
        """Return what the server is told of an object besides its bytes."""
        settings = self.bucket.settings
        kind = file.media_type
        if (kind.startswith("text/") or kind in _TEXTS) and "charset" not in kind:
            kind += "; charset=utf-8"
        return {
            "ContentType": kind,
            "CacheControl": cache,
            "Metadata": {"sha256": file.sha256},
            "ACL": settings.acl,
            "StorageClass": settings.storage_class if cache == IMMUTABLE else None,
            "ServerSideEncryption": settings.encryption,
            "SSEKMSKeyId": settings.kms_key,
        }

    def put(self, key: str, source: Source, cache: str, *, new: bool) -> str:
        """Write a file in one request.

        Args:
            key: The object's name.
            source: The file.
            cache: What caches may do with it.
            new: Refuse to write where something is.

        Returns:
            The tag of these bytes there.

        Raises:
            Refused: There is something, with a code of `THERE`.
        """
        file = source.file
        body, kind = Body(source, sha256=file.sha256), self.bucket.settings.checksum
        digest = bytes.fromhex(file.sha256) if kind == "sha256" else body.digest(kind)
        answer = self.conditionally(
            "put_object",
            f"writing {file.name} (s3:PutObject)",
            new=new,
            Key=key,
            Body=body,
            ContentLength=file.size,
            **self.checksum(digest),
            **self.head(file, cache),
        )
        return tag_of(answer)

    def checksum(self, digest: bytes) -> dict[str, str]:
        """Return the argument with a body's checksum, of the algorithm that is set."""
        name = "ChecksumSHA256" if self.bucket.settings.checksum == "sha256" else "ContentMD5"
        return {name: in_base64(digest)}

    def conditionally(
        self, operation: str, what: str, *, new: bool = True, **arguments: Any
    ) -> dict[str, Any]:
        """Send a request that makes an object, if there is none yet.

        Servers that do not know the condition are asked without it: whoever calls has looked
        before, and reads back afterwards.

        Raises:
            Refused: There is one, with a code of `THERE`.
        """
        call = self.bucket.call
        if not new:
            return call(operation, what, **arguments)
        if self._knows_conditions:
            try:
                return call(operation, what, *THERE, *_UNKNOWN, IfNoneMatch="*", **arguments)
            except Refused as refusal:
                if refusal.code not in _UNKNOWN:
                    raise
            self._knows_conditions = False
            if (body := arguments.get("Body")) is not None:
                body.seek(0)
        return call(operation, what, *THERE, **arguments)
