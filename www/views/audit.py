"""Show the audit trail to those who may read it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from slipway.ledger.audit.queries import newest, verify
from slipway.model.records.audit import AuditEntry
from slipway.model.records.audit_csv import as_csv
from slipway.www.api.call import Call
from slipway.www.shapes.audit import AuditQuery, Whole
from slipway.www.shapes.base import Listing

__all__ = ["list_audit", "verify_audit"]


async def list_audit(call: Call) -> Listing[AuditEntry] | None:
    """Answer GET audit; with a format, send a file and return None."""
    found = await call.read(_list, call.query)
    if call.query.format is None:
        return found
    wants_csv = call.query.format == "csv"
    body = as_csv(found.items).encode() if wants_csv else found.model_dump_json(indent=2).encode()
    request = call.request
    kind = "text/csv" if wants_csv else "application/json"
    request.setHeader("content-type", f"{kind}; charset=utf-8")
    request.setHeader("cache-control", "no-store")
    name = f"audit.{call.query.format}"
    request.setHeader("content-disposition", f'attachment; filename="{name}"')
    request.setHeader("content-length", str(len(body)))
    if request.method != b"HEAD":
        request.write(body)
    request.finish()
    return None


def _list(session: Session, query: AuditQuery) -> Listing[AuditEntry]:
    found = newest(
        session,
        query.limit + 1,
        since=query.since,
        before=query.before,
        actor=query.actor,
        action=query.action,
        entity=query.entity,
        project=query.project,
    )
    items, more = found[: query.limit], len(found) > query.limit
    return Listing[AuditEntry](items=items, next=items[-1].id if more else None)


async def verify_audit(call: Call) -> Whole:
    """Answer GET audit/verify: verify the whole chain of hashes."""
    verdict = await call.ledger.reading_pool.do_with_engine(verify)
    return Whole.extend(verdict, whole=not verdict.problem)
