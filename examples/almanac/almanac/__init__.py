"""Almanac: an appointment book for a small practice."""

__version__ = "1.4.0"
