"""The target `pypi` beside twine, at a pypiserver."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from publishing.measuring import Quiet, Way, bring, job_of
from slipway.scripts.releases.manifest import MANIFEST, Manifest
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingRelease
from slipway.scripts.stages.publish.targets.pypi.settings import PypiTarget
from slipway.scripts.stages.publish.targets.pypi.target import PypiUpload

__all__ = ["ways"]

# Nobody asks for it.
_PASSWORD = "bench"  # noqa: S105
_NAME = "bench-1.0.0-py3-none-any.whl"


@contextlib.contextmanager
def ways(scratch: Path, release: OutgoingRelease) -> Iterator[list[Way]]:
    """Yield twine, twine with a look at what arrived, and the target."""
    folder = scratch / "pypi"
    packages = folder / "packages"
    packages.mkdir(parents=True)
    made = _release(folder, release)
    wheel = made.files[0].path
    twine = _twine(folder)
    with _server(packages) as url:
        settings = PypiTarget(kind="pypi", url=url, user="bench")
        job = job_of(scratch, PYPI_TOKEN=_PASSWORD)

        def begin() -> None:
            shutil.rmtree(packages)
            packages.mkdir()

        def upload() -> None:
            words = [str(twine), "upload", "--non-interactive", "--disable-progress-bar"]
            words += ["--repository-url", url, "-u", "bench", "-p", _PASSWORD, str(wheel)]
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)

        def upload_and_check() -> None:
            upload()
            for _ in ("read back", "as the public gets it"):
                got = ["curl", "--silent", "--fail", f"{url}/packages/{_NAME}"]
                with subprocess.Popen(got, stdout=subprocess.PIPE) as sending:
                    said = subprocess.check_output(["sha256sum"], stdin=sending.stdout, text=True)
                if said.split()[0] != made.files[0].sha256:
                    sys.exit("twine's wheel has another hash")

        def ours() -> None:
            bring(PypiUpload(settings, job, Quiet()), made)

        PypiUpload(settings, job, Quiet()).close()  # loads everything
        rival = "twine, and back twice"
        yield [
            Way("twine", upload, begin),
            Way(rival, upload_and_check, begin),
            Way("pypi", ours, begin, rival=rival, only_told=True),
        ]


def _release(folder: Path, release: OutgoingRelease) -> OutgoingRelease:
    """Make a release of one wheel with all files of another release in it."""
    path = folder / _NAME
    text = "Metadata-Version: 2.1\nName: bench\nVersion: 1.0.0\n"
    with zipfile.ZipFile(path, "w") as made:
        for file in release.files:
            made.write(file.path, f"bench/{file.name}")
        made.writestr("bench-1.0.0.dist-info/METADATA", text)
        made.writestr("bench-1.0.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        made.writestr("bench-1.0.0.dist-info/RECORD", "")
    digest = hashlib.file_digest(path.open("rb"), "sha256").hexdigest()
    wheel = OutgoingFile(_NAME, path, path.stat().st_size, digest)
    last = next(one for one in release.files if one.name == MANIFEST)
    manifest: Manifest = release.manifest
    return OutgoingRelease(manifest, (wheel, last))


def _twine(folder: Path) -> Path:
    """Install twine beside: it is no dependency of Slipway."""
    place = folder / "twine"
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, place], check=True)
    python = place / "bin" / "python"
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, "twine"], check=True)
    return place / "bin" / "twine"


@contextlib.contextmanager
def _server(packages: Path) -> Iterator[str]:
    """Run pypiserver, which asks nobody for a password."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-W", "ignore", "-m", "pypiserver", "run", "-i", "127.0.0.1"]
    words += ["-p", str(port), "-a", ".", "-P", ".", "--hash-algo", "sha256", str(packages)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(words, stdout=quiet, stderr=quiet)
    try:
        while process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
