"""The target `webdav` beside curl, to nginx on this machine."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from publishing.measuring import Quiet, Way, bring, job_of
from slipway.scripts.releases.outgoing import OutgoingRelease, OutgoingStream
from slipway.scripts.stages.publish.targets.webdav.settings import WebdavTarget
from slipway.scripts.stages.publish.targets.webdav.target import WebdavCopy
from tests.support.dav_servers import Nginx

__all__ = ["ways"]


@contextlib.contextmanager
def ways(scratch: Path, release: OutgoingRelease) -> Iterator[list[Way]]:
    """Yield the ways, the rivals before what is compared with them."""
    folder = scratch / "webdav"
    folder.mkdir()
    server = Nginx(folder).start()
    settings = WebdavTarget.model_validate(server.settings())
    job = job_of(scratch, PASSWORD=server.word)

    def begin() -> None:
        shutil.rmtree(server.files)
        server.files.mkdir(mode=0o777)

    def upload_by_curl() -> None:
        _curl(
            server,
            [w for f in release.files for w in ("-T", str(f.path), f"{server.url}/{f.name}")],
        )

    def there_and_back() -> None:
        upload_by_curl()
        for file in release.files:
            piped = ["sh", "-c", 'curl -sSf -K "$1" "$2" | sha256sum', "sh"]
            argv = [*piped, str(_login(server)), f"{server.url}/{file.name}"]
            found = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
            if not found.startswith(file.sha256):
                msg = "a copy has another hash"
                raise SystemExit(msg)

    def upload() -> None:
        target = WebdavCopy(settings, job, Quiet())
        target.look(release)
        for file in release.files:
            with OutgoingStream(file) as stream:
                target.stage(file, stream)
        target.commit(release)
        target.close()

    def ours() -> None:
        bring(WebdavCopy(settings, job, Quiet()), release)

    try:
        yield [
            Way("curl -T", upload_by_curl, begin),
            Way("curl there and back, sha256sum", there_and_back, begin),
            Way("webdav, not read back", upload, begin, rival="curl -T", aim=1.0),
            Way("webdav", ours, begin, rival="curl there and back, sha256sum", aim=1.0),
        ]
    finally:
        server.stop()


def _login(server: Nginx) -> Path:
    path = server.folder / "login"
    path.write_text(f'user = "{server.user}:{server.word}"\n', encoding="utf-8")
    return path


def _curl(server: Nginx, words: list[str]) -> None:
    argv = ["curl", "-sSf", "-K", str(_login(server)), *words]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
