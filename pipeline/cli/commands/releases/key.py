"""`slipway key`: the key that signs the releases of a site."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from slipway.cli.remote.words import say
from slipway.config.reading import read
from slipway.model.errors import PASSED, WrongInput
from slipway.scripts.releases.signing.key_ring import KeyRing
from slipway.secrets.release_key import new_key, public_ring, rotate_key
from slipway.state_folder import Home

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Make, show or rotate the key."""
    home, folder = Home.beside(options.config), options.config.resolve().parent
    now = datetime.now(UTC)
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
        before = ring.keys[-2].id
        done = f"signs releases from now on; {before} signed that"
        if options.compromised:
            done = f"signs releases from now on; nothing that {before} signed counts any more"
    text = f"{ring.current.id} {done}, until {ring.current.valid_until:%Y-%m-%d}"
    say(text, ring.current.model_dump(mode="json"), as_json=options.json)
    return PASSED


def _show(ring: KeyRing, options: argparse.Namespace) -> int:
    """Print the public key that signs, or all as keys.json, for whoever verifies releases."""
    if options.pem:
        print(ring.current.pem, end="")  # noqa: T201  the key itself, for a file
        return PASSED
    lines = [
        f"{one.id} {'signs' if one == ring.current else 'signed'} releases from "
        f"{one.valid_from:%Y-%m-%d} to {one.valid_until:%Y-%m-%d}"
        for one in ring.keys
    ]
    say("\n".join(lines), ring.model_dump(mode="json"), as_json=options.json)
    return PASSED
