"""Freeze an application inside its own Python."""
