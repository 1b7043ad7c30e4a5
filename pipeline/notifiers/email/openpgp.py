"""Sign mails and encrypt them by OpenPGP (RFC 3156), by GnuPG, subject and names of headers too.

What is signed is verified before it is sent. A mail that should be encrypted is never sent in
plain because something went wrong: it waits, or becomes a dead letter that says why.
"""

from __future__ import annotations

import email.policy
import re
import shutil
import tempfile
from collections.abc import Mapping
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from slipway.model.errors import SlipwayError
from slipway.model.notices.sending import Recipient, Refused, Retry
from slipway.notifiers.email.openpgp_keys import find_key
from slipway.notifiers.email.openpgp_settings import Encrypt, MailOpenPgp
from slipway.scripts.process import run

__all__ = ["Gpg", "protect"]

#: Seconds that GnuPG has; an agent may ask a card.
_PATIENCE = 60.0
#: Headers that are repeated inside, where they are signed and encrypted
#: (draft-autocrypt-lamps-protected-headers).
_PROTECTED = ("From", "To", "Subject", "Date", "Message-ID", "References", "In-Reply-To")
#: Seven bits alone: what lies between may change everything else, and the signature with it.
_POLICY = email.policy.SMTP.clone(cte_type="7bit")
_HIDDEN_SUBJECT = "..."


class Gpg:
    """GnuPG, by argument lists, with the folder of the site's keys or an empty one."""

    def __init__(self, settings: MailOpenPgp, folder: Path, passphrase: str | None) -> None:
        self._settings, self._passphrase = settings, passphrase
        self._home = folder / settings.home if settings.home else None

    @property
    def key(self) -> str:
        """The fingerprint of the key that signs; empty: none does."""
        return (self._settings.key or "").upper()

    def sign(self, data: bytes) -> bytes:
        """Return a detached signature, after verifying it."""
        with tempfile.TemporaryDirectory(prefix="slipway-gpg-") as name:
            given, made = Path(name) / "body", Path(name) / "body.asc"
            given.write_bytes(data)
            self._run([*self._signing, "--output", str(made), "--detach-sign", str(given)], made)
            lines = self._run(["--status-fd", "1", "--verify", str(made), str(given)], made)
            valid = [one.split()[2:] for one in lines if one.startswith("[GNUPG:] VALIDSIG ")]
            if not any(self.key in words for words in valid):
                msg = f"openpgp: what GnuPG signed is not signed by {self.key}"
                raise Retry(msg, channel=True)
            return made.read_bytes()

    def encrypt(self, data: bytes, key: bytes) -> bytes:
        """Return data encrypted to a key, and signed if there is a key that signs."""
        with tempfile.TemporaryDirectory(prefix="slipway-gpg-") as name:
            given, made, to = (Path(name) / one for one in ("body", "body.asc", "to.asc"))
            given.write_bytes(data)
            to.write_bytes(key)
            words = [*self._signing, "--sign"] if self.key else ["--armor"]
            # The key's owner was checked: it lies in the site's folder, or came from their domain.
            words += ["--trust-model", "always", "--recipient-file", str(to), "--encrypt"]
            self._run([*words, "--output", str(made), str(given)], made)
            return made.read_bytes()

    def show(self, key: Path) -> list[list[str]]:
        """Return the rows that tell of a file's keys; none: it holds no key."""
        try:
            lines = self._run(["--with-colons", "--show-keys", str(key)], None)
        except Retry:
            return []
        return [one.split(":") for one in lines]

    @property
    def _signing(self) -> list[str]:
        words = ["--armor", "--digest-algo", "SHA512", "--local-user", f"{self.key}!"]
        if self._passphrase is not None:
            words += ["--pinentry-mode", "loopback", "--passphrase-fd", "0"]
        return words

    def _run(self, words: list[str], made: Path | None) -> list[str]:
        program = self._settings.program
        if shutil.which(program) is None:
            msg = f"openpgp: {program} is not on this machine; `apt-get install gnupg`"
            raise Retry(msg, channel=True)
        lines: list[str] = []
        home = ["--homedir", str(self._home)] if self._home else []
        given = "" if self._passphrase is None else f"{self._passphrase}\n"
        try:
            done = run(
                [program, "--batch", "--no-tty", "--no-auto-key-locate", *home, *words],
                log=lambda text: lines.extend(text.splitlines()),
                timeout=_PATIENCE,
                what="GnuPG",
                given=given,
            )
        except SlipwayError as error:
            msg = f"openpgp: {error}"
            raise Retry(msg, channel=True) from None
        if done.code != 0 or (made is not None and not made.is_file()):
            said = [one for one in lines if not one.startswith("[GNUPG:]")]
            msg = f"openpgp: {' | '.join(said[-2:]) or 'GnuPG said nothing'}"
            raise Retry(msg)
        return lines


def protect(
    mail: EmailMessage, gpg: Gpg, settings: MailOpenPgp, recipient: Recipient, folder: Path
) -> EmailMessage:
    """Return a mail signed and encrypted as the settings say.

    Args:
        mail: The mail in plain.
        gpg: GnuPG.
        settings: Whether it is signed, and encrypted to what keys.
        recipient: Whom it is for.
        folder: The folder of pipeline.toml.

    Raises:
        Retry: It could not be signed, or a key could not be looked up, now.
        Refused: It must be encrypted, and there is no key to do it by.
    """
    if not recipient.address.isascii():
        msg = f"openpgp: {recipient.address} is no address of ASCII letters; such mails are plain"
        raise Refused(msg)
    key = b""
    if settings.encrypt is not Encrypt.NEVER:
        key = find_key(gpg, settings, recipient, folder)
        if not key and settings.encrypt is Encrypt.ALWAYS:
            where = f"{settings.keys or 'keys'}/{recipient.address.lower()}.asc"
            msg = f"openpgp: there is no key of {recipient.address}; write one to {where}"
            raise Refused(msg)
    if key:
        return _encrypted(mail, gpg.encrypt(_inner(mail), key))
    return _signed(mail, gpg) if gpg.key else mail


def _inner(mail: EmailMessage) -> bytes:
    """Return the part that is protected: the body, and the headers that are worth it."""
    part = _parsed(mail.as_bytes(policy=_POLICY))
    for one in part.walk():
        if one.get_content_maintype() == "text":
            # Blanks at the ends of lines are lost on the way, where they are not encoded.
            text, kind = one.get_content(), one.get_content_subtype()
            one.set_content(text, subtype=kind, cte="quoted-printable")
    kept = {name: part[name] for name in _PROTECTED if part[name] is not None}
    for name in {*part.keys()}:
        if not name.lower().startswith("content-"):
            del part[name]
    for name, value in kept.items():
        part[name] = value
    part.set_param("protected-headers", "v1", "Content-Type")
    return part.as_bytes(policy=_POLICY)


def _parsed(data: bytes) -> EmailMessage:
    return BytesParser(EmailMessage, policy=_POLICY).parsebytes(data)


def _outer(mail: EmailMessage, kind: str, parameters: Mapping[str, str]) -> EmailMessage:
    made = EmailMessage(policy=_POLICY)
    for name, value in mail.items():
        if not name.lower().startswith(("content-", "mime-version")):
            made[name] = value
    made["MIME-Version"] = "1.0"
    made["Content-Type"] = f"multipart/{kind}"
    for name, value in parameters.items():
        made.set_param(name, value, "Content-Type")
    return made


def _part(kind: str, text: bytes, description: str) -> EmailMessage:
    part = EmailMessage(policy=_POLICY)
    part["Content-Type"] = kind
    part["Content-Description"] = description
    part.set_payload(text.decode("ascii", "replace").replace("\r\n", "\n"))
    return part


def _signed(mail: EmailMessage, gpg: Gpg) -> EmailMessage:
    parameters = {"protocol": "application/pgp-signature", "micalg": "pgp-sha512"}
    made = _outer(mail, "signed", parameters)
    made.attach(_parsed(_inner(mail)))
    # The generator writes each part anew: what it writes is signed.
    body = _first_part(made)
    signature = gpg.sign(body)
    made.attach(_part('application/pgp-signature; name="signature.asc"', signature, "signature"))
    if _first_part(made) != body:
        msg = "openpgp: the mail would not be what was signed, so it was not sent"
        raise Retry(msg)
    return made


def _first_part(mail: EmailMessage) -> bytes:
    """Return the bytes of a mail's first part; the line end before a boundary is the boundary's.

    Source: RFC 3156, section 5.
    """
    data = mail.as_bytes()
    boundary = f"\r\n--{mail.get_boundary()}".encode()
    return data.split(boundary)[1].removeprefix(b"\r\n")


def _encrypted(mail: EmailMessage, data: bytes) -> EmailMessage:
    made = _outer(mail, "encrypted", {"protocol": "application/pgp-encrypted"})
    made.replace_header("Subject", _HIDDEN_SUBJECT)
    # These tell what happened in which project, to whoever passes the mail on.
    del made["X-Slipway-Event"]
    made.replace_header("List-Id", re.sub(r"^<[^.]*\.", "<", str(mail["List-Id"])))
    made.attach(_part("application/pgp-encrypted", b"Version: 1\n", "PGP/MIME version"))
    made.attach(_part('application/octet-stream; name="encrypted.asc"', data, "encrypted mail"))
    return made
