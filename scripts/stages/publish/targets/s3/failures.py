"""Turn failures of an S3 server into sentences: what may pass by itself, and what may not."""

from __future__ import annotations

import contextlib
import email.utils
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from slipway.model.errors import MissingTool, SlipwayError, StageFailed
from slipway.scripts.releases.target import TryAgain

__all__ = ["Place", "code_of", "explained", "explained_library"]

_SHOWN = 300
_LONGEST_WAIT = 3600.0

#: By code. {s} is the server, {b} the bucket, {k} what holds the key, {w} what was done.
_SENTENCES = {
    "NoSuchBucket": 'there is no bucket "{b}" at {s}; make it, or correct bucket',
    "InvalidAccessKeyId": "{s} does not know the access key; see {k}",
    "SignatureDoesNotMatch": "{s} says that the secret key is another one; see {k}",
    "ExpiredToken": "the session's token is no longer valid at {s}; give {k} anew",
    "InvalidToken": "{s} refuses the session's token; see {k}",
    "TokenRefreshRequired": "the session's token is no longer valid at {s}; give {k} anew",
    "NotSignedUp": "the account may not use {s}",
    "InvalidBucketName": '{s} says that "{b}" can be no bucket\'s name; correct bucket',
    "RequestTimeTooSkewed": (
        "this machine's clock and that of {s} differ by more than 15 minutes{d}; set it right, by "
        "NTP"
    ),
    "EntityTooLarge": "{w}: {s} does not take files of that size",
    "InvalidStorageClass": "{s} has no such storage class; correct storage-class",
    "KMS.NotFoundException": "{s} does not have that key; correct kms-key",
}
_FULL = frozenset(
    {
        *("QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"),
        *("InsufficientStorage", "InsufficientCapacity", "StorageFull"),
    }
)
_DENIED = frozenset(
    {
        *("AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden", "403"),
        *(
            "UnauthorizedAccess",
            "KMS.AccessDeniedException",
            "AccessForbidden",
            "401",
            "Unauthorized",
        ),
    }
)
_ELSEWHERE = frozenset(
    {
        *("PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "301", "302"),
        *("IllegalLocationConstraintException", "307", "InvalidRegion"),
    }
)
_PASSES = frozenset(
    {
        *("SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "OperationAborted"),
        *("ConditionalRequestConflict", "Throttling", "ThrottlingException", "TooManyRequests"),
        # What was sent has not arrived as it was: the bytes were hashed here before.
        *(
            "BadDigest",
            "XAmzContentSHA256Mismatch",
            "XAmzContentChecksumMismatch",
            "IncompleteBody",
        ),
        # Another publisher of the same bytes has finished or given up the upload.
        "NoSuchUpload",
    }
)


@dataclass(frozen=True)
class Place:
    """What sentences tell of a bucket, without any secret."""

    server: str
    """The server's name."""
    bucket: str
    key: str
    """What holds the access key: secrets by name, or the machine's profile."""
    secrets: tuple[str, ...]
    """Texts that no sentence may hold: a server may repeat what it was sent."""


def code_of(error: Exception) -> str:
    """Return the code of a server's refusal; empty for another failure."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


@contextlib.contextmanager
def explained_library() -> Iterator[None]:
    """Explain that the library is missing.

    Raises:
        MissingTool: It is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "botocore":
            raise
        msg = 'a target of kind "s3" needs the package botocore; install it: '
        raise MissingTool(f"{msg}pip install 'slipway[s3]'") from None


@contextlib.contextmanager
def explained(place: Place, what: str) -> Iterator[None]:
    """Explain what a request met with.

    Args:
        place: The bucket.
        what: What is done, such as "writing almanac.zip (s3:PutObject)".

    Raises:
        StageFailed: It must be mended.
        TryAgain: It may pass by itself.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        raise _refused(error.response, place, what) from None
    except RecursionError:
        # botocore asks where the bucket is, and follows that answer in the same way.
        msg = f"{what}: {place.server} sends to another place and names none: correct region"
        raise StageFailed(msg) from None
    except (BotoCoreError, HTTPError, OSError) as error:
        if "maximum recursion depth" in str(error):
            # The same, where the connection was what did not fit on the stack any more.
            msg = f"{what}: {place.server} sends to another place and names none: correct region"
            raise StageFailed(msg) from None
        raise _failed(error, place, what) from None


def _refused(response: Mapping[str, Any], place: Place, what: str) -> StageFailed:
    """Return the failure that tells of a server's refusal."""
    facts, error = response.get("ResponseMetadata", {}), response.get("Error", {})
    status, code = int(facts.get("HTTPStatusCode", 0)), str(error.get("Code", ""))
    headers = facts.get("HTTPHeaders", {})
    said = _plain(f"{code}: {error.get('Message', '')}".strip(": "), place)
    names = {"s": place.server, "b": place.bucket, "k": place.key, "w": what}
    names["d"] = f" (it says {_plain(str(headers['date']), place)})" if "date" in headers else ""
    if code in _SENTENCES:
        msg = _SENTENCES[code].format_map(names)
    elif code in _ELSEWHERE:
        region = error.get("Region") or headers.get("x-amz-bucket-region")
        told = f'write region = "{_plain(str(region), place)}"' if region else "correct region"
        msg = f'the bucket "{place.bucket}" is in another region of {place.server}: {told}'
    elif code in _FULL or status == HTTPStatus.INSUFFICIENT_STORAGE:
        msg = f"{what}: {place.server} has no room left for it ({said})"
    elif code in _DENIED:
        msg = f"{what}: {place.server} does not allow it ({said}); give that right to {place.key}"
    else:
        msg = f"{what}: {place.server} answers {status} {said}"
        if code in _PASSES or _passes(status):
            return TryAgain(msg, _after(headers))
    return StageFailed(msg)


def _passes(status: int) -> bool:
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return False
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in (408, 425, 429)


def _failed(error: Exception, place: Place, what: str) -> SlipwayError:
    """Return the failure that tells of the network, the machine's credentials or the settings."""
    from botocore import exceptions as known
    from urllib3.exceptions import HTTPError

    inner = getattr(error, "kwargs", {}).get("error")
    if isinstance(inner, SlipwayError):
        # Raised where the body was read, by whoever reads our own file.
        return inner
    reason = _plain(str(inner or error) or type(error).__name__, place)
    if "CERTIFICATE_VERIFY_FAILED" in reason or isinstance(error, known.SSLError):
        why = reason.rpartition("certificate verify failed: ")[2].partition(" (_ssl")[0]
        msg = f"{what}: the certificate of {place.server} is not accepted: {why}"
        return StageFailed(f"{msg}; have it renewed, or name its authority in ca")
    if isinstance(error, (known.NoCredentialsError, known.PartialCredentialsError)):
        msg = f"this machine has no key for {place.server}: {reason}"
        return StageFailed(f"{msg}; give it a role or a profile, or the stage secrets")
    passing = (known.ConnectionError, known.HTTPClientError, known.IncompleteReadError, OSError)
    if isinstance(error, (*passing, known.CredentialRetrievalError, HTTPError)):
        return TryAgain(f"{what}: {place.server} cannot be reached: {reason}")
    return StageFailed(f"{what}: {reason}")


def _plain(text: str, place: Place) -> str:
    """Return a text of others in one line, without secrets."""
    for secret in place.secrets:
        text = text.replace(secret, "***")
    shown = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(shown.split())[:_SHOWN]


def _after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that Retry-After asks for."""
    text = str(headers.get("retry-after", "")).strip()
    if text.isdigit():
        return min(float(text), _LONGEST_WAIT)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return min(max(0.0, at.timestamp() - time.time()), _LONGEST_WAIT)
