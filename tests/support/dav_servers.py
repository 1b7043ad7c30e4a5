"""Real WebDAV servers on ports of their own: nginx, Apache and wsgidav."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

import pytest

__all__ = ["Apache", "Nginx", "Wsgidav", "certificate", "needs_apache", "needs_nginx"]

_SBIN = "/usr/sbin:/usr/local/sbin"
NGINX = shutil.which("nginx") or shutil.which("nginx", path=_SBIN) or ""
APACHE = shutil.which("apache2") or shutil.which("apache2", path=_SBIN) or ""
_MODULES = Path("/usr/lib/apache2/modules")


class DavServer:
    """A server whose folder `root/files` is at `/files/`; the login is ann and `word`."""

    user, word = "ann", "hush-hush ü"
    scheme = "http"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        (self.root / "files").mkdir(parents=True)
        # Where the server gives up root's rights, others look for files here.
        for path in (folder, self.root, self.root / "files"):
            path.chmod(0o777)
        # This file is the program of wsgidav's process, too, which knows no package.
        from tests.support.machine import lease_ports

        [self.port] = lease_ports(1)
        self.url = f"{self.scheme}://127.0.0.1:{self.port}/files"

    def argv(self) -> list[str]:
        """Return the program and its arguments."""
        raise NotImplementedError

    @property
    def files(self) -> Path:
        return self.root / "files"

    def start(self) -> Self:
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(self.argv(), stdout=log, stderr=log)
        end = time.monotonic() + 15
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(15)

    def settings(self, **changes: object) -> dict[str, object]:
        """Return the settings of a target, and its secrets."""
        given = {"kind": "webdav", "url": self.url, "user": self.user, "password": "PASSWORD"}
        return {**given, **changes}

    def apr1(self) -> str:
        """Return the line of a file of passwords."""
        crypt = ["openssl", "passwd", "-apr1", "-stdin"]
        made = subprocess.run(
            crypt, input=self.word.encode(), capture_output=True, check=True
        ).stdout.decode()
        return f"{self.user}:{made.strip()}\n"


class Nginx(DavServer):
    """nginx with its own module: it has no PROPFIND."""

    def __init__(
        self,
        folder: Path,
        *,
        server: str = "",
        location: str = "",
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        self.scheme = "https" if tls else "http"
        super().__init__(folder)
        (folder / "passwords").write_text(self.apr1())
        listen = f"127.0.0.1:{self.port}{' ssl' if tls else ''}"
        keys = f"ssl_certificate {tls[0]}; ssl_certificate_key {tls[1]};" if tls else ""
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(f"""
{user} daemon off; pid {folder}/pid; error_log stderr; worker_processes 1;
events {{ }}
http {{
  access_log {folder}/access;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 0;
  server {{
    listen {listen}; root {self.root}; {keys}
    {server}
    location / {{
      auth_basic "files"; auth_basic_user_file {folder}/passwords;
      dav_methods PUT DELETE MKCOL COPY MOVE;
      {location}
    }}
  }}
}}
""")

    def argv(self) -> list[str]:
        return [NGINX, "-e", "stderr", "-c", str(self.folder / "nginx.conf")]


class Apache(DavServer):
    """Apache's mod_dav, with passwords by digest."""

    def __init__(self, _folder: Path, *, readers: str = "valid-user") -> None:
        # As root it serves as another user, whom a folder of pytest's does not let in.
        folder = Path(tempfile.mkdtemp(prefix="slipway-apache-"))
        super().__init__(folder)
        names = ("mpm_event", "authn_core", "authz_core", "authn_file", "authz_user")
        names += ("auth_digest", "auth_basic", "dav", "dav_fs", "mime")
        loads = "\n".join(
            f"LoadModule {name}_module {_MODULES}/mod_{name}.so"
            for name in names
            if (_MODULES / f"mod_{name}.so").exists()
        )
        digest = _md5(f"{self.user}:files:{self.word}")
        (folder / "digests").write_text(f"{self.user}:files:{digest}\n")
        (folder / "httpd.conf").write_text(f"""
ServerRoot {folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{self.port}
PidFile {folder}/pid
ErrorLog {folder}/errors
{loads}
User #{os.getuid() or 65534}
Group #{os.getgid() or 65534}
DocumentRoot {self.root}
DavLockDB {folder}/locks
TypesConfig /dev/null
AddEncoding x-gzip .gz
<Directory {self.root}>
  Dav On
  AuthType Digest
  AuthName files
  AuthDigestProvider file
  AuthUserFile {folder}/digests
  <LimitExcept GET HEAD>
    Require valid-user
  </LimitExcept>
  <Limit GET HEAD>
    Require {readers}
  </Limit>
</Directory>
""")

    def argv(self) -> list[str]:
        return [APACHE, "-D", "FOREGROUND", "-f", str(self.folder / "httpd.conf")]

    def settings(self, **changes: object) -> dict[str, object]:
        return super().settings(**{"login": "digest", **changes})

    def stop(self) -> None:
        super().stop()
        shutil.rmtree(self.folder)


def _md5(text):
    import hashlib

    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324  the protocol's


class Wsgidav(DavServer):
    """wsgidav, in Python; it can be told a quota."""

    def argv(self) -> list[str]:
        return [sys.executable, __file__, str(self.root), str(self.port), self.user, self.word]


def certificate(folder, *, days=1, name="server", authority=None, host="127.0.0.1"):
    """Make a certificate and its key; return their paths.

    Args:
        folder: Where they are written.
        days: How long it is good for; less than 0: it is not any more.
        name: Their name.
        authority: Who signs it: a pair of paths. None: it signs itself, and is an authority.
        host: The address it is for, besides "localhost".
    """
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    issuer, signer = subject, key
    if authority is not None:
        issuer = x509.load_pem_x509_certificate(authority[0].read_bytes()).subject
        signer = serialization.load_pem_private_key(authority[1].read_bytes(), None)
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName(
        [x509.IPAddress(ip_address(host)), x509.DNSName("localhost")]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return paths


def _serve(root, port, user, word):
    from cheroot import wsgi
    from wsgidav.wsgidav_app import WsgiDAVApp

    app = WsgiDAVApp(
        {
            "provider_mapping": {"/": root},
            "simple_dc": {"user_mapping": {"*": {user: {"password": word}}}},
            "http_authenticator": {"accept_basic": True, "accept_digest": True},
            "logging": {"enable": False},
            "verbose": 0,
        }
    )
    server = wsgi.Server(("127.0.0.1", int(port)), app, numthreads=8)
    server.start()


needs_nginx = pytest.mark.skipif(not NGINX, reason="no nginx here: apt install nginx-light")
needs_apache = pytest.mark.skipif(not APACHE, reason="no Apache here: apt install apache2-bin")


if __name__ == "__main__":
    _serve(*sys.argv[1:])
