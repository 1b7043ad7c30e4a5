"""Reproducible writing and safe reading of archives."""
