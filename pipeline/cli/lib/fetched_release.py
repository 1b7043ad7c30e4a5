"""Download a release from a web server into a temporary folder for verification."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import httpx

from slipway.cli.lib.remembered_keys import Remembered, recall
from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.scripts.humanize import plain_name, size_text
from slipway.scripts.releases.manifest import KEYS, MANIFEST, SIGNATURE, SUMS, Manifest, read
from slipway.scripts.releases.verify import Finding, Found
from slipway.scripts.terminal_text import plain

__all__ = ["Fetched", "fetched", "is_url"]

_TIMEOUT = 60.0
#: Maximum bytes of a manifest or a list of checksums.
_MOST = 64 << 20
#: Bytes that stay free on the disk of the temporary folder.
_FREE = 256 << 20
#: A server that sends less than so many bytes a second, after so many seconds, is given up.
_SLOWEST, _SLOW_AFTER = 1000, 60.0
_MOST_REDIRECTS = 5
#: A release that is given no more, and the most bytes of the reason that are shown.
_GONE, _LONGEST_REASON = 410, 2000
#: Files of a release that are fetched at most: each is a request.
_MOST_FILES = 100_000
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_LATEST = "latest"


@dataclass(frozen=True)
class Fetched:
    """A release that was downloaded."""

    found: Found
    project: str
    """The URL of the project's folder."""
    refused: Finding | None = None
    """Why its files were not downloaded: it is signed by a stranger, or altered."""


def is_url(place: str) -> bool:
    """Return True if a location is an HTTP URL.

    Raises:
        WrongInput: It is a URL of another kind.
    """
    scheme = _SCHEME.match(place)
    if scheme is None:
        return False
    if scheme[1].lower() not in {"http", "https"}:
        msg = (
            f'"{plain(place)}" is no URL of http:// or https://; give one, or the path of a folder'
        )
        raise WrongInput(msg)
    return True


@contextmanager
def fetched(
    url: str, refuse: Callable[[str, Found], Finding | None], most: int
) -> Iterator[Fetched | None]:
    """Download the files of a release's manifest; the folder is removed afterwards.

    Args:
        url: A release's folder, its release.json, or a project's folder for its latest release.
        refuse: Given the project's URL and a release of which there are the manifest, its signature
            and the keys, returns why the rest is not to be downloaded; None if it is.
        most: Bytes that the whole release may have.

    Yields:
        The release; None if there is none.

    Raises:
        MissingTool: The server does not answer, the connection broke, or the disk is too small.
        WrongInput: The URL is invalid, or the release is too large.
    """
    with (
        tempfile.TemporaryDirectory(prefix="slipway-verify-") as name,
        # Bytes as they lie there: a server may call an archive a compressed page.
        httpx.Client(
            timeout=_TIMEOUT,
            follow_redirects=True,
            max_redirects=_MOST_REDIRECTS,
            headers={"Accept-Encoding": "identity"},
            event_hooks={"response": [_stay_secret]},
        ) as client,
    ):
        try:
            found = _find(client, url, Path(name))
            if found is not None:
                found = _complete(client, found, refuse, most)
        except httpx.InvalidURL as error:
            msg = f'"{url}" is no URL: {error}'
            raise WrongInput(msg) from None
        except httpx.HTTPError as error:
            msg = f"{url} cannot be read ({error}); try again"
            raise MissingTool(msg) from None
        yield found[1] if found is not None else None


_Located = tuple[str, Fetched]


def _find(client: httpx.Client, url: str, folder: Path) -> _Located | None:
    """Download the manifest; return the URL of its folder, or None."""
    release, pointer = folder / "release", folder / f"{_LATEST}.json"
    release.mkdir()
    given = url.removesuffix(MANIFEST).rstrip("/")
    above, _, name = given.rpartition("/")
    # In a project's folder that is known no release lies itself: neither the key nor the newest run
    # that are remembered of it would be asked for.
    is_project = recall(given) != Remembered()
    if not is_project and _fetch(client, f"{given}/{MANIFEST}", release / MANIFEST, _MOST):
        if not given.endswith(f"/{_LATEST}"):
            return given, Fetched(Found(release, called=unquote(name)), above)
        _fetch(client, f"{above}/{_LATEST}.json", pointer, _MOST)
        return given, Fetched(Found(release, pointer), above)
    if url.endswith(f"/{MANIFEST}"):
        return None
    there = _fetch(client, f"{given}/{_LATEST}.json", pointer, _MOST)
    base = f"{given}/{_LATEST}"
    if not _fetch(client, f"{base}/{MANIFEST}", release / MANIFEST, _MOST):
        # A server without symbolic links has a file that names the latest version.
        version = _version(pointer) if there else None
        base = f"{given}/{quote(version or '')}"
        if version is None or not _fetch(client, f"{base}/{MANIFEST}", release / MANIFEST, _MOST):
            return None
    return base, Fetched(Found(release, pointer), given)


def _version(pointer: Path) -> str | None:
    try:
        return plain_name(str(json.loads(pointer.read_bytes())["version"]), "the version")
    except (RecursionError, ValueError, KeyError, TypeError, WrongInput):
        return None


def _complete(
    client: httpx.Client,
    located: _Located,
    refuse: Callable[[str, Found], Finding | None],
    most: int,
) -> _Located:
    base, found = located
    folder = found.found.folder
    try:
        manifest = read(folder / MANIFEST)
    except WrongInput:
        # The verification of the folder reports that.
        return located
    if manifest.key:
        for name in (f"{MANIFEST}{SIGNATURE}", KEYS):
            _fetch(client, f"{base}/{name}", folder / name, _MOST)
        # Newer keys than those of an older release.
        _fetch(client, f"{found.project}/{KEYS}", folder.parent / KEYS, _MOST)
    refused = refuse(found.project, found.found)
    if refused is not None:
        return base, Fetched(found.found, found.project, refused)
    _check_room(manifest, folder, most)
    _fetch(client, f"{base}/{SUMS}", folder / SUMS, _MOST)
    for one in (*manifest.artefacts, *manifest.pages, *manifest.evidence):
        # One byte more detects a file that is too long; a server may send endlessly.
        _fetch(client, f"{base}/{quote(one.name)}", folder / one.name, one.size + 1)
    return located


def _check_room(manifest: Manifest, folder: Path, most: int) -> None:
    listed = (*manifest.artefacts, *manifest.pages, *manifest.evidence)
    if len(listed) > _MOST_FILES:
        msg = (
            f"the release is said to have {len(listed):,} files, and at most {_MOST_FILES:,} are "
            "downloaded; fetch it by another program, and verify its folder"
        )
        raise WrongInput(msg)
    size = sum(one.size for one in listed)
    if size > most:
        msg = (
            f"the release is said to have {size_text(size)}, and at most {size_text(most)} are "
            "downloaded; --max-size allows more"
        )
        raise WrongInput(msg)
    free = shutil.disk_usage(folder).free - _FREE
    if size > free:
        msg = (
            f"the release has {size_text(size)}, and {folder.parent.parent} has room for "
            f"{size_text(max(free, 0))}; set TMPDIR to a folder on a larger disk"
        )
        raise MissingTool(msg)


def _stay_secret(answer: httpx.Response) -> None:
    """Refuse to be led from https:// to what anybody on the way may alter and read."""
    if not answer.has_redirect_location or answer.url.scheme != "https":
        return
    led = answer.url.join(answer.headers["location"])
    if led.scheme != "https":
        msg = f"it leads from https:// to {plain(f'{led.scheme}://{led.host}')}, which is refused"
        raise httpx.RemoteProtocolError(msg)


def _fetch(client: httpx.Client, url: str, target: Path, most: int) -> bool:
    """Download a file up to a maximum size; return False if it does not exist."""
    with client.stream("GET", url) as answer:
        if answer.status_code == _GONE and target.name == MANIFEST:
            said = answer.iter_raw(_LONGEST_REASON)
            reason = plain(next(said, b"").decode("utf-8", "replace"))
            msg = f"{url}: the server gives it no more (410 Gone): {reason}"
            raise StageFailed(msg)
        if answer.status_code in {404, _GONE}:
            return False
        answer.raise_for_status()
        begun = time.monotonic()
        with target.open("wb") as stream:
            # As they come: a whole piece of a slow server would be waited for too long.
            for piece in answer.iter_raw():
                stream.write(piece[: most - stream.tell()])
                if stream.tell() >= most:
                    break
                seconds = time.monotonic() - begun
                if seconds > _SLOW_AFTER and stream.tell() < seconds * _SLOWEST:
                    msg = (
                        f"{target.name}: {stream.tell():,} bytes came in {seconds:.0f} seconds, "
                        f"and less than {_SLOWEST:,} bytes a second are not waited for"
                    )
                    raise httpx.ReadTimeout(msg)
    return True
