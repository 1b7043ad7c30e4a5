"""Runs as they are shown."""
