"""`slipway notify`."""

from __future__ import annotations

import argparse
import time
from typing import Any

from slipway.artefacts.store import Store
from slipway.cli.lib.sending_site import sending_site
from slipway.cli.lib.terminal import terminal
from slipway.cli.remote.client import Remote
from slipway.cli.remote.words import print_json, say
from slipway.config import read
from slipway.master.notify.senders import make_sender
from slipway.model.errors import PASSED, SlipwayError, StageFailed, WrongInput, error_line
from slipway.model.kinds.notice import Notifier
from slipway.model.notices.events import Event
from slipway.model.notices.examples import example_of
from slipway.model.notices.notice import Notice
from slipway.model.notices.rules import MOST_RULES
from slipway.model.notices.sending import Context, Recipient, rules_url
from slipway.model.site import Site
from slipway.model.spelling import did_you_mean
from slipway.notifiers.rendering.page import as_page
from slipway.notifiers.rendering.text import as_text
from slipway.scripts.terminal_text import plain
from slipway.state_folder import Home

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Try a channel, show an example of a notice, or set rules."""
    return _DO[options.what](options)


# ---- test


def _test(options: argparse.Namespace) -> int:
    """Send a notice past the outbox, in this process: the channel is tried, not the master."""
    site = read(options.config)
    notifier = _notifier(site, options.channel)
    recipient = _recipient(site, options, notifier)
    notice = example_of(Event(options.event), site.site.url)
    # Each trial is another notice: a server that knows the id would take it for the last one.
    notice = notice.model_copy(update={"id": f"trial-{time.time_ns()}", "at": time.time()})
    try:
        answer = _send(site, options, notifier, notice, recipient)
    except (KeyboardInterrupt, WrongInput):
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may raise anything
        why = str(error) if isinstance(error, SlipwayError) else error_line(error)
        msg = f"notify.{options.channel}: it was not sent: {plain(why)}"
        raise StageFailed(msg) from None
    said = plain(answer) or "nothing"
    to = f" to {recipient.person} ({recipient.address})" if recipient.person else ""
    sentence = f"notify.{options.channel}: sent{to}; the answer was: {said}"
    say(sentence, {"channel": options.channel, "answer": answer}, as_json=options.json)
    return PASSED


def _notifier(site: Site, name: str) -> Notifier:
    known = site.notify.get(name)
    if known is None:
        there = ", ".join(site.notify) or "none"
        msg = f"there is no [notify.{name}] in pipeline.toml; there are {there}."
        raise WrongInput(msg + did_you_mean(name, list(site.notify)))
    return known


def _recipient(site: Site, options: argparse.Namespace, notifier: Notifier) -> Recipient:
    if not notifier.to_persons:
        return Recipient()
    if options.person is None:
        msg = f"notify.{options.channel} tells persons: say whom, with --person NAME"
        raise WrongInput(msg)
    settings = site.people.get(options.person)
    if settings is None or not settings.email:
        lacks = "there is no" if settings is None else "there is no email in"
        msg = f"{lacks} [people.{options.person}]; write it in pipeline.toml"
        raise WrongInput(msg)
    return Recipient(options.person, settings.email, settings.name or options.person)


def _send(
    site: Site,
    options: argparse.Namespace,
    notifier: Notifier,
    notice: Notice,
    recipient: Recipient,
) -> str:
    home = Home.beside(options.config)
    sender = make_sender(notifier, sending_site(site, options.config.resolve().parent, home))
    key = f"{time.time_ns():040x}"
    context = Context(
        recipient,
        key=key,
        rules_url=rules_url(site.site.url) if recipient.person else "",
        read_artefact=_reader(home),
    )
    try:
        return str(sender.send(notice, context) or "")
    finally:
        sender.close()


def _reader(home: Home) -> Any:
    store = Store(home.store)

    def read_artefact(sha256: str, most: int) -> bytes:
        try:
            with store.path(sha256).open("rb") as stream:
                found = stream.read(most + 1)
        except (OSError, ValueError):
            return b""
        return found if len(found) <= most else b""

    return read_artefact


# ---- preview


def _preview(options: argparse.Namespace) -> int:
    site = read(options.config) if options.config.exists() else None
    url = site.site.url if site is not None else "http://localhost:8010/"
    notice = example_of(Event(options.event), url)
    if options.html is not None:
        title = site.site.title if site is not None else "Slipway"
        page = as_page(notice, site=title, rules_url=rules_url(url))
        options.html.write_text(page, encoding="utf-8")
    if options.json:
        print_json(notice.model_dump(mode="json", by_alias=True))
    else:
        terminal().print(as_text(notice).rstrip(), markup=False)
    return PASSED


# ---- rules


def _rules(options: argparse.Namespace) -> int:
    with Remote(options) as master:
        found = master.get("notices/rules", person=options.person)
        changed = _changed(options, found["rules"])
        if changed != found["rules"]:
            body = {"rules": changed} | ({"person": options.person} if options.person else {})
            found = master.post("notices/rules", **body)
    if options.json:
        print_json(found)
    else:
        terminal().print("\n".join(_lines(found)), markup=False)
    return PASSED


def _changed(options: argparse.Namespace, rules: dict[str, Any]) -> dict[str, Any]:
    made = dict(rules)
    if options.quiet is not None:
        made["quiet"] = options.quiet
    if options.time_zone is not None:
        made["time-zone"] = options.time_zone
    kept = [] if options.clear else list(rules["rules"])
    named = options.tell or options.mute
    if named:
        rule = {
            "channel": options.channel,
            "events": [_event(one) for one in named if one != "all"],
            "projects": [options.project] if options.project else [],
            "branches": [options.branch] if options.branch else [],
            "environments": [],
            "tell": bool(options.tell),
            "digest": options.digest,
        }
        # The first that fits counts: the newest is before the others, and once.
        kept = [rule, *(one for one in kept if one != rule)]
    if len(kept) > MOST_RULES:
        msg = f"there are {MOST_RULES} rules already; take them away by --clear and set anew"
        raise WrongInput(msg)
    return made | {"rules": kept}


def _event(name: str) -> str:
    try:
        return Event(name).value
    except ValueError:
        msg = f'"{name}" is no event.{did_you_mean(name, [*Event, "all"])}'
        raise WrongInput(msg) from None


def _lines(found: dict[str, Any]) -> list[str]:
    rules = found["rules"]
    quiet = f"quiet {rules['quiet']}" if rules["quiet"] else "no quiet hours"
    lines = [f"{found['person']}: {quiet}, {rules['time-zone']}"]
    if not found["has_address"]:
        lines.append(f"no email in [people.{found['person']}]: channels that tell persons cannot")
    for one in rules["rules"]:
        what = ", ".join(one["events"]) or "all"
        of = [*one["projects"], *one["branches"], *one["environments"]]
        where = f" of {', '.join(of)}" if of else ""
        by = f" by {one['channel']}" if one["channel"] else ""
        each = f", once a {one['digest']}" if one["digest"] else ""
        lines.append(f"  {'tell' if one['tell'] else 'mute'} {what}{where}{by}{each}")
    if not rules["rules"]:
        lines.append("  no rules of their own: told of what concerns them")
    names = ", ".join(f"{one['name']} ({one['kind']})" for one in found["channels"])
    return [plain(line) for line in [*lines, f"channels: {names or 'none'}"]]


_DO = {"test": _test, "preview": _preview, "rules": _rules}
