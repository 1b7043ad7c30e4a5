"""Two S3 servers, a bucket for each test, and what a test needs to publish there."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from slipway.scripts.releases.outgoing import OutgoingRelease
from slipway.scripts.stages.publish.targets.s3.settings import S3Target
from slipway.scripts.stages.publish.targets.s3.target import S3Release
from tests.scripts.stages.publish.test_run import job
from tests.support.release_targets import Place, Told
from tests.support.s3 import servers
from tests.support.s3.proxy import Proxy, standing_before

_loader = functools.cache(botocore.session.create_loader)
_BUCKETS = (f"releases-{number}" for number in itertools.count())
#: Bytes of a part, where a test has small ones.
PART = 128 << 10
ENV = {"S3_KEY_ID": servers.KEY_ID, "S3_SECRET_KEY": servers.SECRET}


@dataclass
class Site:
    """A bucket behind a proxy, and a folder for releases."""

    proxy: Proxy
    s3: Any
    bucket: str
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=lambda: dict(ENV))

    def target(self, release: OutgoingRelease | None = None, report=None, **changes) -> S3Release:
        """Return the target, as a run of the stage makes it."""
        given = {"kind": "s3", "bucket": self.bucket, "prefix": "of/us", "endpoint": self.proxy.url}
        settings = S3Target(**(given | self.settings | changes))
        version = "1.4.0+7" if release is None else release.version
        stage = {"uses": "publish", "needs": ["archive"], "env": self.env}
        return S3Release(settings, job(self.folder, version=version, stage=stage), report or Told())

    def readers_see(self, version: str) -> dict[str, bytes]:
        """Return what readers see: nothing without release.json."""
        found = self.stored(version)
        return found if "release.json" in found else {}

    def stored(self, version: str) -> dict[str, bytes]:
        """Return all that the server has of a version."""
        return servers.content(self.s3, self.bucket, f"of/us/almanac/{version}/")

    @property
    def uploads(self) -> list[dict]:
        """The unfinished uploads."""
        return servers.uploads(self.s3, self.bucket)

    def place(self, **changes: Any) -> Place:
        """Return the place that the contract is checked at."""

        def connect(release, report):
            return self.target(release, report, **changes)

        return Place(connect, self.readers_see, self.folder / "releases")


def _site(url: str, folder: Path) -> Iterator[Site]:
    s3, bucket = servers.client(url), next(_BUCKETS)
    s3.create_bucket(Bucket=bucket)
    with standing_before(url) as proxy:
        yield Site(proxy, s3, bucket, folder)


@pytest.fixture(scope="session")
def moto_url():
    with servers.moto_server() as url:
        yield url


@pytest.fixture(scope="session")
def nanio_url(tmp_path_factory):
    with servers.nanio_server(tmp_path_factory.mktemp("nanio")) as url:
        yield url


@pytest.fixture
def site(moto_url, tmp_path):
    """A server with conditions."""
    yield from _site(moto_url, tmp_path)


@pytest.fixture
def strict(nanio_url, tmp_path):
    """A server that checks signatures, and ignores conditions."""
    yield from _site(nanio_url, tmp_path)


@pytest.fixture(autouse=True)
def quick_clients(monkeypatch):
    """Have all clients read the description of S3 once: that takes longer than most tests."""
    monkeypatch.setattr("botocore.session.create_loader", _loader)


@pytest.fixture
def small_parts(monkeypatch):
    """Parts of 128 KiB, so that little has to be sent; files of more than two go in parts."""
    here = "slipway.scripts.stages.publish.targets.s3"
    monkeypatch.setattr(f"{here}.parts._SMALLEST", PART)
    monkeypatch.setattr(f"{here}.parts._MIB", 1)
    monkeypatch.setattr(f"{here}.target._WHOLE", 2 * PART)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", PART)
