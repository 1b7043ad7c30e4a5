"""Record of an API token."""

from __future__ import annotations

from slipway.model.records.base import Record

__all__ = ["TokenRecord"]


class TokenRecord(Record):
    """A token without its hash. Times are seconds since 1970."""

    id: int
    name: str
    """Its purpose."""
    person: str
    roles: list[str]
    """Upper limit of its roles; it never has more than its person's current roles."""
    created_at: float
    created_by: str
    expires_at: float
    last_used_at: float | None
    revoked_at: float | None

    def state_at(self, now: float) -> str:
        """Return "live", "expired" or "revoked"."""
        if self.revoked_at is not None:
            return "revoked"
        return "live" if now < self.expires_at else "expired"
