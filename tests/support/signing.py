"""What tests of signing need: an authority, its certificates, a timestamp server, binaries."""

from __future__ import annotations

import contextlib
import ensurepip
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NEEDS_OSSLSIGNCODE = pytest.mark.skipif(
    shutil.which("osslsigncode") is None, reason="needs osslsigncode: make signing"
)
CODE, STAMPS = ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.TIME_STAMPING
_PEM = serialization.Encoding.PEM
_DAY = timedelta(days=1)


@cache
def now() -> datetime:
    """Return the time when the tests began: certificates count from it."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Identity:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    issuers: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> str:
        """The certificate and those above it."""
        chain = (self.certificate, *self.issuers)
        return "".join(one.public_bytes(_PEM).decode() for one in chain)

    @property
    def thumbprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def key_pem(self, password: str = "") -> str:
        lock = (
            serialization.BestAvailableEncryption(password.encode())
            if password
            else serialization.NoEncryption()
        )
        return self.key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, lock).decode()

    def store(self, password: str) -> bytes:
        """Return all as PKCS #12."""
        lock = serialization.BestAvailableEncryption(password.encode())
        return pkcs12.serialize_key_and_certificates(
            b"shelf", self.key, self.certificate, self.issuers, lock
        )


def identity(
    name: str,
    issuer: Identity | None = None,
    *,
    usage: x509.ObjectIdentifier | None = CODE,
    begins: timedelta = -_DAY,
    ends: timedelta = 300 * _DAY,
    kind: str = "rsa",
) -> Identity:
    """Make a certificate; without an issuer an authority's own."""
    key = (
        rsa.generate_private_key(65537, 2048)
        if kind == "rsa"
        else ec.generate_private_key(ec.SECP256R1())
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() + begins)
        .not_valid_after(now() + ends)
        .add_extension(x509.BasicConstraints(ca=usage is None, path_length=None), critical=True)
    )
    if usage is not None:
        made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=usage == STAMPS)
    certificate = made.sign(issuer.key if issuer else key, hashes.SHA256())
    above = (issuer.certificate, *issuer.issuers) if issuer else ()
    return Identity(certificate, key, above)


@cache
def authority() -> Identity:
    """Return the root of everything that is valid."""
    return identity("Test Root", usage=None, begins=-400 * _DAY, ends=4000 * _DAY)


@cache
def signer() -> Identity:
    """Return a signer, with an authority between it and the root."""
    between = identity("Test Issuing", authority(), usage=None)
    return identity("Shelf Ltd", between)


@cache
def stranger() -> Identity:
    """Return another signer, by another authority."""
    return identity("Somebody Else", identity("Other Root", usage=None))


@cache
def binaries() -> dict[str, bytes]:
    """Return real Windows binaries: the starters that pip puts beside scripts."""
    for folder in (Path(ensurepip.__file__).parent / "_bundled", Path("/usr/share/python-wheels")):
        for wheel in folder.glob("pip-*.whl"):
            with zipfile.ZipFile(wheel) as packed:
                return {
                    Path(name).name: packed.read(name)
                    for name in packed.namelist()
                    if name.endswith(".exe")
                }
    pytest.skip("no pip comes with this Python: install python3-venv", allow_module_level=True)


def program() -> bytes:
    return binaries()["t64.exe"]


def signed_by(who: Identity, data: bytes, folder: Path) -> bytes:
    """Return a binary that somebody has signed."""
    folder.mkdir(exist_ok=True)
    (folder / "chain.pem").write_text(who.pem)
    (folder / "key.pem").write_text(who.key_pem())
    (folder / "in.exe").write_bytes(data)
    (folder / "out.exe").unlink(missing_ok=True)
    subprocess.run(
        [
            *("osslsigncode", "sign", "-certs", "chain.pem", "-key", "key.pem", "-h", "sha256"),
            *("-in", "in.exe", "-out", "out.exe"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return (folder / "out.exe").read_bytes()


def verify(file: Path, folder: Path) -> str:
    """Verify a signature by osslsigncode and return what it says."""
    root = folder / "verify-root.pem"
    root.write_text(authority().certificate.public_bytes(_PEM).decode())
    done = subprocess.run(
        [
            *("osslsigncode", "verify", "-CAfile", root, "-TSA-CAfile", root),
            *("-in", file),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---- timestamps

_CONFIG = """\
[tsa]
default_tsa = here
[here]
serial = serial
signer_cert = stamper.pem
certs = chain.pem
signer_key = stamper.key
signer_digest = sha256
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.2
digests = sha256, sha384, sha512
ordering = yes
"""


@dataclass
class StampServer:
    """A timestamp authority (RFC 3161), by `openssl ts`."""

    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)
    busy: int = 0
    """So many requests are answered by 503 first."""
    came: threading.Event = field(default_factory=threading.Event)
    """Set when a request has come."""
    held: threading.Event | None = None
    """What answers wait for; `GET /go` sets it."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def go(self) -> None:
        """Let what is held back be answered."""
        if self.held is not None:
            self.held.set()

    def reply(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        subprocess.run(
            [
                *("openssl", "ts", "-reply", "-config", "tsa.cnf"),
                *("-queryfile", "query", "-out", "reply"),
            ],
            cwd=self.folder,
            check=True,
            capture_output=True,
        )
        return (self.folder / "reply").read_bytes()


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"]))
        stamps = self.server.stamps
        with stamps.lock:
            stamps.asked.append(self.path)
            code, body = self._answer(stamps, query)
        stamps.came.set()
        if stamps.held is not None:
            stamps.held.wait(120)
        # Who has been killed meanwhile reads nothing.
        with contextlib.suppress(OSError):
            self.send_response(code)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def do_GET(self) -> None:
        self.server.stamps.go()
        self.send_response(204)
        self.end_headers()

    def _answer(self, stamps: StampServer, query: bytes) -> tuple[int, bytes]:
        if self.path == "/rubbish":
            return 200, b"no timestamp"
        if self.path == "/missing":
            return 404, b"nothing here"
        if stamps.busy:
            stamps.busy -= 1
            return 503, b"busy"
        return 200, stamps.reply(query)

    def log_message(self, *words: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stamps: StampServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stamps = stamps


@contextlib.contextmanager
def stamp_server(folder: Path, issuer: Identity | None = None) -> Iterator[StampServer]:
    """Serve timestamps; `/rubbish` and `/missing` answer otherwise."""
    folder.mkdir(parents=True)
    stamper = identity("Test Stamps", issuer or authority(), usage=STAMPS)
    (folder / "tsa.cnf").write_text(_CONFIG)
    (folder / "stamper.pem").write_text(stamper.pem)
    (folder / "chain.pem").write_text(stamper.pem)
    (folder / "stamper.key").write_text(stamper.key_pem())
    (folder / "serial").write_text("01\n")
    made = StampServer(folder)
    server = _Server(made)
    made.url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    try:
        yield made
    finally:
        made.go()
        server.shutdown()
        serving.join()
        server.server_close()
