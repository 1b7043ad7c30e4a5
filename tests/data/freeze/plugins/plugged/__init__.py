"""Backends by entry point."""
