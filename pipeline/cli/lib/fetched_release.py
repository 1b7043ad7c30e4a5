"""Download a release from a web server into a temporary folder for verification."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx

from slipway.model.errors import MissingTool, WrongInput
from slipway.scripts.humanize import plain_name
from slipway.scripts.releases.manifest import MANIFEST, SUMS, read

__all__ = ["fetched", "is_url"]

_TIMEOUT = 60.0
_PIECE = 1 << 20
#: Maximum bytes of a manifest or a list of checksums.
_MOST = 64 << 20


def is_url(place: str) -> bool:
    """Return True if a location is an HTTP URL."""
    return place.startswith(("http://", "https://"))


@contextmanager
def fetched(url: str) -> Iterator[Path | None]:
    """Download the files of a release's manifest; the folder is removed afterwards.

    Args:
        url: A release's folder, its release.json, or a project's folder for its latest release.

    Yields:
        The folder; None if there is no release.

    Raises:
        MissingTool: The server does not answer, or the connection broke.
        WrongInput: The URL is invalid.
    """
    with (
        tempfile.TemporaryDirectory(prefix="slipway-verify-") as name,
        httpx.Client(timeout=_TIMEOUT, follow_redirects=True) as client,
    ):
        folder = Path(name)
        try:
            base = _find(client, url, folder)
            if base is not None:
                _fetch_files(client, base, folder)
        except httpx.InvalidURL as error:
            msg = f'"{url}" is no URL: {error}'
            raise WrongInput(msg) from None
        except httpx.HTTPError as error:
            msg = f"{url} cannot be read ({error}); try again"
            raise MissingTool(msg) from None
        yield folder if base is not None else None


def _find(client: httpx.Client, url: str, folder: Path) -> str | None:
    """Download the manifest; return the URL of its folder, or None."""
    given = url.removesuffix(MANIFEST).rstrip("/")
    bases = [given] if url.endswith(f"/{MANIFEST}") else [given, f"{given}/latest"]
    for base in bases:
        if _fetch(client, f"{base}/{MANIFEST}", folder / MANIFEST, _MOST):
            return base
    # A server without symbolic links has a file that names the latest version.
    pointer = folder / "latest.json"
    if not _fetch(client, f"{given}/latest.json", pointer, _MOST):
        return None
    try:
        version = plain_name(str(json.loads(pointer.read_bytes())["version"]), "the version")
    except (RecursionError, ValueError, KeyError, TypeError, WrongInput):
        return None
    finally:
        pointer.unlink()
    base = f"{given}/{quote(version)}"
    return base if _fetch(client, f"{base}/{MANIFEST}", folder / MANIFEST, _MOST) else None


def _fetch_files(client: httpx.Client, base: str, folder: Path) -> None:
    try:
        manifest = read(folder / MANIFEST)
    except WrongInput:
        # The verification of the folder reports that.
        return
    _fetch(client, f"{base}/{SUMS}", folder / SUMS, _MOST)
    for one in (*manifest.artefacts, *manifest.pages):
        # One byte more detects a file that is too long; a server may send endlessly.
        _fetch(client, f"{base}/{quote(one.name)}", folder / one.name, one.size + 1)


def _fetch(client: httpx.Client, url: str, target: Path, most: int) -> bool:
    """Download a file up to a maximum size; return False if it does not exist."""
    with client.stream("GET", url) as answer:
        if answer.status_code in {404, 410}:
            return False
        answer.raise_for_status()
        with target.open("wb") as stream:
            for piece in answer.iter_bytes(_PIECE):
                stream.write(piece[: most - stream.tell()])
                if stream.tell() >= most:
                    break
    return True
