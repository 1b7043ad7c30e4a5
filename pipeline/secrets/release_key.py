"""The key that signs releases: made by the site with its first release, or given to it."""

from __future__ import annotations

import base64
import binascii
import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from filelock import FileLock

from slipway.model.errors import MissingTool, SlipwayError, StageFailed, WrongInput
from slipway.model.release_signing import ReleaseKey
from slipway.model.site import SiteSettings
from slipway.scripts.atomic_files import write_text
from slipway.scripts.releases.manifest import KEYS
from slipway.scripts.releases.signing.key_ring import KeyRing, read_ring
from slipway.scripts.releases.signing.public_keys import PublicKey, raw_key
from slipway.scripts.releases.signing.signers import ReleaseSigner, made_key, signing_with
from slipway.secrets.programs import run_program
from slipway.secrets.reading import given_text, read_private
from slipway.secrets.site_mark import mark
from slipway.state_folder import Home, make_folder, write_private

__all__ = ["DAYS", "check_release_key", "have_key", "new_key", "public_ring", "rotate_key"]

_KEY = "site.release-key"
#: How long a key signs.
DAYS = 3 * 365
#: A key must sign for so long, still, when a run starts.
_MARGIN = timedelta(days=30)
#: Seconds that a signing program has.
_PATIENCE = 60.0
_MOST = 4096
_LOCKED = 60.0
_SIGNATURE = 64

#: A hundred years: a calendar ends.
_MOST_DAYS = 36_500

_Made = tuple[bytes, Callable[[bytes], bytes]]


def public_ring(home: Home) -> KeyRing | None:
    """Return the public keys of a site's releases; None: it has none yet.

    Raises:
        WrongInput: The file was damaged.
    """
    try:
        data = home.public_keys.read_bytes()
    except FileNotFoundError:
        return None
    return read_ring(data, str(home.public_keys))


def have_key(
    settings: SiteSettings, home: Home, folder: Path, now: datetime
) -> tuple[KeyRing, ReleaseSigner]:
    """Return the public keys and who signs; make a key, if none is given and there is none.

    Args:
        settings: The settings of the installation.
        home: Its state folder.
        folder: The folder of its pipeline.toml.
        now: The time.

    Raises:
        WrongInput: The given key cannot be used, or is another than that of keys.json.
        MissingTool: It cannot be had on this machine now.
    """
    with _locked(home):
        ring = public_ring(home)
        if settings.release_key is None and ring is None:
            return _new(settings, home, folder, now, DAYS)
        raw, sign = _private(settings, home, folder, ring)
        if ring is None:
            ring = _begin(settings, home, raw, now, DAYS)
        return ring, _belongs(ring, raw, sign)


def new_key(settings: SiteSettings, home: Home, folder: Path, now: datetime, days: int) -> KeyRing:
    """Make the first key, or adopt the one that is given.

    Raises:
        WrongInput: There is one.
    """
    _lasting(days)
    with _locked(home):
        if (ring := public_ring(home)) is not None:
            msg = f"there is a key already, {ring.current.id}; `slipway key rotate` makes the next"
            raise WrongInput(msg)
        return _new(settings, home, folder, now, days)[0]


def rotate_key(
    settings: SiteSettings, home: Home, folder: Path, now: datetime, days: int, *, compromised: bool
) -> KeyRing:
    """Make the next key, signed by the one before it, which signs nothing from then on.

    Args:
        settings: The settings of the installation.
        home: Its state folder.
        folder: The folder of its pipeline.toml.
        now: The time.
        days: How long the new key signs.
        compromised: Somebody else may have the present key: nothing that it signed counts.

    Raises:
        WrongInput: There is no key yet, or the site is not given it in a file.
    """
    place = settings.release_key
    if place is not None and place.file is None:
        msg = (
            f"{_KEY}: {place.description if place.program is None else 'the program'} has the key, "
            "and Slipway cannot put another one there; write the present key into a file, name it "
            "with `file`, rotate, and store the new one as you like"
        )
        raise WrongInput(msg)
    with _locked(home):
        ring = public_ring(home)
        if ring is None:
            msg = "there is no key yet; `slipway key new` makes one, and so does the first release"
            raise WrongInput(msg)
        raw, sign = _private(settings, home, folder, ring)
        old = _belongs(ring, raw, sign)
        pem = made_key()
        raw, sign = signing_with(pem, _KEY)
        key = PublicKey.made(raw, now, now + _lasting(days))
        turned = ring.rotated(old, ReleaseSigner(key, sign), now, compromised=compromised)
        file = home.release_key if place is None else folder / str(place.file)
        aside = _aside(file)
        aside.unlink(missing_ok=True)
        write_private(aside, pem.rstrip())
        # If this ends in between, the next one who needs the key puts it in its place.
        write_text(home.public_keys, turned.text())
        aside.replace(file)
        mark(home)
        return turned


def check_release_key(settings: SiteSettings, home: Home, folder: Path, now: datetime) -> str:
    """Return why the key cannot sign a release of a run that starts now; empty if it can.

    It signs nothing and makes no key.
    """
    try:
        ring = public_ring(home)
        if settings.release_key is None and ring is None and not _is_made(home):
            return ""
        raw, _ = _private(settings, home, folder, ring)
    except SlipwayError as error:
        return str(error)
    if ring is None:
        return ""
    if raw_key(ring.current.pem) != raw:
        return _other(ring)
    ends = ring.current.valid_until
    if ends - now >= _MARGIN:
        return ""
    over = "ended" if ends < now else "ends"
    return (
        f"the key that signs releases {over} on {ends:%Y-%m-%d}, and a release needs one for "
        f"{_MARGIN.days} days more; run `slipway key rotate`"
    )


def _lasting(days: int) -> timedelta:
    if days > _MOST_DAYS:
        msg = f"a key signs for at most {_MOST_DAYS:,} days, and {days:,} are asked for"
        raise WrongInput(msg)
    return timedelta(days=days)


def _locked(home: Home) -> FileLock:
    make_folder(home.keys)
    home.keys.chmod(0o700)
    return FileLock(home.keys / ".lock", timeout=_LOCKED)


def _new(
    settings: SiteSettings, home: Home, folder: Path, now: datetime, days: int
) -> tuple[KeyRing, ReleaseSigner]:
    if settings.release_key is None and not _is_made(home):
        # It gets its name when it is whole: one that was cut is made again, one with a name never.
        first = home.keys / ".release.key.first"
        first.unlink(missing_ok=True)
        write_private(first, made_key().rstrip())
        first.replace(home.release_key)
    raw, sign = _private(settings, home, folder, None)
    ring = _begin(settings, home, raw, now, days)
    return ring, ReleaseSigner(ring.current, sign)


def _is_made(home: Home) -> bool:
    """Return True if there is a private key.

    It may have signed releases, even where keys.json is lost: that is then made from it again.
    """
    return os.path.lexists(home.release_key)


def _begin(settings: SiteSettings, home: Home, raw: bytes, now: datetime, days: int) -> KeyRing:
    key = PublicKey.made(raw, now, now + _lasting(days))
    ring = KeyRing(site=settings.url, keys=(key,))
    write_text(home.public_keys, ring.text())
    mark(home)
    return ring


def _private(settings: SiteSettings, home: Home, folder: Path, ring: KeyRing | None) -> _Made:
    place = settings.release_key
    if place is None or place.file is not None:
        file = home.release_key if place is None else folder / str(place.file)
        found = signing_with(read_private(file, _KEY), str(file))
        aside = _aside(file)
        if ring is None or raw_key(ring.current.pem) == found[0] or not aside.exists():
            return found
        # A rotation was killed after it wrote the public keys.
        new = signing_with(read_private(aside, _KEY), str(aside))
        if raw_key(ring.current.pem) == new[0]:
            aside.replace(file)
            return new
        return found
    if place.program is not None:
        return _public(place, folder), _program(place.program, folder)
    return signing_with(given_text(place, folder, _KEY), f"{_KEY}: {place.description}")


def _aside(file: Path) -> Path:
    return file.with_name(f".{file.name}.new")


def _public(place: ReleaseKey, folder: Path) -> bytes:
    path = folder / str(place.public_key)
    try:
        return raw_key(path.read_text("utf-8")[:_MOST])
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        msg = f"{_KEY}: the public key {path} cannot be read: {why}"
        raise WrongInput(msg) from None
    except WrongInput as error:
        msg = f"{_KEY}: {path}: {error}"
        raise WrongInput(msg) from None


def _program(argv: tuple[str, ...], folder: Path) -> Callable[[bytes], bytes]:
    # A name without a folder is looked up on PATH.
    path = str(folder / argv[0]) if len(Path(argv[0]).parts) > 1 else argv[0]
    if shutil.which(path) is None:
        msg = f"{_KEY}: the program {argv[0]} is not on this machine"
        raise MissingTool(msg)

    def sign(data: bytes) -> bytes:
        what = f"{_KEY}: the program {argv[0]}"
        try:
            printed = run_program(argv, folder, _PATIENCE, _MOST, data)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "its words are none"
            msg = f"{what} cannot be started on this machine: {why}"
            raise MissingTool(msg) from None
        if not printed.in_time:
            msg = f"{what} did not end within {_PATIENCE:g} seconds and was stopped"
            raise StageFailed(msg)
        if printed.code != 0:
            msg = f"{what} ended with exit code {printed.code}; run it by hand to see why"
            raise StageFailed(msg)
        return _signature(printed.data, what)

    return sign


def _signature(data: bytes, what: str) -> bytes:
    if len(data) == _SIGNATURE:
        return data
    text = b"".join(data.split())
    try:
        if len(text) == 2 * _SIGNATURE:
            return bytes.fromhex(text.decode())
        made = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        made = b""
    if len(made) != _SIGNATURE:
        msg = f"{what} printed no signature of {_SIGNATURE} bytes, in base64 or hexadecimal digits"
        raise StageFailed(msg)
    return made


def _belongs(ring: KeyRing, raw: bytes, sign: Callable[[bytes], bytes]) -> ReleaseSigner:
    if raw_key(ring.current.pem) != raw:
        raise WrongInput(_other(ring))
    return ReleaseSigner(ring.current, sign)


def _other(ring: KeyRing) -> str:
    return (
        f"{_KEY}: the private key is not that of {ring.current.id}, which {KEYS} in the state "
        "folder says signs releases; give that one, or bring both back from the same backup"
    )
