"""Send a large file in parts, several at a time, and continue an upload that was cut off."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from slipway.model.errors import SlipwayError
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.stages.publish.targets.s3.body import Algorithm, Body, Source
from slipway.scripts.stages.publish.targets.s3.bucket import Refused
from slipway.scripts.stages.publish.targets.s3.writing import IMMUTABLE, Writer, in_base64, tag_of

__all__ = ["UNLISTED", "PartedUpload", "part_size"]

#: Codes of servers that do not list uploads or parts, or not for this account.
UNLISTED = ("NotImplemented", "MethodNotAllowed", "AccessDenied", "501", "405", "403")
_GONE = ("NoSuchUpload", "404", "NoSuchKey")
_SMALLEST = 8 << 20
_MIB = 1 << 20
#: Servers take 10,000.
_MOST_PARTS = 9_000
_MOST_UPLOADS = 20


def part_size(size: int) -> int:
    """Return the bytes of each part of a file; the same for each try at it."""
    least = -(-size // _MOST_PARTS)
    return max(_SMALLEST, -(-least // _MIB) * _MIB)


class PartedUpload:
    """The upload of one file in parts. Nobody sees the file before the last request."""

    def __init__(self, writer: Writer, key: str, source: Source) -> None:
        """Initialize; nothing is sent."""
        self._writer, self._bucket = writer, writer.bucket
        self._key, self._source = key, source
        self._name = source.file.name
        self._part = part_size(source.file.size)
        self._kind: Algorithm = self._bucket.settings.checksum
        self._digests: dict[tuple[int, Algorithm], bytes] = {}

    def bring(self) -> str:
        """Send what is missing and make the object.

        Returns:
            The tag of its bytes there.

        Raises:
            Refused: An object is there, with a code of `THERE`.
            StageFailed: It must be mended.
            TryAgain: It may pass by itself; the parts that have arrived stay for the next try.
        """
        found = self._unfinished()
        upload, done = found or (self._begin(), {})
        missing = [number for number in self._numbers() if number not in done]
        try:
            self._send(upload, missing, done)
            return self._complete(upload, done)
        except (TryAgain, Refused) as error:
            if found is None and (isinstance(error, Refused) or not done):
                # It is surely ours, and nobody has a use for it.
                self._give_up(upload)
            raise

    def _numbers(self) -> range:
        return range(1, -(-self._source.file.size // self._part) + 1)

    def _body(self, number: int) -> Body:
        start = (number - 1) * self._part
        return Body(self._source, start, min(self._part, self._source.file.size - start))

    def _digest(self, number: int, algorithm: Algorithm) -> bytes:
        key = number, algorithm
        if key not in self._digests:
            self._digests[key] = self._body(number).digest(algorithm)
        return self._digests[key]

    def _begin(self) -> str:
        answer = self._bucket.call(
            "create_multipart_upload",
            f"beginning to write {self._name} (s3:PutObject)",
            Key=self._key,
            ChecksumAlgorithm="SHA256" if self._kind == "sha256" else None,
            **self._writer.head(self._source.file, IMMUTABLE),
        )
        return str(answer["UploadId"])

    def _send(self, upload: str, missing: list[int], done: dict[int, dict[str, Any]]) -> None:
        """Send parts; `done` gets what the server must be told of each in the end."""
        with ThreadPoolExecutor(self._bucket.settings.connections) as pool:
            sent = {pool.submit(self._send_part, upload, one): one for one in missing}
            try:
                for future in as_completed(sent):
                    done[sent[future]] = future.result()
            except BaseException:
                self._source.stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _send_part(self, upload: str, number: int) -> dict[str, Any]:
        digest = self._digest(number, self._kind)
        body = self._body(number)
        body.sha256 = digest.hex() if self._kind == "sha256" else None
        answer = self._bucket.call(
            "upload_part",
            f"writing part {number} of {self._name} (s3:PutObject)",
            Key=self._key,
            UploadId=upload,
            PartNumber=number,
            Body=body,
            ContentLength=len(body),
            **self._writer.checksum(digest),
        )
        return self._told(number, str(answer.get("ETag", "")))

    def _told(self, number: int, tag: str) -> dict[str, Any]:
        part = {"PartNumber": number, "ETag": tag}
        if self._kind == "sha256":
            part |= self._writer.checksum(self._digest(number, self._kind))
        return part

    def _complete(self, upload: str, done: dict[int, dict[str, Any]]) -> str:
        answer = self._writer.conditionally(
            "complete_multipart_upload",
            f"finishing {self._name} (s3:PutObject)",
            Key=self._key,
            UploadId=upload,
            MultipartUpload={"Parts": [done[number] for number in sorted(done)]},
        )
        return tag_of(answer)

    def _give_up(self, upload: str) -> None:
        with contextlib.suppress(SlipwayError, Refused):
            self._bucket.call(
                "abort_multipart_upload",
                f"giving up an upload of {self._name} (s3:AbortMultipartUpload)",
                Key=self._key,
                UploadId=upload,
            )

    def _unfinished(self) -> tuple[str, dict[int, dict[str, Any]]] | None:
        """Return an upload of these very bytes that was cut off, and its parts, if there is one.

        All of its parts must be of our file: another one's is left alone.
        """
        try:
            for upload in self._uploads():
                parts = self._parts_of(upload)
                if parts:
                    return upload, parts
        except Refused:
            # The server does not tell: the file is sent anew.
            return None
        return None

    def _uploads(self) -> Iterator[str]:
        """Yield the uploads of this very object, the newest first."""
        what = f"looking for unfinished uploads of {self._name} (s3:ListBucketMultipartUploads)"
        found = []
        wanted = self._bucket.settings.storage_class
        pages = self._bucket.pages("list_multipart_uploads", what, *UNLISTED, Prefix=self._key)
        for page in pages:
            for one in page.get("Uploads", ()):
                same = wanted is None or one.get("StorageClass", wanted) == wanted
                if one.get("Key") == self._key and one.get("UploadId") and same:
                    found.append((str(one.get("Initiated", "")), str(one["UploadId"])))
            if len(found) >= _MOST_UPLOADS:
                break
        for _begun, upload in sorted(found, reverse=True)[:_MOST_UPLOADS]:
            yield upload

    def _parts_of(self, upload: str) -> dict[int, dict[str, Any]]:
        """Return what the server has of an upload; nothing, if a part is not of our file."""
        what = f"looking for parts of {self._name} (s3:ListMultipartUploadParts)"
        pages = self._bucket.pages(
            "list_parts", what, *UNLISTED, *_GONE, Key=self._key, UploadId=upload
        )
        found: dict[int, dict[str, Any]] = {}
        try:
            for page in pages:
                for one in page.get("Parts", ()):
                    if not self._is_ours(one):
                        return {}
                    number = int(one["PartNumber"])
                    found[number] = self._told(number, str(one["ETag"]))
        except Refused as refusal:
            if refusal.code not in _GONE:
                raise
            return {}
        return found

    def _is_ours(self, part: dict[str, Any]) -> bool:
        """Return whether a part that the server has is that part of our file."""
        number = int(part.get("PartNumber", 0))
        if number not in self._numbers() or part.get("Size") != len(self._body(number)):
            return False
        if theirs := part.get("ChecksumSHA256"):
            return bool(theirs == in_base64(self._digest(number, "sha256")))
        return tag_of(part) == self._digest(number, "md5").hex()
