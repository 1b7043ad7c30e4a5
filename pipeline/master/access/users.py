"""The people of a site as the master knows them: what each may do, and whose session is good."""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway.master.access.client_addresses import parse
from slipway.master.access.session_marks import Sessions
from slipway.model.access import ADMIN_ROLE, VIEWER, Person, held
from slipway.model.errors import WrongInput
from slipway.model.people import ADMIN, OAUTH, Access, PersonSettings, is_password_hash
from slipway.model.site import Site
from slipway.secrets.reading import given_secret
from slipway.state_folder import Home

#: Characters of a password that nobody has to be kept from guessing: over a hundred random bits.
_SAFE = 20
_LOOPBACK = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Crowd:
    """Who there is. Frozen: each reading of pipeline.toml makes another."""

    people: Mapping[str, PersonSettings]
    hashes: Mapping[str, str] = field(repr=False)
    """The password hashes of those who have one."""
    access: Access
    url: str
    """The site's own."""
    admin_password: Path
    """The file with the admin's password."""
    sessions: Sessions = field(repr=False)
    """Whose session is good."""
    client_secret: str = field(default="", repr=False)

    @classmethod
    def of(cls, site: Site, folder: Path, admin_password: Path) -> Crowd:
        """Return the crowd of a site, with its secrets from where they are kept.

        Args:
            site: The model.
            folder: What relative paths count from.
            admin_password: The file with the admin's password.

        Raises:
            WrongInput: A secret cannot be read, or is no password hash.
            MissingTool: An environment variable is not set.
        """
        hashes = {}
        for name, person in site.people.items():
            kept = person.password
            if person.password_from is not None:
                key = f"people.{name}.password-from"
                kept = given_secret(person.password_from, folder, key)
                if not is_password_hash(kept):
                    msg = f"{key}: what is there is no hash; put there what `slipway passwd` prints"
                    raise WrongInput(msg)
            if person.made_password:
                kept = _made_hash(Home(admin_password.parent).person_hash(name))
            if kept is not None:
                hashes[name] = kept
        place = site.access.client_secret
        secret = given_secret(place, folder, "access.client-secret") if place else ""
        home = Home(admin_password.parent)
        sessions = Sessions(_key(home), home.ended_sessions, site.access.session_hours)
        return cls(
            site.people, hashes, site.access, site.site.url, admin_password, sessions, secret
        )

    # ---- who somebody is

    @property
    def nobody(self) -> Person:
        """Somebody who has not signed in."""
        return Person("", held([VIEWER]) if self.access.anonymous == "viewer" else frozenset())

    def person(self, name: str, via: str) -> Person:
        """Return somebody who has proved to be of this name, with what they may do now."""
        if name == ADMIN:
            return Person(name, held([ADMIN_ROLE]), via, name)
        settings = self.people.get(name)
        roles = held(settings.roles) if settings else frozenset()
        called = settings.name if settings else ""
        return Person(name, roles | self.nobody.roles, via, called or name)

    def admin(self, password: str) -> Person | None:
        """Return the admin, where this is their password."""
        expected = self._admin_secret()
        same = hmac.compare_digest(password.encode(), expected.encode())
        return self.person(ADMIN, "password") if same and expected else None

    @property
    def admin_is_safe(self) -> bool:
        """Whether no number of guesses finds the admin's password: Slipway has made it."""
        return len(self._admin_secret()) >= _SAFE

    def has(self, name: str) -> bool:
        """Tell whether somebody of this name signs in with a password."""
        return name == ADMIN or name in self.hashes

    def of_session(self, user_info: Mapping[str, Any]) -> Person:
        """Return whose session this is; nobody's, where what it began with is not so any more."""
        name = str(user_info.get("username") or "")
        proof = self._proof(name) if name else ""
        if not proof or not self.sessions.good(user_info, name, proof):
            return self.nobody
        return self.person(name, "session")

    def of_header(self, values: list[str]) -> Person:
        """Return whom a trusted proxy has named; `values` holds each line of the header.

        Raises:
            WrongInput: It named nobody, or several.
        """
        header = self.access.header
        if len(values) > 1:
            msg = f"the header {header} came {len(values)} times; have the proxy replace it"
            raise WrongInput(msg)
        found = re.fullmatch(self.access.header_pattern, values[0])
        name = (found.group("username") or "") if found else ""
        if not name or name.lower() == ADMIN:
            msg = f"the header {header} names nobody; see the reverse proxy's configuration"
            raise WrongInput(msg)
        return self.person(name, "header")

    # ---- what makes a session good

    def session_info(self, name: str, *, vouched: bool = False) -> dict[str, str]:
        """Return what Buildbot's session keeps of somebody who has signed in.

        Args:
            name: Their name.
            vouched: A provider says who they are; of none is the admin's name believed.
        """
        # Buildbot writes "email" down as who did something: it must be the name, as elsewhere.
        called = self.person(name, "session").called
        told = {"username": name, "email": name, "full_name": called}
        proof = "" if vouched and name.lower() == ADMIN else self._proof(name)
        return told | self.sessions.begin(name, proof)

    def end_session(self, user_info: Mapping[str, Any]) -> None:
        """End somebody's session for good: a copy of its cookie opens nothing, either."""
        if not self.of_session(user_info).anonymous:
            self.sessions.end(user_info)

    def _proof(self, name: str) -> str:
        """Return what a session depends on: the way in, and the roles; empty: there can be none."""
        if name == ADMIN:
            return self._admin_secret()
        settings = self.people.get(name)
        access = self.access
        if access.provider in OAUTH:
            way = f"{access.provider} {access.server} {access.client_id}"
        else:
            way = self.hashes.get(name, "") if access.provider == "people" else ""
        roles = sorted(settings.roles) if settings else None
        return f"{way} {roles}" if way else ""

    def _admin_secret(self) -> str:
        try:
            return self.admin_password.read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    # ---- where a request comes from

    @property
    def secure(self) -> bool:
        """Whether people reach the site by https."""
        return self.url.startswith("https:")

    @cached_property
    def origins(self) -> frozenset[str]:
        """What a browser may say the page came from; this machine has two names."""
        parts = urlsplit(self.url)
        found = {f"{parts.scheme}://{parts.netloc}".lower()}
        if parts.hostname in _LOOPBACK:
            port = f":{parts.port}" if parts.port else ""
            found |= {f"{parts.scheme}://{name}{port}" for name in _LOOPBACK}
        return frozenset(found)

    @cached_property
    def _trusted(self) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        return [ipaddress.ip_network(one) for one in self.access.trusted_addresses]

    def trusts(self, address: str) -> bool:
        """Tell whether an address is that of a reverse proxy of ours."""
        found = parse(address)
        return found is not None and any(found in network for network in self._trusted)


def _key(home: Home) -> str:
    """Return what proves sessions; before the first start there are none to prove."""
    try:
        kept = home.session_key.read_text(encoding="utf-8").strip()
    except OSError:
        kept = ""
    return kept or secrets.token_urlsafe(24)


def _made_hash(file: Path) -> str | None:
    """Return the hash that `slipway up` has kept; None before the first start."""
    try:
        kept = file.read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return kept if is_password_hash(kept) else None
