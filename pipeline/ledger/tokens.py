"""API tokens for scripts and the command line; displayed once, stored as a hash."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Collection
from typing import Any

from sqlalchemy import JSON, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from slipway.ledger.audit.recording import Audited, Trail
from slipway.ledger.tables.base import Base
from slipway.model.access import Person, held
from slipway.model.errors import WrongInput
from slipway.model.records.token import TokenRecord

__all__ = [
    "LONGEST_NAME",
    "MOST_DAYS",
    "PREFIX",
    "Token",
    "create",
    "digest",
    "good",
    "list_tokens",
    "note_use",
    "revoke",
    "well_formed",
    "who",
]

#: A fixed prefix lets secret scanners recognise a leaked token.
PREFIX = "slw_"
_BYTES = 32
_DAY = 86400.0
LONGEST_NAME, MOST_DAYS = 100, 3650
_FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


class Token(Audited, Base):
    """An API token of a person; the database holds only its hash."""

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
    """Its purpose."""
    person: Mapped[str] = mapped_column(String(100))
    roles: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Upper limit of its roles; it never has more than its person's current roles."""
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[float]
    created_by: Mapped[str] = mapped_column(String(255))
    expires_at: Mapped[float]
    last_used_at: Mapped[float | None]
    revoked_at: Mapped[float | None]


def create(
    session: Session, person: str, name: str, roles: Collection[str], days: float, by: str
) -> tuple[TokenRecord, str]:
    """Create a token.

    Args:
        session: The caller's transaction.
        person: The person's name.
        name: Its purpose; unique among the person's live tokens.
        roles: Upper limit of its roles.
        days: Days until it expires.
        by: The person who creates it.

    Returns:
        The token's record, and the token itself, which cannot be retrieved again.

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
    live = [one.name for one in list_tokens(session, person) if one.state_at(now) == "live"]
    if name in live:
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
    return _record(row), text


def list_tokens(session: Session, person: str | None = None) -> list[TokenRecord]:
    """Return tokens, newest first: of one person, or all."""
    query = select(Token).order_by(Token.id.desc())
    if person is not None:
        query = query.where(Token.person == person)
    return [_record(row) for row in session.scalars(query)]


def revoke(session: Session, number: int, person: str | None = None) -> TokenRecord:
    """Revoke a token. Idempotent.

    Args:
        session: The caller's transaction.
        number: Its id.
        person: If given, only a token of this person.

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
    return _record(row)


def who(session: Session, sha256: str) -> tuple[int, Person] | None:
    """Return a token's id and its person, limited to the token's roles. Read-only.

    Args:
        session: The caller's transaction.
        sha256: The digest of the token.

    Returns:
        None if it is unknown, revoked or expired.
    """
    row = session.scalar(select(Token).where(Token.sha256 == sha256))
    if row is None or _record(row).state_at(time.time()) != "live":
        return None
    return row.id, Person(row.person, held(row.roles), f"token:{row.id}")


def good(session: Session) -> frozenset[str]:
    """Return the digests of all live tokens."""
    now = time.time()
    query = select(Token.sha256).where(Token.revoked_at.is_(None), Token.expires_at > now)
    return frozenset(session.scalars(query))


def note_use(session: Session, number: int) -> None:
    """Record the time of a token's last use."""
    row = session.get(Token, number)
    if row is not None:
        row.last_used_at = time.time()


def well_formed(text: str) -> bool:
    """Return whether a text has the form of a token; no look-up."""
    return _FORM.fullmatch(text) is not None


def digest(text: str) -> str:
    """Return the SHA-256 of a token; 256 random bits need no slow password hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _record(row: Token) -> TokenRecord:
    return TokenRecord(
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
