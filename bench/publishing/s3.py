"""The target `s3` beside boto3's upload_file, at moto's server in a process of its own."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from publishing.measuring import Quiet, Way, bring, job_of
from slipway.scripts.releases.outgoing import OutgoingRelease, OutgoingStream
from slipway.scripts.stages.publish.targets.s3.settings import S3Target
from slipway.scripts.stages.publish.targets.s3.target import S3Release

__all__ = ["ways"]

_BUCKET, _PREFIX = "releases", "bench/1.0.0/"
_KEYS = {"S3_KEY_ID": "AKIDOFTHEBENCH000000", "S3_SECRET_KEY": "secret-of-the-bench"}
_START = (
    "import sys, threading; from moto.server import ThreadedMotoServer;"
    "server = ThreadedMotoServer('127.0.0.1', 0, verbose=False); server.start();"
    "print(server.get_host_and_port()[1], flush=True); sys.stdin.read()"
)


@contextlib.contextmanager
def ways(scratch: Path, release: OutgoingRelease) -> Iterator[list[Way]]:
    """Yield the ways, the rivals before what is compared with them."""
    with _moto() as url:
        bench = _Bench(url, scratch, release)
        begin = bench.begin
        yield [
            Way("boto3 upload_file", bench.upload, begin),
            Way("and read back, hashed", bench.upload_and_check, begin),
            Way("s3, without reading back", bench.send, begin, "boto3 upload_file", 1.0),
            Way("s3", bench.publish, begin, "and read back, hashed", only_told=True),
        ]


class _Bench:
    """What the ways do at one server."""

    def __init__(self, url: str, scratch: Path, release: OutgoingRelease) -> None:
        self._url, self._scratch, self._release = url, scratch, release

    def begin(self) -> None:
        """Empty the bucket."""
        s3 = _client(self._url)
        for one in s3.list_objects_v2(Bucket=_BUCKET).get("Contents", ()):
            s3.delete_object(Bucket=_BUCKET, Key=one["Key"])

    def upload(self) -> None:
        """Upload each file with boto3."""
        s3 = _client(self._url)
        for file in self._release.files:
            s3.upload_file(str(file.path), _BUCKET, _PREFIX + file.name)

    def upload_and_check(self) -> None:
        """Upload, and hash what is there."""
        self.upload()
        s3 = _client(self._url)
        for file in self._release.files:
            digest = hashlib.sha256()
            body = s3.get_object(Bucket=_BUCKET, Key=_PREFIX + file.name)["Body"]
            for block in body.iter_chunks(1 << 20):
                digest.update(block)
            if digest.hexdigest() != file.sha256:
                sys.exit("what was uploaded has another hash")

    def send(self) -> None:
        """Have the target bring it, without reading back."""
        made = self._target()
        made.look(self._release)
        for file in self._release.files:
            with OutgoingStream(file) as stream:
                made.stage(file, stream)
        made.commit(self._release)
        made.close()

    def publish(self) -> None:
        """Have the target bring it, as the stage does."""
        bring(self._target(), self._release)

    def _target(self) -> S3Release:
        settings = S3Target(kind="s3", bucket=_BUCKET, endpoint=self._url)
        return S3Release(settings, job_of(self._scratch, **_KEYS), Quiet())


def _client(url: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=_KEYS["S3_KEY_ID"],
        aws_secret_access_key=_KEYS["S3_SECRET_KEY"],
        config=Config(retries={"total_max_attempts": 1}),
    )


@contextlib.contextmanager
def _moto() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-c", _START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        if server.stdout is None or server.stdin is None:
            sys.exit("moto's server has no output")
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        until = time.monotonic() + 30
        while True:
            try:
                _client(url).create_bucket(Bucket=_BUCKET)
                break
            except BotoCoreError:
                if time.monotonic() > until:
                    raise
        try:
            yield url
        finally:
            server.stdin.close()
            server.terminate()
