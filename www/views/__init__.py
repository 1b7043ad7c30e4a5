"""Handlers of endpoints that read: each executes a constant number of statements."""
