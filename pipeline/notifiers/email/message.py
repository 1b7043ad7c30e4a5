"""Write a notice as a mail: text and HTML, pictures inside, headers for threads and lists."""

from __future__ import annotations

import email.policy
import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.utils import format_datetime, parseaddr

from slipway.html import pictures, templates
from slipway.html.theme import PALETTE
from slipway.model.errors import error_line
from slipway.model.notices.cleaning import clean_line
from slipway.model.notices.events import Mood
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Refused, SendingSite
from slipway.notifiers.email.notifier import EmailNotifier
from slipway.notifiers.rendering.text import as_text, facts_of, moment

__all__ = ["recipient_of", "write_mail"]

_TEMPLATE = "slipway.notifiers.email/mail.html.j2"
_COLOURS = {Mood.GOOD: "passed", Mood.BAD: "failed", Mood.WAITS: "gate", Mood.PLAIN: "quiet"}
#: Most bytes of one picture, and of all in a mail: servers refuse mails of some 10 MB.
_MOST_BYTES, _MOST_IN_ALL = 1_000_000, 4_000_000
_LONGEST_SUBJECT = 200
#: What stands before the at sign, but for quoted forms that nobody uses (RFC 5322, dot-atom).
_LOCAL = re.compile(r"""[^\s@,;:<>()\[\]\\"]{1,64}""")


def write_mail(
    settings: EmailNotifier, site: SendingSite, notice: Notice, context: Context
) -> EmailMessage:
    """Return the mail to one person.

    Raises:
        Refused: The person's address is none.
    """
    domain = settings.sender_address.rpartition("@")[2]
    name, address = parseaddr(settings.sender)
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = Address(name, addr_spec=address)
    mail["To"] = recipient_of(context)
    mail["Subject"] = notice.title[:_LONGEST_SUBJECT]
    mail["Date"] = format_datetime(datetime.fromtimestamp(notice.at, UTC))
    # The same at each try: a server that has it already may leave the second one out.
    mail["Message-ID"] = f"<{context.key}@{domain}>"
    if context.thread_key:
        mail["In-Reply-To"] = mail["References"] = f"<{context.thread_key}@{domain}>"
    about = notice.project or "site"
    mail["List-Id"] = f"<{about.lower()}.slipway.{domain}>"
    # No robot answers it (RFC 3834), Exchange's neither.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["X-Slipway-Event"] = notice.event.value
    if context.unsubscribe:
        mail["List-Unsubscribe"] = f"<{context.unsubscribe}>"
        if context.unsubscribe.startswith("https://"):
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    _write_body(mail, site, notice, context)
    return mail


def recipient_of(context: Context) -> Address:
    """Return a person's address with the displayed name.

    Raises:
        Refused: It is no address that a mail can have.
    """
    person = context.recipient
    local, _, domain = person.address.rpartition("@")
    try:
        to = Address(clean_line(person.name, 100), local, domain.encode("idna").decode("ascii"))
    except (ValueError, IndexError):
        to = None
    if to is None or not (_LOCAL.fullmatch(local) and local.isprintable() and domain):
        msg = (
            f'"{person.address[:100]}" of {person.person} is no mail address: correct it in people'
        )
        raise Refused(msg)
    return to


def _write_body(mail: EmailMessage, site: SendingSite, notice: Notice, context: Context) -> None:
    footer = f"\n-- \n{site.title}\n"
    if context.rules_url:
        footer += f"Which notices you get: {context.rules_url}\n"
    if context.unsubscribe:
        footer += f"End these mails: {context.unsubscribe}\n"
    text = as_text(notice)
    shown = _pictures(notice, context)
    try:
        html = templates.render(
            _TEMPLATE,
            notice=notice,
            facts=facts_of(notice),
            moment=moment,
            site=site.title,
            rules_url=context.rules_url,
            unsubscribe=context.unsubscribe,
            pictures=[(title, identity) for title, identity, _, _ in shown],
            colour=PALETTE[_COLOURS[notice.mood]][0],
            light={name: light for name, (light, _) in PALETTE.items()},
            dark={name: dark for name, (_, dark) in PALETTE.items()},
        )
    except Exception as error:  # noqa: BLE001  whatever is wrong with a template, people are told
        why = error_line(error)[:200]
        mail.set_content(f"{text}\n(The page of this notice could not be made: {why})\n{footer}")
        return
    mail.set_content(text + footer)
    mail.add_alternative(html, subtype="html")
    parts = mail.get_payload()
    page = parts[1] if isinstance(parts, list) else None
    if isinstance(page, MIMEPart):
        for title, identity, subtype, data in shown:
            page.add_related(
                data,
                "image",
                subtype,
                cid=f"<{identity}>",
                disposition="inline",
                filename=f"{identity.partition('@')[0]}.{subtype}",
                params={"name": title[:60]} if title.isascii() else None,
            )


def _pictures(notice: Notice, context: Context) -> list[tuple[str, str, str, bytes]]:
    """Return the title, identity, subtype and bytes of each that is a picture."""
    left, found = _MOST_IN_ALL, list[tuple[str, str, str, bytes]]()
    for number, one in enumerate(notice.pictures, 1):
        data = context.read_artefact(one.sha256, min(left, _MOST_BYTES))
        source = pictures.source(data)
        if source is None:
            continue
        left -= len(data)
        subtype = str(source.partition(";")[0].partition("/")[2])
        found.append((one.name, f"picture-{number}@{one.sha256[:16]}", subtype, data))
    return found
