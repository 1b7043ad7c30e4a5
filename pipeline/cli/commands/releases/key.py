"""`slipway key`: the key that signs the releases of a site."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from filelock import Timeout

from slipway.cli.lib.release_sites import open_site_ledger, rewrite_sites
from slipway.cli.remote.words import say
from slipway.config.reading import read
from slipway.model.errors import PASSED, MissingTool, SlipwayError, WrongInput
from slipway.model.site import Site
from slipway.scripts.atomic_files import write_text
from slipway.scripts.releases.manifest import KEYS
from slipway.scripts.releases.signing.key_ring import KeyRing, KeySpan
from slipway.scripts.stages.publish.index import locked
from slipway.secrets.release_key import new_key, public_ring, rotate_key
from slipway.state_folder import Home

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Make, show or rotate the key."""
    home, folder = Home.beside(options.config), options.config.resolve().parent
    now, left = datetime.now(UTC), ""
    if options.what == "show":
        ring = public_ring(home)
        if ring is None:
            msg = "there is no key yet; `slipway key new` makes one, and so does the first release"
            raise WrongInput(msg)
        return _show(ring, options)
    site = read(options.config)
    if options.what == "new":
        ring = new_key(site.site, home, folder, now, options.days)
        done = "signs releases"
    else:
        ring = rotate_key(
            site.site, home, folder, now, options.days, compromised=options.compromised
        )
        _tell_folders(home, site, ring)
        _sign_anew(options, home, site, ring)
        before = ring.keys[-2].id
        done = f"signs releases from now on; {before} signed that"
        if options.compromised:
            done = f"signs releases from now on; nothing that {before} signed counts any more"
            left = _left_at_targets(site)
    text = f"{ring.current.id} {done}, until {ring.current.valid_until:%Y-%m-%d}{left}"
    say(text, ring.current.model_dump(mode="json"), as_json=options.json)
    return PASSED


def _show(ring: KeyRing, options: argparse.Namespace) -> int:
    """Print the public key that signs, or all as keys.json, for whoever verifies releases."""
    if options.pem:
        print(ring.current.pem, end="")  # noqa: T201  the key itself, for a file
        return PASSED
    lines = [_line(one, ring) for one in ring.spans()]
    say("\n".join(lines), ring.model_dump(mode="json"), as_json=options.json)
    return PASSED


def _line(span: KeySpan, ring: KeyRing) -> str:
    word = "signs" if span.key == ring.current else "signed"
    text = (
        f"{span.key.id} {word} releases from {span.key.valid_from:%Y-%m-%d} to {span.end:%Y-%m-%d}"
    )
    return f"{text}; revoked: nothing that it signed counts" if span.revoked else text


def _sign_anew(options: argparse.Namespace, home: Home, site: Site, ring: KeyRing) -> None:
    """Sign the pages and pointers that the master serves, beside a master that may run.

    Raises:
        MissingTool: Some are the old ones still.
    """
    try:
        engine = open_site_ledger(site, home)
        if engine is None:
            return
        for name in site.project:
            rewrite_sites(options, site, engine, name)
    except SlipwayError as error:
        msg = f"{ring.current.id} signs from now on, but {error}"
        raise MissingTool(msg) from None


def _left_at_targets(site: Site) -> str:
    """Return what is still to be done where the old key has signed at targets."""
    stages = (one for project in site.project.values() for one in project.stages.values())
    if not any(one.release_targets for one in stages):
        return ""
    return (
        "; targets show pointers that it signed until you run: slipway release refresh; releases "
        "that it signed are to be published anew, with versions of their own"
    )


def _tell_folders(home: Home, site: Site, ring: KeyRing) -> None:
    """Write the public keys beside the releases that are there, for whoever verifies them."""
    for name, project in site.project.items():
        for folder in project.release_folders:
            place = home.root / folder / name
            try:
                if place.is_dir():
                    with locked(place):
                        write_text(place / KEYS, ring.text())
            except (OSError, Timeout) as error:
                why = getattr(error, "strerror", None) or "another program writes there"
                msg = (
                    f"{ring.current.id} signs from now on, but {place / KEYS} is the old one: "
                    f"{why}; mend that, and copy {home.public_keys} there"
                )
                raise MissingTool(msg) from None
