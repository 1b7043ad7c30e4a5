"""Settings of the target `s3`."""

from __future__ import annotations

import ipaddress
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from slipway.model.kinds.environment import PLAIN
from slipway.model.kinds.release_target import Target
from slipway.model.secrets.location import SecretName

__all__ = ["S3Target"]

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_Url = Annotated[
    str, StringConstraints(pattern=r"^https?://[^\s/@?#\\]+(/[^\s?#\\]*)?$", max_length=500)
]


class S3Target(Target):
    """A bucket of Amazon S3, or of any other server that speaks its protocol."""

    runner: ClassVar[str] = "slipway.scripts.stages.publish.targets.s3.target:S3Release"

    can_remove: ClassVar[bool] = True

    kind: Literal["s3"]
    bucket: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$", examples=["releases"]
    )
    """The bucket, which exists."""
    prefix: str = Field(
        default="",
        pattern=rf"^({_SEGMENT}(/{_SEGMENT})*)?$",
        max_length=300,
        examples=["downloads"],
    )
    """What its names begin with; the project, the version and the file's name follow."""
    endpoint: _Url | None = Field(default=None, examples=["https://s3.example.com"])
    """The server's address. None: Amazon's, in that region."""
    region: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9-]{1,40}$", examples=["eu-west-1"]
    )
    """The bucket's region. None: that of the machine's profile, or else us-east-1."""
    addressing: Literal["auto", "path", "virtual"] = "auto"
    """Where the bucket's name is in addresses: in the path or in the host's name. "auto": in the
    path at an `endpoint`, in the name at Amazon's."""
    credentials: Literal["secrets", "machine"] = "secrets"
    """Whose rights are used: those of a key in the stage's secrets, or those that the machine has
    itself: its environment, its files in ~/.aws, or its role."""
    key_id: SecretName = "S3_KEY_ID"
    """The name of the stage's secret that holds the access key's ID."""
    secret_key: SecretName = "S3_SECRET_KEY"  # noqa: S105  its name
    """The name of the stage's secret that holds the secret access key."""
    session_token: SecretName | None = None
    """The name of the stage's secret that holds the session's token, for keys that end."""
    profile: str | None = Field(default=None, min_length=1, max_length=100, pattern=PLAIN)
    """The machine's profile, with `credentials = "machine"`. None: the default one."""
    ca: str | None = Field(default=None, min_length=1, pattern=PLAIN)
    """A PEM file of the authorities that may vouch for the server, on the machine that sends. None:
    the well-known ones."""
    allow_http: bool = False
    """Let an `endpoint` be http:// that is not on this machine: anybody on the way may then read
    what is sent, and change what is read back."""
    storage_class: str | None = Field(
        default=None, pattern=r"^[A-Z0-9_]{1,40}$", examples=["STANDARD_IA"]
    )
    """The storage class of released files. None: the bucket's own."""
    acl: (
        Literal[
            "private",
            "public-read",
            "authenticated-read",
            "bucket-owner-read",
            "bucket-owner-full-control",
        ]
        | None
    ) = None
    """Who else may read. None: what the bucket says, which Amazon recommends."""
    encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = None
    """How the server encrypts what it stores. None: as the bucket says."""
    kms_key: str | None = Field(default=None, pattern=r"^[A-Za-z0-9:/_-]{1,300}$")
    """The key that it encrypts with, for aws:kms. None: the account's own."""
    checksum: Literal["sha256", "md5"] = "sha256"
    """The checksum that the server compares what arrives with. "md5" is for servers that do not
    know x-amz-checksum-sha256. What it stores is read back and hashed in any case."""
    public_url: _Url | None = Field(default=None, examples=["https://downloads.example.com"])
    """The address under which anybody may read what is stored under `prefix`. Files are read back
    from there, too, once they are public. None: nobody may."""
    connections: int = Field(default=10, ge=1, le=32)
    """How many parts of a file are sent at a time."""
    unfinished_days: int = Field(default=7, ge=0, le=365)
    """Unfinished uploads of this project, by the same account, are given up after so many days: the
    server charges for them. 0: never."""

    @property
    def needed_secrets(self) -> tuple[str, ...]:
        """The secrets without which it cannot work."""
        if self.credentials == "machine":
            return ()
        token = () if self.session_token is None else (self.session_token,)
        return (self.key_id, self.secret_key, *token)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        for key, url in (("endpoint", self.endpoint), ("public-url", self.public_url)):
            if url is not None and not _has_host(url):
                msg = f'{key}: "{url}" names no host; write https://HOST or https://HOST:PORT'
                raise ValueError(msg)
        if self.endpoint is None or not self.endpoint.startswith("http:") or self.allow_http:
            return self
        if not _is_here(urlsplit(self.endpoint).hostname or ""):
            msg = (
                f'endpoint: "{self.endpoint}" is not encrypted: anybody on the way may read and '
                "change what is sent; write https://, or allow-http = true"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _matching(self) -> Self:
        if self.profile is not None and self.credentials != "machine":
            msg = 'profile: is for credentials = "machine"; take it out, or write that'
            raise ValueError(msg)
        if self.kms_key is not None and not (self.encryption or "").startswith("aws:kms"):
            msg = 'kms-key: is for encryption = "aws:kms"; take it out, or write that'
            raise ValueError(msg)
        if self.storage_class in ("GLACIER", "DEEP_ARCHIVE"):
            msg = (
                f'storage-class: nobody can read a file of "{self.storage_class}" at once, and a '
                "release is read back; move old releases there by a rule of the bucket"
            )
            raise ValueError(msg)
        return self


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _is_here(host: str) -> bool:
    """Return whether a host is this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
