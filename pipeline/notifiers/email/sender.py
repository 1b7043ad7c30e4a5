"""Send mails: one session with the server for many, encrypted and with a verified certificate."""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from typing import BinaryIO, NoReturn

from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Refused, Retry, Sender
from slipway.notifiers.email.message import write_mail
from slipway.notifiers.email.notifier import EmailNotifier, Security
from slipway.notifiers.email.openpgp import Gpg, protect
from slipway.notifiers.email.openpgp_settings import MailOpenPgp
from slipway.notifiers.trust import trust_of
from slipway.scripts.terminal_text import plain

__all__ = ["EmailSender"]

_OK, _READY = range(200, 300), 354
_TEMPORARY = range(400, 500)
_SAID = 300
#: Lines of one answer. A greeting and a list of extensions have some ten.
_MOST_LINES = 200


class _FewLines:
    """The answers of a server, of which none has many lines."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.left = stream, _MOST_LINES

    def readline(self, size: int = -1) -> bytes:
        """Return the next line.

        Raises:
            OSError: The answer has too many.
        """
        self.left -= 1
        if self.left < 0:
            msg = f"its answer has more than {_MOST_LINES} lines"
            raise OSError(msg)
        return self._stream.readline(size)

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


class _Session(smtplib.SMTP):
    """A session that does not read answers without end."""

    def getreply(self) -> tuple[int, bytes]:
        """Return the next answer."""
        if self.sock is not None and not isinstance(self.file, _FewLines):
            self.file = _FewLines(self.sock.makefile("rb"))
        if isinstance(self.file, _FewLines):
            self.file.left = _MOST_LINES
        return super().getreply()


class _TlsSession(_Session, smtplib.SMTP_SSL):
    """The same, encrypted from its first byte."""


class EmailSender(Sender):
    """Sends mails by one SMTP server."""

    settings: EmailNotifier
    _smtp: smtplib.SMTP | None = None

    def send(self, notice: Notice, context: Context) -> str:
        """Send a notice to one person.

        Returns:
            What the server answered.

        Raises:
            Retry: The server is away, refuses everybody, or says that it may take it later.
            Refused: The server refuses this person or this mail for good.
        """
        mail = self._protected(write_mail(self.settings, self.site, notice, context), context)
        with self._limited(context.timeout), self._explained():
            return self._transmit(self._connected(), mail)

    def _protected(self, mail: EmailMessage, context: Context) -> EmailMessage:
        openpgp = self.settings.openpgp
        if openpgp is None:
            return mail
        return protect(mail, self._gpg(openpgp), openpgp, context.recipient, self.site.folder)

    def _gpg(self, openpgp: MailOpenPgp) -> Gpg:
        place = openpgp.passphrase
        passphrase = self.site.secret(place, "openpgp.passphrase") if place else None
        return Gpg(openpgp, self.site.folder, passphrase)

    def check(self) -> str:
        """Connect and sign in, and send nothing."""
        openpgp = self.settings.openpgp
        if openpgp is not None and openpgp.key is not None:
            # What it signs is verified, too.
            self._gpg(openpgp).sign(b"a trial\r\n")
        with self._limited(60), self._explained():
            self._connected().noop()
        settings = self.settings
        how = {
            Security.STARTTLS: "encrypted by STARTTLS",
            Security.TLS: "encrypted",
            Security.NONE: "not encrypted",
        }
        who = f"; {settings.user} has signed in" if settings.user else ""
        return f"{self._where} answers, {how[settings.security]}{who}"

    def close(self) -> None:
        """End the session."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError, ValueError):
                smtp.quit()
            smtp.close()

    @property
    def _where(self) -> str:
        return f"{self.settings.host}:{self.settings.server_port}"

    # ---- the session

    def _connected(self) -> smtplib.SMTP:
        """Return a session that lives: the one of the last mail, or a new one."""
        if self._smtp is not None:
            try:
                if self._smtp.noop()[0] in _OK:
                    return self._smtp
            except (smtplib.SMTPException, OSError):
                pass
            self._drop()
        try:
            return self._connect()
        except BaseException:
            self._drop()
            raise

    def _connect(self) -> smtplib.SMTP:
        settings = self.settings
        host, port = settings.host, settings.server_port
        # Not the full name, for which the standard library would ask a name server.
        own = socket.gethostname() or "localhost"
        seconds = settings.timeout
        if settings.security is Security.TLS:
            smtp: smtplib.SMTP = _TlsSession(
                host, port, own, timeout=seconds, context=self._trust()
            )
        else:
            smtp = _Session(host, port, own, timeout=seconds)
        # From here on the time limit can end it.
        self._smtp = smtp
        smtp.ehlo_or_helo_if_needed()
        if settings.security is Security.STARTTLS:
            self._encrypt(smtp)
        self._sign_in(smtp)
        return smtp

    def _encrypt(self, smtp: smtplib.SMTP) -> None:
        if not smtp.has_extn("starttls"):
            msg = (
                f"{self._where} offers no STARTTLS, so nothing was sent: it would be readable on "
                'the way; correct host and port, or write security = "tls"'
            )
            raise Retry(msg, channel=True)
        smtp.starttls(context=self._trust())
        smtp.ehlo_or_helo_if_needed()

    def _trust(self) -> ssl.SSLContext:
        return trust_of(self.settings.authorities, self.site.folder)

    def _sign_in(self, smtp: smtplib.SMTP) -> None:
        settings = self.settings
        if settings.token is not None:
            token = self.site.secret(settings.token, "token")
            said = f"user={settings.user}\1auth=Bearer {token}\1\1"
            # A server that refuses sends why as a challenge, and waits for an empty answer.
            smtp.auth("XOAUTH2", lambda challenge=None: "" if challenge else said)
        elif settings.password is not None:
            password = self.site.secret(settings.password, "password")
            if (settings.user + password).isascii():
                smtp.login(settings.user, password)
                return
            # The standard library sends ASCII alone (https://github.com/python/cpython/issues/73936).
            said = f"\0{settings.user}\0{password}"
            code, answer = smtp.docmd("AUTH", f"PLAIN {base64.b64encode(said.encode()).decode()}")
            if code not in _OK:
                raise smtplib.SMTPAuthenticationError(code, answer)

    # ---- one mail

    def _transmit(self, smtp: smtplib.SMTP, mail: EmailMessage) -> str:
        to = mail["To"].addresses[0].addr_spec
        options = []
        if not to.isascii():
            if not smtp.has_extn("smtputf8"):
                msg = f"{self._where} takes no addresses but of ASCII letters, and not {to}"
                raise Refused(msg)
            options.append("SMTPUTF8")
            mail = _in_utf8(mail)
        data = mail.as_bytes()
        if smtp.has_extn("size"):
            options.append(f"size={len(data)}")
        self._expect(smtp, smtp.mail(self.settings.sender_address, options), "the sender")
        code, answer = smtp.rcpt(to)
        if code not in _OK:
            self._reset(smtp)
            self._refuse(code, answer, to)
        code, answer = smtp.data(data)
        if code not in _OK:
            self._reset(smtp)
            self._refuse(code, answer, f"the mail to {to}")
        return f"{code} {_text(answer)}"

    def _expect(self, smtp: smtplib.SMTP, answered: tuple[int, bytes], what: str) -> None:
        code, answer = answered
        if code not in _OK:
            self._reset(smtp)
            msg = f"{self._where} refuses {what}: {code} {_text(answer)}"
            raise Retry(msg, channel=True)

    def _refuse(self, code: int, answer: bytes, what: str) -> NoReturn:
        msg = f"{self._where} does not take {what}: {code} {_text(answer)}"
        if code in _TEMPORARY:
            # 421: it closes the session, whomever the mail is for.
            raise Retry(msg, channel=code == 421)  # noqa: PLR2004
        raise Refused(msg)

    def _reset(self, smtp: smtplib.SMTP) -> None:
        try:
            smtp.rset()
        except (smtplib.SMTPException, OSError):
            self._drop()

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()

    # ---- time and errors

    @contextlib.contextmanager
    def _limited(self, seconds: float) -> Iterator[None]:
        """End the connection after a time: a server that answers without end holds nobody."""
        ended = threading.Event()

        def end() -> None:
            ended.set()
            smtp = self._smtp
            if smtp is not None and smtp.sock is not None:
                with contextlib.suppress(OSError):
                    smtp.sock.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except Retry:
            if ended.is_set():
                msg = f"{self._where} did not take the mail within {seconds:.0f} s"
                raise Retry(msg, channel=True) from None
            raise
        finally:
            timer.cancel()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of the session into sentences, and end the session.

        Raises:
            Retry: The session has failed.
        """
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            self._drop()
            msg = (
                f'{self._where} refuses the sign-in of "{self.settings.user}": {error.smtp_code} '
                f"{_text(error.smtp_error)}; correct user and password"
            )
            raise Retry(msg, channel=True) from None
        except smtplib.SMTPResponseException as error:
            self._drop()
            msg = f"{self._where} answers {error.smtp_code} {_text(error.smtp_error)}"
            raise Retry(msg, channel=True) from None
        except ssl.SSLCertVerificationError as error:
            self._drop()
            msg = (
                f"the certificate of {self._where} is not trusted, so nothing was sent: "
                f"{error.verify_message}; correct host, or name its authority by authorities"
            )
            raise Retry(msg, channel=True) from None
        except (smtplib.SMTPException, OSError, EOFError) as error:
            self._drop()
            why = plain(getattr(error, "strerror", "") or str(error) or type(error).__name__)
            msg = f"{self._where} cannot be used: {why[:_SAID]}"
            raise Retry(msg, channel=True) from None


def _in_utf8(mail: EmailMessage) -> EmailMessage:
    policy = email.policy.SMTPUTF8
    return email.message_from_bytes(mail.as_bytes(policy=policy), EmailMessage, policy=policy)


def _text(answer: bytes | str) -> str:
    """Return a server's answer as one line for people."""
    said = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(plain(said).split())[:_SAID]
