"""The outbox: what has happened, written where it happens, and its way to people."""
