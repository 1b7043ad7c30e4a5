"""`slipway worker new NAME`: write the bundle that sets a worker up on its machine."""

from __future__ import annotations

import argparse
import contextlib
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from slipway.cli.lib.terminal import terminal
from slipway.config import read
from slipway.model.errors import PASSED, WrongInput
from slipway.model.secrets.location import SecretPlace
from slipway.model.site import Site, Worker, is_loopback
from slipway.model.spelling import did_you_mean
from slipway.scripts.terminal_text import escape
from slipway.secrets.reading import given_secret
from slipway.state_folder import Home, made_secret, make_folder
from slipway.workers.bundle.writer import BundleFacts, Platform, write_bundle

__all__ = ["run"]

_MOST_PORT = 65535
_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104  compared, not bound


def run(options: argparse.Namespace) -> int:
    """Write the bundle and say what to do with it."""
    config = options.config.resolve()
    site, home = read(options.config), Home.beside(config)
    worker = _worker(site, options.name, config.name)
    host, port = _address(site, options.master)
    if not site.site.speaks_tls and not is_loopback(host):
        msg = (
            f"{host} is another machine, and the workers' port speaks no TLS: everybody between "
            "could read along, and be its master; write worker-tls = true into [site]"
        )
        raise WrongInput(msg)
    password = _password(worker, options.name, config)
    facts = BundleFacts(options.name, host, port, _fingerprint(site, home, config), password)
    target = (options.output or Path(f"{options.name}.zip")).resolve()
    try:
        write_bundle(target, Platform(options.platform), facts)
    except OSError as error:
        msg = f"--output: {target} cannot be written: {error.strerror}"
        raise WrongInput(msg) from None
    windows = options.platform == Platform.WINDOWS
    start = "powershell -ExecutionPolicy Bypass -File setup.ps1" if windows else "sudo sh setup.sh"
    lines = (
        f"{target} sets up the worker {options.name}, which connects to {host}:{port}",
        "it holds the worker's password: bring it there privately, and delete it afterwards",
        f"there: unpack it; then, in its folder{' as administrator' if windows else ''}: {start}",
    )
    for line in lines:
        terminal().print(escape(line), soft_wrap=True)
    return PASSED


def _worker(site: Site, name: str, config: str) -> Worker:
    """Return the worker's table of pipeline.toml.

    Raises:
        WrongInput: There is none, or it has no password of its own.
    """
    found = site.workers.get(name)
    if found is not None and found.password is not None:
        return found
    if found is not None:
        msg = (
            f"{config}: workers.{name} has no password, so it runs on this machine; write password "
            f'= {{ file = "{name}-password" }} into it, and run this again: it makes the password'
        )
        raise WrongInput(msg)
    meant = did_you_mean(name, [key for key, one in site.workers.items() if one.password])
    msg = (
        f"{config} has no worker {name}.{meant} A new one: [workers.{name}], with labels = "
        f'["windows"] and password = {{ file = "{name}-password" }}, which this command makes'
    )
    raise WrongInput(msg)


def _address(site: Site, given: str | None) -> tuple[str, int]:
    """Return the host and the port that the worker connects to.

    Raises:
        WrongInput: No other machine could connect, or the host is not known.
    """
    settings = site.site
    if given is not None:
        return _given_address(given, settings.worker_port)
    listen = settings.worker_listen
    if is_loopback(listen):
        msg = (
            f"site.worker-listen is {listen}, where no other machine can connect; write "
            'the address of this machine (worker-listen = "0.0.0.0": all of them), or name the end '
            "of a tunnel or a proxy by --master HOST:PORT"
        )
        raise WrongInput(msg)
    host = urlsplit(settings.url).hostname or ""
    if listen not in _EVERYWHERE:
        return listen, settings.worker_port
    if is_loopback(host):
        msg = f"site.url is {settings.url}: name the host as others see it: --master HOST"
        raise WrongInput(msg)
    return host, settings.worker_port


def _given_address(given: str, usual: int) -> tuple[str, int]:
    """Parse HOST or HOST:PORT; an IPv6 address with a port stands in brackets."""
    with contextlib.suppress(ValueError):
        return str(ip_address(given.strip("[]"))), usual
    host, colon, port = given.rpartition(":")
    if not colon:
        host, port = given, str(usual)
    good = host and port.isdecimal() and 0 < int(port) <= _MOST_PORT
    if not good or (":" in host and not host.startswith("[")):
        msg = f'--master "{given}" is neither HOST nor HOST:PORT'
        raise WrongInput(msg)
    return host.strip("[]"), int(port)


def _password(worker: Worker, name: str, config: Path) -> str:
    """Return the worker's password; make the file that is to hold it, if it is not there."""
    place = worker.password or SecretPlace(file="")
    if place.file is not None and not (file := config.parent / place.file).exists():
        made_secret(file)
    return given_secret(place, config.parent, f"{config.name}: workers.{name}.password")


def _fingerprint(site: Site, home: Home, config: Path) -> str:
    if not site.site.speaks_tls:
        return ""
    # Imported late: it loads slowly.
    from slipway.secrets.worker_certificate import have_certificate

    make_folder(home.root)
    return have_certificate(site, home, config.parent)[1]
