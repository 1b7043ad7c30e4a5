"""`slipway check` reaches the servers of notices, and says of each in a sentence what is wrong."""

import json
import socket
import ssl
import threading
import time

import pytest

from slipway.cli.preflight import channels as reaching
from slipway.cli.preflight import checks as outlook
from tests.support.dav_servers import certificate
from tests.support.machine import lease_ports


@pytest.fixture
def checked(place, monkeypatch):
    """Return what checks a site with some notifiers: `kind` and keys by name."""
    # What the machine and the repository lack is not the subject here.
    monkeypatch.setattr(outlook, "CHECKS", ())
    monkeypatch.setenv("HOOK", "0123456789abcdef0123456789abcdef")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    place.write(unit=("pass", ""))
    before = place.config.read_text("utf-8")

    def check(*words, **notifiers):
        tables = ""
        for name, keys in notifiers.items():
            lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
            tables += f"\n[notify.{name}]\n{lines}"
        place.config.write_text(before + tables, "utf-8")
        return place.slipway("check", *words)

    return check


def hook(port, scheme="http", **more):
    url = json.dumps(f"{scheme}://127.0.0.1:{port}/hook/t0ken")
    return {"kind": '"webhook"', "url": url, "secret": '{ env = "HOOK" }', **more}


@pytest.fixture
def silent():
    """Return the port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def foreign(tmp_path):
    """Return the port of a TLS server whose certificate nobody knows."""
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(*certificate(tmp_path, name="hook"))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    connection = server.accept()[0]
                except OSError:
                    return
                try:
                    trust.wrap_socket(connection, server_side=True).close()
                except OSError:
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        # Closing alone would not wake the thread.
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_a_server_that_answers_is_nothing_to_tell(checked, silent):
    code, _, err = checked("--strict", chat=hook(silent))
    assert (code, err) == (0, "")


def test_each_channel_that_cannot_send_is_one_warning_at_its_place(checked, foreign):
    [port] = lease_ports(1)
    mail = {"kind": '"email"', "host": '"127.0.0.1"', "port": port, "sender": '"ci@example.org"'}
    code, _, err = checked(chat=hook(port), other=hook(foreign, "https"), mail=mail)
    assert code == 0
    lines = err.splitlines()
    assert len(lines) == 3
    assert any(f"notify.chat: 127.0.0.1:{port} cannot be reached: " in one for one in lines)
    assert any("notify.other: " in one and "certificate is not trusted" in one for one in lines)
    assert any(f"notify.mail: 127.0.0.1:{port}" in one for one in lines)
    assert all("pipeline.toml:" in one for one in lines)
    # The address of a hook may be a secret itself.
    assert "t0ken" not in err
    assert checked("--strict", chat=hook(port))[0] == 2


def test_offline_asks_nobody(checked):
    [port] = lease_ports(1)
    assert checked("--strict", "--offline", chat=hook(port))[::2] == (0, "")


def test_a_server_that_says_nothing_holds_the_command_for_its_time_alone(
    checked, silent, monkeypatch
):
    monkeypatch.setattr(reaching.channels, "__defaults__", (1.0,))
    mail = {"kind": '"email"', "host": '"127.0.0.1"', "port": silent, "sender": '"ci@example.org"'}
    began = time.monotonic()
    code, _, err = checked(one=mail, two=mail)
    assert code == 0
    assert err.count("it has not answered within 1 s") == 2
    # One after the other would take as long as a mail server may: 30 seconds each.
    assert time.monotonic() - began < 25


def test_a_secret_that_is_none_is_told(checked, silent, monkeypatch):
    monkeypatch.setenv("HOOK", "short")
    assert "secret: is too short to be safe" in checked(chat=hook(silent))[2]
    monkeypatch.delenv("HOOK")
    assert "HOOK" in checked(chat=hook(silent))[2]


def test_a_plugin_that_raises_anything_is_one_sentence(checked, silent, monkeypatch):
    def broken(*_):
        raise SystemExit("boom\x1b[31m")

    monkeypatch.setattr(reaching, "make_sender", broken)
    _, _, err = checked(chat=hook(silent))
    assert "boom" in err
    assert "\x1b" not in err
    assert len(err.splitlines()) == 1
