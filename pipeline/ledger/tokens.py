"""Tokens for scripts and the command line: made once, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from slipway.ledger.audit.recording import Audited, Trail
from slipway.ledger.tables.base import Base
from slipway.model.access import Person, held
from slipway.model.errors import WrongInput

#: Scanners of repositories know a leaked token by it.
PREFIX = "slw_"
_BYTES = 32
_DAY = 86400.0
LONGEST_NAME, MOST_DAYS = 100, 3650
_FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


class Token(Audited, Base):
    """One token of a person; what it says itself is not in the database."""

    __tablename__ = "slipway_token"
    __table_args__ = (Index("ix_slipway_token_sha256", "sha256", unique=True),)
    __trail__ = Trail(
        "token",
        summary=lambda token: f"{token.name} of {token.person}",
        secret=("sha256",),
        silent=("last_used_at",),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    """What it is for."""
    person: Mapped[str] = mapped_column(String(100))
    roles: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """What it may do at most; what its person may no longer do it may not either."""
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[float]
    created_by: Mapped[str] = mapped_column(String(255))
    expires_at: Mapped[float]
    last_used_at: Mapped[float | None]
    revoked_at: Mapped[float | None]


@dataclass(frozen=True)
class TokenView:
    """A token as it may be shown."""

    id: int
    name: str
    person: str
    roles: list[str]
    created_at: float
    created_by: str
    expires_at: float
    last_used_at: float | None
    revoked_at: float | None

    def state(self, now: float) -> str:
        """Return live, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "live" if now < self.expires_at else "expired"


def create(
    session: Session, person: str, name: str, roles: Collection[str], days: float, by: str
) -> tuple[TokenView, str]:
    """Make a token.

    Args:
        session: The caller's transaction.
        person: Whose it is.
        name: What it is for.
        roles: What it may do at most.
        days: How long it is good.
        by: Who makes it.

    Returns:
        The token's row, and the token itself, which nobody can tell again.

    Raises:
        WrongInput: The name is empty, too long or in use; no roles; the days are not in bounds.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        msg = f"a token's name has 1 to {LONGEST_NAME} printable characters; say what it is for"
        raise WrongInput(msg)
    if not roles:
        msg = f"{person} has no role that the token could have; give one in [people.{person}]"
        raise WrongInput(msg)
    if not 0 < days <= MOST_DAYS:
        msg = f"a token is good for more than 0 and at most {MOST_DAYS} days, not {days:g}"
        raise WrongInput(msg)
    now = time.time()
    if any(one.name == name and one.state(now) == "live" for one in list_tokens(session, person)):
        msg = f'{person} has a token "{name}" already; revoke that one or take another name'
        raise WrongInput(msg)
    text = PREFIX + secrets.token_urlsafe(_BYTES)
    row = Token(
        name=name,
        person=person,
        roles=sorted(roles),
        sha256=digest(text),
        created_at=now,
        created_by=by,
        expires_at=now + days * _DAY,
    )
    session.add(row)
    session.flush()
    return _view(row), text


def list_tokens(session: Session, person: str | None = None) -> list[TokenView]:
    """Return tokens, the newest first: of one person, or all."""
    query = select(Token).order_by(Token.id.desc())
    if person is not None:
        query = query.where(Token.person == person)
    return [_view(row) for row in session.scalars(query)]


def revoke(session: Session, number: int, person: str | None = None) -> TokenView:
    """Make a token worthless from now on; doing it again changes nothing.

    Args:
        session: The caller's transaction.
        number: Its id.
        person: Where given, only a token of this person.

    Raises:
        WrongInput: There is no such token.
    """
    row = session.get(Token, number)
    if row is None or person not in (None, row.person):
        msg = f"there is no token {number}; list them: slipway token list"
        raise WrongInput(msg)
    if row.revoked_at is None:
        row.revoked_at = time.time()
        session.flush()
    return _view(row)


def who(session: Session, sha256: str) -> tuple[int, Person] | None:
    """Return whose token this is, with its id and its roles at most; nothing is written.

    Args:
        session: The caller's transaction.
        sha256: The digest of the token.

    Returns:
        None where it is none of ours, revoked or expired.
    """
    row = session.scalar(select(Token).where(Token.sha256 == sha256))
    if row is None or _view(row).state(time.time()) != "live":
        return None
    return row.id, Person(row.person, held(row.roles), f"token:{row.id}")


def good(session: Session) -> frozenset[str]:
    """Return the digests of all tokens that are neither revoked nor expired."""
    now = time.time()
    query = select(Token.sha256).where(Token.revoked_at.is_(None), Token.expires_at > now)
    return frozenset(session.scalars(query))


def note_use(session: Session, number: int) -> None:
    """Write down that a token has been used now."""
    row = session.get(Token, number)
    if row is not None:
        row.last_used_at = time.time()


def well_formed(text: str) -> bool:
    """Tell whether a text could be a token, before anything is looked up."""
    return _FORM.fullmatch(text) is not None


def digest(text: str) -> str:
    """Hash a token; 256 random bits need no slow hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _view(row: Token) -> TokenView:
    return TokenView(
        id=row.id,
        name=row.name,
        person=row.person,
        roles=[str(role) for role in row.roles],
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
