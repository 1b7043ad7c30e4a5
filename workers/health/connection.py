"""Check a worker's way to its master, and to the package index."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterator
from urllib.parse import urlsplit

from slipway.workers.health.master_facts import CLOCK_BAD, MasterFacts, clock_sentence
from slipway.workers.health.report import Line, good, warning, wrong
from slipway.workers.health.worker_files import Outlook

__all__ = ["check_clock", "check_index", "check_log", "check_port", "clock_line"]

_PATIENCE = 5.0
#: The index that uv asks, in uv's order; then pip's variable, then PyPI.
_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_PYPI = "https://pypi.org/simple/"
_BUNDLE = "set the worker up again by a new bundle (slipway worker new, on the master)"
#: What a worker's log says about its connection, the last one counts.
_MARKS = re.compile(
    r"^\S+ \S+ \[.*?\] (?:.*(?P<ready>worker is ready)|(?P<reason>.*: not connected.*)|"
    r".*(?P<lost>lost remote|Lost connection to|Connection to .* failed).*)$",
    re.MULTILINE,
)


def check_port(outlook: Outlook) -> Iterator[Line]:
    """Check that the master's port answers, and by the certificate that this worker knows."""
    try:
        with socket.create_connection((outlook.host, outlook.port), _PATIENCE) as plain:
            yield from _greet_master(outlook, plain)
    except socket.gaierror:
        advice = "see that this machine's name server knows it, or " + _BUNDLE
        yield wrong("master", f"the host {outlook.host} is not known", advice)
    except OSError as error:
        why = "no answer within 5 s" if isinstance(error, TimeoutError) else error.strerror
        advice = "see that the master runs, that worker-listen is right, and firewalls between"
        yield wrong("master", f"{outlook.master} cannot be reached: {why or error}", advice)


def _greet_master(outlook: Outlook, plain: socket.socket) -> Iterator[Line]:
    if not outlook.fingerprint:
        yield _listen(outlook, plain)
        return
    # Any certificate: its fingerprint is compared.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with context.wrap_socket(plain) as secured:
            shown = hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
    except (ssl.SSLError, OSError) as error:
        found = f"{outlook.master} does not speak TLS ({getattr(error, 'reason', None) or error})"
        yield wrong("master", found[:200], f"on the master write worker-tls = true, or {_BUNDLE}")
        return
    if hmac.compare_digest(f"sha256:{shown}", outlook.fingerprint):
        yield good("master", f"{outlook.master}, by TLS, with the certificate that is known here")
    else:
        found = f"{outlook.master} has another certificate, sha256:{shown}"
        yield wrong("master", found, f"if the master has a new certificate: {_BUNDLE}")


def _listen(outlook: Outlook, plain: socket.socket) -> Line:
    """Hear what the port says first: Perspective Broker names what it speaks."""
    try:
        heard = plain.recv(64)
    except OSError:
        heard = b""
    if b"pb" in heard:
        return good("master", f"{outlook.master}, by plain TCP")
    found = f"{outlook.master} takes the connection and does not speak as a master without TLS does"
    return wrong("master", found, f"if its port speaks TLS: {_BUNDLE}")


def check_log(outlook: Outlook) -> Iterator[Line]:
    """Tell what the worker's log says last of its connection.

    Nobody can try a password harmlessly: a second login of the same name is refused or takes the
    first one's place. The worker itself tries it all the time.
    """
    last = next(iter(deque(_MARKS.finditer(outlook.log_end()), maxlen=1)), None)
    where = f"see {outlook.folder / 'twistd.log'}"
    if last is None:
        yield warning("connected", "the log does not say so", f"start the worker; {where}")
    elif last["ready"]:
        yield good("connected", "by the log, with this name and password")
    elif last["reason"]:
        yield wrong("connected", last["reason"][:400], where)
    else:
        found = "the worker has lost its connection and tries again"
        yield warning("connected", found, f"see that the master runs; {where}")


def check_clock(outlook: Outlook) -> Iterator[Line]:
    """Compare the clock with the master's, by what was measured when the worker connected."""
    facts = MasterFacts.read(outlook.folder)
    if facts is None:
        advice = "the master says its time when the worker connects"
        yield warning("clock", "the master's is not known yet", advice)
        return
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(facts.at))
    yield clock_line(facts.ahead, f", when it connected at {day}")


def clock_line(ahead: float, when: str = "", whose: str = "this machine") -> Line:
    """Return the line about two clocks.

    Args:
        ahead: Seconds by which the worker's clock is ahead of the master's.
        when: When that was, as the end of a sentence.
        whose: The worker's machine in the sentence.
    """
    sentence = clock_sentence(ahead, whose)
    if not sentence:
        return good("clock", f"{abs(ahead):.1f} s from the master's{when}")
    found, _, advice = sentence.partition("; ")
    return (wrong if abs(ahead) > CLOCK_BAD else warning)("clock", f"{found}{when}", advice)


def check_index(_outlook: Outlook) -> Iterator[Line]:
    """Check that the package index answers."""
    name = next((one for one in _INDEXES if os.environ.get(one)), "")
    # uv knows names of indexes: NAME=URL.
    url = re.sub(r"^[\w.-]+=", "", os.environ.get(name, _PYPI))
    # Its name and password are nobody's business; nor is a path.
    parts = urlsplit(url)
    shown = f"{parts.scheme}://{parts.hostname}" if parts.hostname else f"set by {name}"
    if parts.scheme not in {"http", "https"}:
        yield good("index", shown)
        return
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = urllib.request.Request(bare, method="HEAD")  # noqa: S310  http and https alone
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE):  # noqa: S310
            pass
    except urllib.error.HTTPError:
        # It answers; 401 and 404 are its own affairs.
        pass
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        advice = "environments that are in the cache work, new ones cannot be made; see the network"
        yield warning("index", f"{shown} does not answer: {why}"[:250], advice)
        return
    yield good("index", f"{shown} answers")
