"""`slipway verify PATH|URL`."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from slipway.cli.lib.fetched_release import fetched, is_url
from slipway.cli.lib.terminal import terminal
from slipway.cli.remote.words import print_json
from slipway.model.errors import PASSED, StageFailed, WrongInput
from slipway.scripts.releases.manifest import MANIFEST, read
from slipway.scripts.releases.verify import check, examine, find_release

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Verify every hash of a release, on this machine or on a web server."""
    if not is_url(options.place):
        return _check(Path(options.place), options)
    with fetched(options.place) as folder:
        if folder is None:
            msg = (
                f"{options.place} is no release: give the URL of a folder that holds {MANIFEST}, "
                f"of the {MANIFEST} itself, or of a project's folder with a latest release"
            )
            raise WrongInput(msg)
        return _check(folder, options)


def _check(place: Path, options: argparse.Namespace) -> int:
    folder = find_release(place)
    if folder is None or not options.json:
        # Print the given location, not the name of the temporary folder.
        return check(place, terminal(), options.place)
    findings = list(examine(folder))
    good = not any(one.problem for one in findings)
    facts = {"place": options.place, "good": good, "files": [asdict(one) for one in findings]}
    if good:
        manifest = read(folder / MANIFEST)
        facts |= {name: getattr(manifest, name) for name in ("project", "version", "run")}
    print_json(facts)
    return PASSED if good else StageFailed.exit_code
