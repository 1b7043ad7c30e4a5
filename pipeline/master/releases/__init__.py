"""Releases once they are there: their site, their channels, and what is blocked."""
