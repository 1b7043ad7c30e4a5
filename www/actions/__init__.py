"""Handlers of endpoints that act: each calls the master's schedulers and gate services."""
