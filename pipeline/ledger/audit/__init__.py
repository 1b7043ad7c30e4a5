"""Audit trail: recording, hash chain, queries."""
