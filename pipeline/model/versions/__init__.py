"""Versions of releases and projects."""
