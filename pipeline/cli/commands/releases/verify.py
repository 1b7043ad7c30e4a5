"""`slipway verify PATH|URL`."""

from __future__ import annotations

import argparse
import os
import stat
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

from slipway.cli.lib.fetched_release import fetched, is_url
from slipway.cli.lib.remembered_keys import Remembered, recall, remember
from slipway.cli.lib.terminal import terminal
from slipway.cli.remote.words import print_json
from slipway.model.errors import PASSED, StageFailed, WrongInput
from slipway.scripts.releases.manifest import MANIFEST, read
from slipway.scripts.releases.verification.authenticity import signed_by
from slipway.scripts.releases.verification.policy import Policy, read_policy
from slipway.scripts.releases.verification.trust import KnownKeys, Trust, known_keys
from slipway.scripts.releases.verify import Finding, Found, conclude, examine, find
from slipway.scripts.terminal_text import escape
from slipway.secrets.site_mark import is_marked, memory_file
from slipway.state_folder import VARIABLE, Home

__all__ = ["run"]

_GIGABYTE = 1_000_000_000
#: What --config is where nobody gives it.
_CONFIG = Path("pipeline.toml")


def run(options: argparse.Namespace) -> int:
    """Verify a release, on this machine or on a web server: its files, and who made them.

    Raises:
        WrongInput: The place is no release, or an option is wrong.
    """
    if options.policy is not None and options.unsigned:
        msg = "a policy wants a signature; leave --policy or --unsigned out"
        raise WrongInput(msg)
    trust = _trust(options)
    if not is_url(options.place):
        found = _find(Path(options.place))
        if found is None:
            raise WrongInput(_no_release(options.place, "a folder"))
        project = str(found.folder.resolve().parent)
        trust = _with_memory(trust, project, found, options)
        return _conclude(found, examine(found, trust), project, options)

    def refuse(project: str, found: Found) -> Finding | None:
        if options.unsigned and not read(found.folder / MANIFEST).key:
            return None
        known = _with_memory(trust, project, found, options)
        finding = signed_by(found.folder, read(found.folder / MANIFEST), known).finding
        return finding if finding.problem else None

    most = int(options.max_size * _GIGABYTE)
    with fetched(options.place, refuse, most) as there:
        if there is None:
            raise WrongInput(_no_release(options.place, "the URL of a folder"))
        findings: Iterable[Finding]
        if there.refused is not None:
            findings = [there.refused]
        else:
            known = _with_memory(trust, there.project, there.found, options)
            findings = examine(there.found, known)
        return _conclude(there.found, findings, there.project, options)


def _find(place: Path) -> Found | None:
    folder = place.parent if place.name == MANIFEST else place
    # What is remembered of a project's folder must not be left unasked by a release in itself.
    return find(place, is_project=recall(str(folder.resolve())) != Remembered())


def _no_release(place: str, what: str) -> str:
    return (
        f"{place} is no release: give {what} that holds {MANIFEST}, the {MANIFEST} itself, or a "
        "project's folder with a latest release"
    )


def _trust(options: argparse.Namespace) -> Trust:
    """Return what is known by options and policy."""
    policy = Policy() if options.policy is None else read_policy(options.policy)
    keys = known_keys(options.key, Path(), "--key")
    if options.policy is not None:
        keys |= known_keys(policy.keys, options.policy.parent, str(options.policy))
        keys |= KnownKeys(revoked=frozenset(policy.revoked_keys))
    return Trust(keys, policy, options.unsigned)


def _with_memory(trust: Trust, project: str, found: Found, options: argparse.Namespace) -> Trust:
    """Add what is remembered of a place, or else is known by the site's own state folder.

    With --remember, an unknown place's key is accepted.
    """
    before = recall(project)
    keys = trust.keys
    if not keys.pins and before.keys:
        keys |= KnownKeys(frozenset(before.keys), source=str(memory_file()))
    elif not keys.pins:
        keys |= _keys_of_site(options)
    if not keys.pins and options.remember:
        key = _key_of(found)
        keys |= KnownKeys(frozenset({key} if key else ()), source="this first time")
    # Whoever names an older release wants that one.
    newest = before.newest_run if found.pointer is not None else 0
    return replace(trust, keys=keys, newest_run=newest)


def _keys_of_site(options: argparse.Namespace) -> KnownKeys:
    """Return the keys of the site that is named, or below whose state folder the release lies.

    A state folder that merely lies in the current folder may have come with the release, together
    with a pipeline.toml and keys: it has to be marked as a site of this user's.
    """
    home = Home.beside(options.config)
    is_named = options.config != _CONFIG or bool(os.environ.get(VARIABLE))
    if not is_named and not _is_of_site(options, home):
        return KnownKeys()
    own = home.public_keys
    return known_keys([str(own)], Path(), str(own)) if own.is_file() else KnownKeys()


def _is_of_site(options: argparse.Namespace, home: Home) -> bool:
    if is_url(options.place) or not options.config.is_file():
        return False
    place = Path(options.place)
    # A site's folder of releases may be a link to a larger disk.
    ways = (Path(os.path.normpath(place.absolute())), place.resolve())
    if not any(way.is_relative_to(home.root) for way in ways):
        return False
    if not all(_is_own(path) for path in (home.root, home.keys, home.public_keys)):
        return False
    if is_marked(home):
        return True
    text = (
        f"the keys in {home.keys} are not believed: they are no site's that was started here, in "
        "this place and by this user; start it (slipway up), or name the site: --config"
    )
    terminal(stderr=True).print(f"[yellow]{escape(text)}[/]")
    return False


def _is_own(path: Path) -> bool:
    """Return True if nobody but this user and the administrator may have written a file."""
    try:
        status = path.stat()
    except OSError:
        return False
    if os.name != "posix":
        return True
    return status.st_uid in {os.geteuid(), 0} and not status.st_mode & stat.S_IWOTH


def _key_of(found: Found) -> str:
    try:
        return read(found.folder / MANIFEST).key
    except WrongInput:
        return ""


def _conclude(
    found: Found, findings: Iterable[Finding], project: str, options: argparse.Namespace
) -> int:
    if options.json:
        told = list(findings)
        good = not any(one.problem for one in told)
        facts = {"place": options.place, "good": good, "files": [asdict(one) for one in told]}
        if good:
            manifest = read(found.folder / MANIFEST)
            names = ("project", "version", "run", "key")
            facts |= {name: getattr(manifest, name) for name in names}
        print_json(facts)
        code = PASSED if good else StageFailed.exit_code
    else:
        # The given place, not the name of the temporary folder.
        code = conclude(found, iter(findings), terminal(), options.place)
    if code == PASSED and options.remember:
        manifest = read(found.folder / MANIFEST)
        run = manifest.run if found.pointer is not None else 0
        remember(project, [manifest.key] if manifest.key else [], run)
    return code
