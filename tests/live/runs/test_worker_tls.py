"""Workers connect by TLS to the master whose certificate they know, and to no other."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress

import pytest

from slipway.config import read
from slipway.secrets.worker_certificate import have_certificate
from slipway.state_folder import Home
from tests.support.far import expect_far, far_worker, fingerprint
from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = pytest.mark.live

_WRONG = f"sha256:{'0' * 64}"


@pytest.fixture
def tls_site(site):
    """A site whose workers' port speaks TLS, on this machine."""
    site.worker_tls = True
    site.write(command("make", "print('made')", runs_on='["linux"]'))
    expect_far(site)
    site.up()
    return site


def connected(site):
    with site.client(admin=True) as client:
        found = client.get("plugins/slipway/api/workers").json()["workers"]
    return {one["name"] for one in found if one["connected"]}


def test_workers_connect_to_the_certificate_they_know_alone(tls_site):
    site = tls_site
    # The site's own worker has connected by TLS, too: it has run the stage.
    assert site.wait_for_run(1)["state"] == "passed", site.said()
    known = fingerprint(site)
    assert known == have_certificate_of(site)
    with far_worker(site, options=("--fingerprint", known)):
        wait_for(lambda: connected(site) == {"local", "far"}, site.said)
    wait_for(lambda: connected(site) == {"local"}, site.said)

    with far_worker(site, options=("--fingerprint", _WRONG), expected=known) as folder:
        said = (folder / "twistd.log").read_text()
        assert f"was set up for {_WRONG}: not connected" in said
        sentence = "a worker at 127.0.0.1 refuses the certificate of this master"
        wait_for(lambda: sentence in (site.state / "master/twistd.log").read_text(), site.said)
        assert connected(site) == {"local"}

    # Plain TCP: each side waits for the other to speak first, and both say so.
    with far_worker(site, expected="speaks TLS, and this worker was set up without"):
        sentence = "says nothing, as a worker without TLS does, and this port speaks TLS"
        wait_for(lambda: sentence in (site.state / "master/twistd.log").read_text(), site.said)
        number = site.start_run("make", "passed")
        assert site.run(number)["stages"]["make"]["worker"] == "local"
        assert connected(site) == {"local"}


def have_certificate_of(site):
    file = site.folder / "pipeline.toml"
    path, found = have_certificate(read(file), Home(site.state), site.folder)
    assert path.stat().st_mode & 0o777 == 0o600
    return found


def test_old_protocols_are_refused_and_noise_hurts_nobody(tls_site):
    site = tls_site
    assert site.wait_for_run(1)["state"] == "passed", site.said()
    address = ("127.0.0.1", site.worker_port)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(address, 10) as plain, context.wrap_socket(plain) as secured:
        assert secured.version() in {"TLSv1.2", "TLSv1.3"}
    # OpenSSL's own numbers: Python warns of the names.
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion(0x0301)
    old.maximum_version = ssl.TLSVersion(0x0302)
    with socket.create_connection(address, 10) as plain, pytest.raises((ssl.SSLError, OSError)):
        old.wrap_socket(plain)
    for noise in (b"\x00" * 100, b"GET / HTTP/1.1\r\n\r\n", b"\x80\x02pb\x80" * 200):
        with socket.create_connection(address, 10) as plain:
            plain.sendall(noise)
            plain.settimeout(10)
            with suppress(ConnectionError):
                while plain.recv(1000):
                    pass
    assert connected(site) == {"local"}
