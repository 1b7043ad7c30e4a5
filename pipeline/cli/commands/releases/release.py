"""`slipway release`: list, show and refresh releases; block, unblock and promote them."""

from __future__ import annotations

import argparse
from typing import Any

from slipway.cli.commands.releases import refresh
from slipway.cli.commands.releases.shown import list_all, show_one
from slipway.cli.remote.client import Remote
from slipway.cli.remote.projects import project_of
from slipway.cli.remote.words import say
from slipway.model.errors import PASSED, WrongInput

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """List or show releases, or block, unblock or promote one."""
    if options.what in _SHOWN:
        return _SHOWN[options.what](options)
    with Remote(options) as master:
        release = _named(master, options)
        sentence, found = _ACTIONS[options.what](master, options, release)
        facts = {key: found[key] for key in ("project", "version", "channels", "blocked")}
        say(sentence, facts, as_json=options.json)
    return PASSED


def _named(master: Remote, options: argparse.Namespace) -> dict[str, Any]:
    """Return the release of the given version.

    Raises:
        WrongInput: There is none.
    """
    project = project_of(master, options)
    for one in master.get("releases", project=project, text=options.version)["items"]:
        if one["version"] == options.version:
            return dict(one)
    msg = f'{project} has no release "{options.version}"; `slipway release list` lists them'
    raise WrongInput(msg)


def _block(
    master: Remote, options: argparse.Namespace, release: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    found = master.post(f"releases/{release['id']}/block", reason=options.reason)
    fallen = ", ".join(release["channels"])
    sentence = f"{_name(found)} is blocked: nothing deploys, promotes or offers it"
    return sentence + (f"; gone from: {fallen}" if fallen else ""), found


def _unblock(
    master: Remote, _options: argparse.Namespace, release: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    found = master.delete(f"releases/{release['id']}/block")
    return f"{_name(found)} is blocked no more{_where(found)}", found


def _promote(
    master: Remote, options: argparse.Namespace, release: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    path = f"releases/{release['id']}/promote"
    found = master.post(path, channel=options.channel, reason=options.reason)
    again = " already" if options.channel in release["channels"] else ""
    return f"{_name(found)} is in {options.channel}{again}{_where(found)}", found


def _name(release: dict[str, Any]) -> str:
    return f"{release['project']} {release['version']}"


def _where(release: dict[str, Any]) -> str:
    channels = ", ".join(release["channels"])
    return f"; channels that point at it: {channels}" if channels else ""


_SHOWN = {"list": list_all, "refresh": refresh.run, "show": show_one}
_ACTIONS = {"block": _block, "promote": _promote, "unblock": _unblock}
