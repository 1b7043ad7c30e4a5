"""Sign requests with the hash of their body that is known already: it is not read once more."""

from __future__ import annotations

from functools import cache
from typing import Any

from slipway.scripts.stages.publish.targets.s3.body import Body

__all__ = ["sign_bodies"]

#: What botocore knows our signatures by.
_OURS = "slipway-s3v4"
#: The signatures that ours stand for: Amazon's newest, with one key for each region.
_REPLACED = ("v4", "s3v4")


def sign_bodies(client: Any) -> None:
    """Have a client sign the hash of each `Body` that knows it, over TLS too.

    botocore hashes what goes over HTTP, and signs no hash of what goes over TLS. A server compares
    the signed hash with what has arrived, whether it knows checksums or not.
    """
    _add_signature()
    events = client.meta.events
    for operation in ("PutObject", "UploadPart"):
        events.register_first(f"choose-signer.s3.{operation}", _choose)
    events.register("before-sign.s3", _begin_signing)
    events.register("before-send.s3", _begin_sending)


def _choose(signature_version: object, context: dict[str, Any], **_others: object) -> str | None:
    kind = context.get("auth_type") or signature_version
    return _OURS if kind in _REPLACED else None


@cache
def _add_signature() -> None:
    from botocore.auth import AUTH_TYPE_MAPS, S3SigV4Auth

    class BodySignature(S3SigV4Auth):  # type: ignore[misc]  # botocore has no types
        """Amazon's signature, with the hash that a body knows."""

        def payload(self, request: Any) -> str:
            known = request.body.sha256 if isinstance(request.body, Body) else None
            return known or str(super().payload(request))

    AUTH_TYPE_MAPS[_OURS] = BodySignature


def _begin_signing(request: Any, **_others: object) -> None:
    """Tell a body that what is read now is not sent: it is hashed."""
    if isinstance(body := getattr(request, "body", None), Body):
        body.be_quiet()


def _begin_sending(request: Any, **_others: object) -> None:
    if isinstance(body := getattr(request, "body", None), Body):
        body.count()
