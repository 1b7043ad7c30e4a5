"""A bucket: the client of its server, and requests whose failures are sentences."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.stages.publish.targets.s3.failures import (
    Place,
    code_of,
    explained,
    explained_library,
)
from slipway.scripts.stages.publish.targets.s3.settings import S3Target
from slipway.scripts.stages.publish.targets.s3.signing import sign_bodies

__all__ = ["Bucket", "Refused"]

_CONNECT, _READ = 30, 60
_MOST_PAGES = 1000
_REGION = "us-east-1"


class Refused(Exception):
    """A refusal that the caller has asked for, by its code."""

    def __init__(self, code: str) -> None:
        """Initialize."""
        super().__init__(code)
        self.code = code


class Bucket:
    """A bucket, connected at the first request."""

    def __init__(self, target: S3Target, env: Mapping[str, str]) -> None:
        """Initialize; nothing is connected.

        Args:
            target: The settings.
            env: The stage's secrets.
        """
        self.settings, self._env = target, env
        self._client: Any = None
        server = urlsplit(target.endpoint).netloc if target.endpoint else "Amazon S3"
        own = tuple(env[one] for one in target.needed_secrets if env.get(one))
        self.place = Place(server, target.bucket, self._key(), own)

    def _key(self) -> str:
        target = self.settings
        if target.credentials == "secrets":
            return f"the key of the secrets {' and '.join(target.needed_secrets)}"
        return (
            f'the machine\'s profile "{target.profile}"' if target.profile else "the machine's key"
        )

    def call(self, operation: str, what: str, *expected: str, **arguments: Any) -> dict[str, Any]:
        """Send one request and return the answer.

        Args:
            operation: The client's method, such as "put_object".
            what: What is done, for sentences.
            expected: Codes of refusals that the caller knows what to do with.
            arguments: The request's own arguments, without those that are None.

        Raises:
            Refused: With one of the expected codes.
            StageFailed: It must be mended.
            TryAgain: It may pass by itself.
        """
        client = self._connected()
        from botocore.exceptions import ClientError

        given = {key: value for key, value in arguments.items() if value is not None}
        with explained(self.place, what):
            try:
                answer: dict[str, Any] = getattr(client, operation)(
                    Bucket=self.settings.bucket, **given
                )
            except ClientError as error:
                if (code := code_of(error)) in expected:
                    raise Refused(code) from None
                raise
        return answer

    def pages(
        self, operation: str, what: str, *expected: str, **arguments: Any
    ) -> Iterator[dict[str, Any]]:
        """Yield the answers of a request whose answer comes in pages.

        Raises:
            Refused: With one of the expected codes.
            StageFailed: It must be mended, or the answer has no end.
            TryAgain: It may pass by itself.
        """
        names = _NEXT[operation]
        for _page in range(_MOST_PAGES):
            answer = self.call(operation, what, *expected, **arguments)
            yield answer
            following = {key: answer.get(found) for key, found in names.items()}
            if not answer.get("IsTruncated") or not any(following.values()):
                return
            if all(arguments.get(key) == value for key, value in following.items()):
                break
            arguments |= following
        msg = f"{what}: the answer of {self.place.server} has no end"
        raise StageFailed(msg)

    def content(self, key: str, what: str, most: int) -> Iterator[bytes]:
        """Yield the bytes of an object.

        Args:
            key: Its name.
            what: What is done, for sentences.
            most: The bytes that it should have.

        Raises:
            StageFailed: It has more, or is not there.
            TryAgain: It may pass by itself.
        """
        body = self.call("get_object", what, Key=key)["Body"]
        passed = 0
        with explained(self.place, what):
            try:
                for block in body.iter_chunks(1 << 20):
                    passed += len(block)
                    yield block
                    if passed > most:
                        break
            finally:
                body.close()
        if passed > most:
            msg = f"{what}: {self.place.server} has more than the {most:,} bytes of it"
            raise StageFailed(msg)

    def close(self) -> None:
        """End connections."""
        if self._client is not None:
            self._client.close()
        self._client = None

    def _connected(self) -> Any:
        if self._client is None:
            self._client = self._connect()
        return self._client

    def _connect(self) -> Any:
        target = self.settings
        with explained_library():
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
            from botocore.session import Session
        if target.ca is not None and not Path(target.ca).is_file():
            msg = f"ca: {target.ca} is no file on this machine; name a PEM file of authorities"
            raise WrongInput(msg)
        config = Config(
            connect_timeout=_CONNECT,
            read_timeout=_READ,
            # Whoever calls a target tries again, and says so.
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=target.connections + 1,
            # Checksums are given with each request that takes one: others confuse other servers.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            ignore_configured_endpoint_urls=True,
            user_agent_extra="slipway",
            s3={
                "addressing_style": target.addressing,
                # Where their hash is not known, bytes are vouched for by TLS and their checksum.
                "payload_signing_enabled": (target.endpoint or "https:").startswith("http:"),
            },
        )
        try:
            session = Session(session_vars=_alone() if target.credentials == "secrets" else None)
            if target.profile is not None:
                session.set_config_variable("profile", target.profile)
            client = session.create_client(
                "s3",
                region_name=target.region or session.get_config_variable("region") or _REGION,
                endpoint_url=target.endpoint,
                verify=target.ca,
                config=config,
                **self._credentials(),
            )
        except (BotoCoreError, ValueError) as error:
            msg = f"s3: the settings are not usable on this machine: {error}"
            raise WrongInput(msg) from None
        sign_bodies(client)
        return client

    def _credentials(self) -> dict[str, str]:
        target = self.settings
        if target.credentials == "machine":
            return {}
        names = {
            "aws_access_key_id": target.key_id,
            "aws_secret_access_key": target.secret_key,
            "aws_session_token": target.session_token,
        }
        for name in target.needed_secrets:
            if not self._env.get(name):
                msg = f"the stage has no secret {name}, or it is empty"
                raise WrongInput(msg)
        return {key: self._env[name].strip() for key, name in names.items() if name is not None}


def _alone() -> dict[str, tuple[None, None, str | None, None]]:
    """Return a session's variables that let no file or profile of the machine have a say."""
    return {
        "profile": (None, None, None, None),
        "region": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }


#: By operation: which argument continues it, and where the answer has its value.
_NEXT = {
    "list_objects_v2": {"ContinuationToken": "NextContinuationToken"},
    "list_parts": {"PartNumberMarker": "NextPartNumberMarker"},
    "list_multipart_uploads": {
        "KeyMarker": "NextKeyMarker",
        "UploadIdMarker": "NextUploadIdMarker",
    },
}
